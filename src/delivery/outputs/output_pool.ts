/**
 * The open outputs. Webhooks that use the same module with the same connection settings share one; it is
 * closed when the last of them has let go and their deliveries have ended. A connection that is changed gets a
 * client of its own, which is opened and probed before it takes the place of the old one.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import { Timer } from "../../time/deadlines.ts";
import { assertCount, DeliveryError } from "../../errors.ts";
import type { DeliveryResult, OutputModule } from "../../modules/module.ts";
import { type HostEnvironment, OutputHost } from "./output_host.ts";
import type { OutputScheduler } from "./output_scheduler.ts";
import type { RetryPolicy } from "../retry_policy.ts";
import { abortable } from "../../time/abortable.ts";

/** How long a changed connection may take to show that it works, in milliseconds. */
const PROOF_TIMEOUT_MS = 5_000;

/** The settings of a connection, as much as the pool needs to know of them. */
export interface PooledConnection {
  readonly name: string;
  readonly config: unknown;
  /** Equal for equal settings: changed settings get a client of their own. */
  readonly fingerprint: string;
  /** Whether other settings under the same name are another connection, and not this one changed. */
  readonly isOwn?: boolean;
}

/** One webhook's hold on an open output. */
export interface OutputLease {
  /** What operators know the output by, as in its troubles. */
  readonly name: string;
  /** The connection's name, or the module's where it needs none. */
  readonly connection: string;
  /** Takes events out of the journal. */
  readonly scheduler: OutputScheduler;
  /**
   * @param retry left out: the policy of senders that wait
   * @param mostMs it is given up after this, retries included, in milliseconds. @default Infinity
   */
  deliver(
    event: VerifiedEvent,
    config: unknown,
    retry?: RetryPolicy,
    mostMs?: number,
  ): DeliveryResult | Promise<DeliveryResult>;
  /** Lets go. Call it once, when the last delivery through this lease has ended. */
  release(): void;
}

/** A lease without an output, for a configuration that is compiled and not served. Using it is a bug. */
export const CLOSED_LEASE: OutputLease = {
  name: "",
  connection: "",
  get scheduler(): never {
    throw new TypeError("Cannot deliver: this configuration is not served");
  },
  deliver: () => {
    throw new TypeError("Cannot deliver: this configuration is not served");
  },
  release: () => {},
};

/**
 * An output and how many hold it. All holders share this one lease. As long as it has a predecessor, that one
 * gets the deliveries.
 */
class PooledHost implements OutputLease {
  users = 0;
  #predecessor: PooledHost | undefined;
  /** What its holders say of the deliveries that may begin there in a second, and how many say it. */
  readonly #rates = new Map<number, number>();

  /** @param place what a changed connection keeps: module, connection name and partition */
  constructor(
    readonly key: string,
    readonly place: string | undefined,
    readonly host: OutputHost,
    readonly onUnused: (pooled: PooledHost) => void,
  ) {}

  get name(): string {
    return this.host.name;
  }

  get connection(): string {
    return this.host.connection;
  }

  get scheduler(): OutputScheduler {
    return this.#current.scheduler;
  }

  deliver(
    event: VerifiedEvent,
    config: unknown,
    retry?: RetryPolicy,
    mostMs?: number,
  ): DeliveryResult | Promise<DeliveryResult> {
    return this.#current.deliver(event, config, retry, mostMs);
  }

  release(): void {
    this.users = assertCount(this.users - 1, "users of an output");
    if (this.users === 0) this.onUnused(this);
  }

  /** The lowest rate of those that its holders say counts. */
  addRate(perSecond: number): void {
    this.#rates.set(perSecond, (this.#rates.get(perSecond) ?? 0) + 1);
    this.#applyRates();
  }

  removeRate(perSecond: number): void {
    const left = assertCount((this.#rates.get(perSecond) ?? 0) - 1, "webhooks with a rate of their target");
    if (left === 0) this.#rates.delete(perSecond);
    else this.#rates.set(perSecond, left);
    this.#applyRates();
  }

  #applyRates(): void {
    const { pacer } = this.host;
    pacer.setRate(
      this.#rates.size === 0 ? undefined : [...this.#rates.keys()].reduce((a, b) => Math.min(a, b)),
    );
  }

  /**
   * Takes the place of an output whose connection was changed, once it has shown that it can take events, or
   * could not show it in time: what the configuration says counts in the end.
   *
   * @throws {DeliveryError} with what kept it from showing it; the place has been taken all the same
   */
  async succeed(predecessor: PooledHost, proof: () => Promise<void>): Promise<void> {
    this.#predecessor = predecessor;
    predecessor.users++;
    try {
      await proof();
    } finally {
      this.#predecessor = undefined;
      predecessor.host.scheduler.handOver(this.host.scheduler);
      predecessor.release();
    }
  }

  get #current(): OutputHost {
    return this.#predecessor === undefined ? this.host : this.#predecessor.#current;
  }
}

/** The hold of a webhook that says how fast deliveries may begin at its output. */
class RatedLease implements OutputLease {
  readonly #pooled: PooledHost;
  readonly #perSecond: number;

  constructor(pooled: PooledHost, perSecond: number) {
    this.#pooled = pooled;
    this.#perSecond = perSecond;
    pooled.addRate(perSecond);
  }

  get name(): string {
    return this.#pooled.name;
  }

  get connection(): string {
    return this.#pooled.connection;
  }

  get scheduler(): OutputScheduler {
    return this.#pooled.scheduler;
  }

  deliver(
    event: VerifiedEvent,
    config: unknown,
    retry?: RetryPolicy,
    mostMs?: number,
  ): DeliveryResult | Promise<DeliveryResult> {
    return this.#pooled.deliver(event, config, retry, mostMs);
  }

  release(): void {
    this.#pooled.removeRate(this.#perSecond);
    this.#pooled.release();
  }
}

/** Opens outputs when they are first asked for and closes them when nobody holds them any more. */
export class OutputPool implements AsyncDisposable {
  readonly #open = new Map<string, PooledHost>();
  /** The newest output in each place. */
  readonly #newest = new Map<string, PooledHost>();
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
   * @param perSecond deliveries that may begin there in a second, those of all webhooks together; of several that
   * webhooks say, the lowest counts. @default any number
   */
  acquire(
    module: OutputModule,
    connection: PooledConnection | undefined,
    config: unknown,
    perSecond?: number,
  ): OutputLease {
    const partition = module.partition?.(config) ?? "";
    // Only a partition may hold the separator, and it stands last: no two keys are equal by accident.
    const key = `${module.name}\0${connection?.name ?? ""}\0${connection?.fingerprint ?? ""}\0${partition}`;
    let pooled = this.#open.get(key);
    if (pooled === undefined) {
      const name = connection?.name ?? module.name;
      const host = new OutputHost(
        module,
        name,
        connection?.config,
        this.#logger,
        this.#environment,
        config,
        module.destination?.(config),
      );
      const place = connection === undefined || connection.isOwn === true
        ? undefined
        : `${module.name}\0${connection.name}\0${partition}`;
      pooled = new PooledHost(key, place, host, (unused) => this.#close(unused));
      this.#open.set(key, pooled);
      if (place !== undefined) this.#replace(pooled, place);
    }
    pooled.users++;
    return perSecond === undefined ? pooled : new RatedLease(pooled, perSecond);
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

  /** Lets an output take the place of the one whose connection had the same name and other settings. */
  #replace(pooled: PooledHost, place: string): void {
    const former = this.#newest.get(place);
    this.#newest.set(place, pooled);
    // One that nobody has used needs no successor that proves itself, nor one that is closed already.
    if (former === undefined || !former.host.isOpen || former.users === 0) return;
    pooled.succeed(former, () => this.#prove(pooled.host)).catch((error) => {
      this.#logger.warning("The changed connection {output} is used, although it does not answer", {
        output: pooled.host.connection,
        error,
      });
    });
  }

  async #prove(host: OutputHost): Promise<void> {
    const { deadlines } = this.#environment;
    const controller = new AbortController();
    const deadline = new Timer(() => {
      controller.abort(new DeliveryError("output_timeout", "The connection did not answer in time"));
    });
    deadlines.set(PROOF_TIMEOUT_MS, deadline);
    try {
      await abortable(host.probe(controller.signal), controller.signal);
    } finally {
      deadlines.clear(deadline);
    }
  }

  #close(pooled: PooledHost): void {
    // Another output may stand under the key by now: only this one is taken out.
    if (this.#open.get(pooled.key) === pooled) this.#open.delete(pooled.key);
    if (pooled.place !== undefined && this.#newest.get(pooled.place) === pooled) {
      this.#newest.delete(pooled.place);
    }
    const closing = pooled.host[Symbol.asyncDispose]().catch((error) => {
      this.#logger.warning("Closing output {output} failed", { output: pooled.host.connection, error });
    });
    this.#closing.add(closing);
    closing.finally(() => this.#closing.delete(closing));
  }
}
