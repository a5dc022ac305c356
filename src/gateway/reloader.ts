import type { ConfigManager } from "../config/manager.ts";
import type { ConfigProvider } from "../config/provider.ts";
import { ReloadWatch } from "../config/reload_watch.ts";
import { abortable } from "../time/abortable.ts";

/** How the problem of a reload that hangs is named. */
const SOURCE = "reload";

/** Looks for changed configuration when somebody asks for it, and says when that does not end. */
export class Reloader {
  readonly #provider: ConfigProvider;
  readonly #manager: ConfigManager;
  readonly #watch: ReloadWatch;

  constructor(provider: ConfigProvider, manager: ConfigManager) {
    this.#provider = provider;
    this.#manager = manager;
    this.#watch = new ReloadWatch(
      (problem) => manager.reportSource(SOURCE, problem, provider.status().revision, "last_good"),
      "The reload",
    );
  }

  /**
   * Reads the configuration now, and then the secrets even where it is as it was. Resolves when what changed is
   * applied.
   *
   * @throws {DOMException} the signal's reason, when it aborts first
   */
  async reload(signal: AbortSignal): Promise<void> {
    const ended = this.#watch.begin();
    try {
      await this.#provider.reload(signal);
      await this.#manager.reloadSecrets(signal);
      await abortable(this.#manager.settled(), signal);
    } finally {
      ended(true);
    }
  }
}
