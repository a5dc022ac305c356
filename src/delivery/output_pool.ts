/**
 * The open outputs. Webhooks that use the same module with the same connection settings share one; it is
 * closed when the last of them has let go and their deliveries have ended.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { VerifiedEvent } from "../auth/verified_event.ts";
import type { DeliveryResult, OutputModule } from "../modules/module.ts";
import { type HostEnvironment, OutputHost } from "./output_host.ts";
import type { OutputScheduler } from "./output_scheduler.ts";
import type { RetryPolicy } from "./retry_policy.ts";

/** The settings of a connection, as much as the pool needs to know of them. */
export interface PooledConnection {
  readonly name: string;
  readonly config: unknown;
  /** Equal for equal settings: changed settings get a client of their own. */
  readonly fingerprint: string;
}

/** One webhook's hold on an open output. */
export interface OutputLease {
  /** The connection's name, or the module's where it needs none. */
  readonly connection: string;
  /** Takes events out of the journal. */
  readonly scheduler: OutputScheduler;
  /** @param retry left out: the policy of senders that wait */
  deliver(
    event: VerifiedEvent,
    config: unknown,
    retry?: RetryPolicy,
  ): DeliveryResult | Promise<DeliveryResult>;
  /** Lets go. Call it once, when the last delivery through this lease has ended. */
  release(): void;
}

/** A lease on nothing, for a configuration that is compiled and not served. Using it is a bug. */
export const CLOSED_LEASE: OutputLease = {
  connection: "",
  get scheduler(): never {
    throw new TypeError("Cannot deliver: this configuration is not served");
  },
  deliver: () => {
    throw new TypeError("Cannot deliver: this configuration is not served");
  },
  release: () => {},
};

/** An open output and how many hold it. All holders share this one lease. */
class PooledHost implements OutputLease {
  users = 0;

  constructor(
    readonly key: string,
    readonly host: OutputHost,
    readonly onUnused: (pooled: PooledHost) => void,
  ) {}

  get connection(): string {
    return this.host.connection;
  }

  get scheduler(): OutputScheduler {
    return this.host.scheduler;
  }

  deliver(
    event: VerifiedEvent,
    config: unknown,
    retry?: RetryPolicy,
  ): DeliveryResult | Promise<DeliveryResult> {
    return this.host.deliver(event, config, retry);
  }

  release(): void {
    this.users--;
    if (this.users === 0) this.onUnused(this);
  }
}

/** Opens outputs when they are first asked for and closes them when nobody holds them any more. */
export class OutputPool implements AsyncDisposable {
  readonly #open = new Map<string, PooledHost>();
  readonly #closing = new Set<Promise<void>>();
  readonly #environment: HostEnvironment;
  readonly #logger: Logger;

  constructor(environment: HostEnvironment, logger: Logger) {
    this.#environment = environment;
    this.#logger = logger;
  }

  /**
   * Takes a hold on the output that the deliveries of a webhook go to. Nothing is opened before the first.
   *
   * @param config the webhook's compiled `module-config`
   */
  acquire(module: OutputModule, connection: PooledConnection | undefined, config: unknown): OutputLease {
    const partition = module.partition?.(config) ?? "";
    // Only a partition may hold the separator, and it stands last: no two keys are equal by accident.
    const key = `${module.name}\0${connection?.name ?? ""}\0${connection?.fingerprint ?? ""}\0${partition}`;
    let pooled = this.#open.get(key);
    if (pooled === undefined) {
      const name = connection?.name ?? module.name;
      const host = new OutputHost(module, name, connection?.config, this.#logger, this.#environment);
      pooled = new PooledHost(key, host, (unused) => this.#close(unused));
      this.#open.set(key, pooled);
    }
    pooled.users++;
    return pooled;
  }

  /** The outputs that somebody holds. */
  *hosts(): Iterable<OutputHost> {
    for (const pooled of this.#open.values()) yield pooled.host;
  }

  /** Closes every output, held or not, and waits until all are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pooled of this.#open.values()) this.#close(pooled);
    await Promise.all(this.#closing);
  }

  #close(pooled: PooledHost): void {
    // Another output may stand under the key by now: only this one is taken out.
    if (this.#open.get(pooled.key) === pooled) this.#open.delete(pooled.key);
    const closing = pooled.host[Symbol.asyncDispose]().catch((error) => {
      this.#logger.warning("Closing output {output} failed", { output: pooled.host.connection, error });
    });
    this.#closing.add(closing);
    closing.finally(() => this.#closing.delete(closing));
  }
}
