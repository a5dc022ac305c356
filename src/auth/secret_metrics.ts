import type { Counter, Metrics } from "../observability/metrics.ts";
import { SeriesNames, type WebhookFamily } from "../observability/webhook_series.ts";
import type { PlacedSecrets } from "./several_secrets.ts";

/**
 * Counts which secret of a list still matches, so that an operator knows when the old one can go. Each secret of a list
 * has a series from the load of its webhook on, which ends with the list: a list that has changed begins at 0.
 */
export class SecretMetrics {
  readonly #matches: WebhookFamily<Counter>;
  /** By `namespace/id`: the lists that are shown. */
  readonly #shown = new Map<string, readonly PlacedSecrets[]>();

  /** @param names which webhooks have series of their own. @default all */
  constructor(metrics: Metrics, names: SeriesNames = new SeriesNames()) {
    this.#matches = metrics.webhookCounter(
      "cwm_secret_matches_total",
      "Credentials that matched a secret of a list, by its place in the configuration.",
      names,
      ["secret"],
    );
  }

  /**
   * A webhook was loaded, changed or removed.
   *
   * @param path `namespace/id`
   * @param lists those of the webhook as it is now
   */
  changed(path: string, lists: readonly PlacedSecrets[]): void {
    const shown = this.#shown.get(path);
    if (lists === shown || (shown === undefined && lists.length === 0)) return;
    const [namespace = "", webhook = ""] = path.split("/");
    this.#matches.forget({ namespace, webhook });
    if (lists.length === 0) this.#shown.delete(path);
    else this.#shown.set(path, lists);
    for (const { path: place, secrets } of lists) {
      const indexes = Array.from({ length: secrets.size }, (_, index) => index);
      secrets.countWith(indexes.map((index) => this.#matches.with(namespace, webhook, `${place}.${index}`)));
    }
  }
}
