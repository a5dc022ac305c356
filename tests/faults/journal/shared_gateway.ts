/** One of several gateways on one journal, with all its lives. */

import type { Ledger } from "../../crash/ledger.ts";
import { webhooksFor } from "../../crash/webhooks.ts";
import { freezeProcess, thawProcess } from "../../support/postgres/processes.ts";
import { GatewayProcess } from "../../support/process/gateway_process.ts";
import { TempDir } from "../../support/temp_dir.ts";
import type { HostClock } from "./host_clock.ts";
import type { Times } from "./times.ts";

export const ADMIN_TOKEN = "only-for-the-fault-runs";

/** What a gateway is started with. */
export interface SharedGatewayOptions {
  readonly journal: string;
  readonly receiver: string;
  readonly ledger: Ledger;
  readonly times: Times;
  /** Left out: it has the time of this machine. */
  readonly clock: HostClock | undefined;
}

/** A gateway that is started again and again. */
export class SharedGateway implements AsyncDisposable {
  readonly clock: HostClock | undefined;
  readonly #options: SharedGatewayOptions;
  readonly #directory: TempDir;
  #process: GatewayProcess | undefined;
  #life = -1;

  private constructor(options: SharedGatewayOptions, directory: TempDir) {
    this.clock = options.clock;
    this.#options = options;
    this.#directory = directory;
  }

  static async start(options: SharedGatewayOptions): Promise<SharedGateway> {
    await using undo = new AsyncDisposableStack();
    const gateway = undo.use(new SharedGateway(options, await TempDir.create()));
    await gateway.restart();
    await gateway.running.waitUntilReady();
    undo.move();
    return gateway;
  }

  /** Where it listens; `undefined` while it does not run. */
  get port(): number | undefined {
    return this.#process?.port;
  }

  /** @throws {Error} while it does not run */
  get running(): GatewayProcess {
    if (this.#process === undefined) throw new Error("The gateway does not run");
    return this.#process;
  }

  /** Starts the next life and waits until it listens, which is before it is ready. */
  async restart(): Promise<void> {
    const { journal, receiver, ledger, times, clock } = this.#options;
    this.#life = ledger.begin();
    await this.#directory.writeJson("webhooks.json", webhooksFor(receiver, this.#life));
    this.#process = await GatewayProcess.start({
      cwd: this.#directory.path,
      program: "tests/crash/gateway.ts",
      args: [],
      env: {
        ADMIN_TOKEN,
        JOURNAL: journal,
        JOURNAL_BEAT_MS: `${times.beatMs}`,
        JOURNAL_DEAD_MS: `${times.deadMs}`,
        JOURNAL_DELIVERY_LIMIT_MS: `${times.deliveryLimitMs}`,
        LOG_LEVEL: "info",
        SHUTDOWN_GRACE_MS: "100",
        ...clock?.environment,
      },
    });
  }

  /** Ends this life. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const gateway = this.running;
    const endedAt = performance.now();
    gateway.kill(signal);
    const { code } = await gateway.exited;
    this.#process = undefined;
    this.#options.ledger.lives[this.#life] = signal === "SIGKILL"
      ? { signal, endedAt }
      : { signal, endedAt, exitCode: code };
    await gateway[Symbol.asyncDispose]();
  }

  /** Stands still while something goes on. */
  async frozenWhile(action: () => Promise<void>): Promise<void> {
    const { pid } = this.running;
    const absence: { life: number; from: number; to?: number } = {
      life: this.#life,
      from: performance.now(),
    };
    this.#options.ledger.absences.push(absence);
    await freezeProcess(pid);
    try {
      await action();
    } finally {
      thawProcess(pid);
      absence.to = performance.now();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
    await this.clock?.[Symbol.asyncDispose]();
  }
}
