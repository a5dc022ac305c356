/**
 * Channel queues on Redis Streams, shared by all gateways that use the same server. What survives a crash
 * of that server is the server's own setting (`appendonly`, `appendfsync`).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Logger } from "@logtape/logtape";
import { Redis } from "ioredis";
import { restoreVerifiedEvent, type VerifiedEvent } from "../../event/verified_event.ts";
import { DeliveryError, GatewayError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import type { TraceCarrier } from "../../observability/tracing.ts";
import { RedisConnector } from "../../io/redis/connector.ts";
import { ReportLimiter } from "../../observability/report_limiter.ts";
import type {
  ChannelDepth,
  ChannelQueues,
  EnqueueOptions,
  HeldEvent,
  LeasedEvent,
  LeaseOptions,
  Rejection,
  TimedLease,
} from "../channel_queues.ts";
import type { DeadLetters } from "../../dead_letters/dead_letters.ts";
import * as scripts from "./scripts.ts";

const PREFIX = "cwm:relay";
const TOPIC = `${PREFIX}:wake`;

/** How often consumers look for ended leases and delays, and expired events are buried, in milliseconds. */
const TICK_MS = 1_000;

/** Expired events that are buried at once, and how long a gateway that does so keeps others from it. */
const BURIED_AT_ONCE = 100;
const BURIAL_MS = 60_000;

/** What the queues need. */
export interface RedisChannelQueuesOptions {
  /** `redis://` or `rediss://`, with user name and password where the server asks for them. */
  readonly url: string;
  /** Where rejected and expired events go. */
  readonly deadLetters: Pick<DeadLetters, "bury">;
  readonly logger: Logger;
  /** How long one command may take, in milliseconds. @default 5000 */
  readonly commandTimeoutMs?: number;
}

type ScriptName =
  | "enqueue"
  | "lease"
  | "renew"
  | "extend"
  | "remove"
  | "release"
  | "takeBack"
  | "expired"
  | "read"
  | "depth";

type Entry = readonly [id: Buffer, deliveries: number, fields: readonly Buffer[]];

/** The channel queues of one Redis server, for all gateways that use it. */
export class RedisChannelQueues implements ChannelQueues {
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #deadLetters: Pick<DeadLetters, "bury">;
  readonly #logger: Logger;
  readonly #failures = new ReportLimiter();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #ticks: ReturnType<typeof setInterval>;
  readonly #delays = new Set<ReturnType<typeof setTimeout>>();
  #burying = Promise.resolve();
  #closed = false;

  private constructor({ url, deadLetters, logger, commandTimeoutMs = 5_000 }: RedisChannelQueuesOptions) {
    this.#deadLetters = deadLetters;
    this.#logger = logger;
    this.#redis = createClient(url, commandTimeoutMs);
    this.#subscriber = createClient(url, commandTimeoutMs);
    for (const client of [this.#redis, this.#subscriber]) {
      client.on("error", (error) => this.#report("Redis of RELAY_QUEUE cannot be used", error));
    }
    for (const [name, script] of Object.entries(commands)) this.#redis.defineCommand(name, script);
    this.#subscriber.on("message", (_topic: string, channel: string) => this.#wake(channel));
    // After a lost connection wake-ups may have been missed.
    this.#subscriber.on("ready", () => this.#wakeAll());
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
  }

  /**
   * Connects to the server.
   *
   * @throws {GatewayError} `journal_unavailable` when it cannot be reached
   */
  static async open(options: RedisChannelQueuesOptions): Promise<RedisChannelQueues> {
    const queues = new RedisChannelQueues(options);
    try {
      await queues.#redis.connect();
      await queues.#subscriber.connect();
      await queues.#subscriber.subscribe(TOPIC);
      return queues;
    } catch (cause) {
      await queues[Symbol.asyncDispose]();
      throw unavailable(cause);
    }
  }

  async enqueue(channel: string, event: VerifiedEvent, { ttlMs, maxSize }: EnqueueOptions): Promise<void> {
    const { stream, ids, expiry } = keysOf(channel);
    const outcome = await this.#run("enqueue", [
      ...[stream, ids, expiry, `${PREFIX}:channels`],
      ...[event.id, maxSize, ttlMs, encodeHead(event), Buffer.from(event.body.bytes), event.receivedAt],
      ...[channel, TOPIC],
    ]);
    if (String(outcome) !== "full") return;
    throw new DeliveryError("overloaded", `Channel ${channel} is full: it holds ${maxSize} events`, {
      retryAfterSeconds: 5,
    });
  }

  async lease(
    channel: string,
    limit: number,
    visibilityMs: number,
    { bytes = Infinity, isTimed = false }: LeaseOptions = {},
  ): Promise<readonly LeasedEvent[]> {
    const { stream, leases, expiry } = keysOf(channel);
    const most = Math.min(bytes, Number.MAX_SAFE_INTEGER);
    const holder = isTimed ? scripts.TIMED : scripts.GATEWAYS;
    const bounds = [limit, Math.ceil(visibilityMs), most, holder];
    const entries = await this.#run("lease", [stream, leases, expiry, ...bounds]);
    return (entries as readonly Entry[]).map(decodeEntry);
  }

  async renew(channel: string, tags: readonly string[], visibilityMs: number): Promise<readonly string[]> {
    const { ids, leases } = keysOf(channel);
    return await this.#runOn(tags, "renew", [ids, leases, Math.ceil(visibilityMs), ...tags]);
  }

  async extend(
    channel: string,
    named: readonly TimedLease[],
    visibilityMs: number,
  ): Promise<readonly string[]> {
    const { stream, ids, leases } = keysOf(channel);
    const args = [stream, ids, leases, Math.ceil(visibilityMs), ...namesOf(named)];
    return await this.#runOn(named, "extend", args);
  }

  async acknowledge(channel: string, tags: readonly string[]): Promise<readonly string[]> {
    const { stream, ids, leases, expiry } = keysOf(channel);
    return await this.#runOn(tags, "remove", [stream, ids, leases, expiry, ...tags]);
  }

  async release(channel: string, events: readonly HeldEvent[], delayMs: number): Promise<readonly string[]> {
    const { stream, ids, leases } = keysOf(channel);
    const args = [stream, ids, leases, Math.ceil(delayMs), channel, TOPIC, ...namesOf(events)];
    const released = await this.#runOn(events, "release", args);
    if (released.length > 0 && delayMs > 0) this.#wakeLater(channel, delayMs);
    return released;
  }

  async takeBack(channel: string, tags: readonly string[]): Promise<readonly string[]> {
    const { stream, ids, leases } = keysOf(channel);
    return await this.#runOn(tags, "takeBack", [stream, ids, leases, channel, TOPIC, ...tags]);
  }

  async reject(
    channel: string,
    events: readonly HeldEvent[],
    { code, message, attempts }: Rejection,
  ): Promise<readonly string[]> {
    if (events.length === 0) return [];
    const { stream, ids } = keysOf(channel);
    const entries = await this.#run("read", [stream, ids, ...namesOf(events)]) as readonly Entry[];
    const found = new Map(entries.map(decodeEntry).map((leased) => [leased.tag, leased]));
    // First the dead letters: after a crash in between the events are there twice, never gone.
    for (const { event, delivery } of found.values()) {
      await this.#deadLetters.bury(event, { code, message, connection: channel }, attempts ?? delivery);
    }
    return await this.acknowledge(channel, [...found.keys()]);
  }

  async depth(channel: string): Promise<ChannelDepth> {
    const { stream, leases } = keysOf(channel);
    const [all, leased, oldest] = await this.#run("depth", [stream, leases]) as [number, number, Buffer];
    return {
      ready: all - leased,
      leased,
      oldestReceivedAt: oldest.length === 0 ? undefined : Number(oldest),
    };
  }

  async channels(): Promise<readonly string[]> {
    try {
      const names = await this.#redis.smembers(`${PREFIX}:channels`);
      const lengths = await Promise.all(names.map((name) => this.#redis.xlen(keysOf(name).stream)));
      return names.filter((_, index) => lengths[index]! > 0);
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  watch(channel: string, listener: () => void): Disposable {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return {
      [Symbol.dispose]: () => {
        listeners.delete(listener);
        if (listeners.size === 0) this.#listeners.delete(channel);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ticks);
    for (const delay of this.#delays) clearTimeout(delay);
    await this.#burying;
    this.#redis.disconnect();
    this.#subscriber.disconnect();
  }

  async #run(name: ScriptName, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    try {
      return await (this.#redis as unknown as ScriptRunner)[`${name}Buffer`](...args);
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  /** For a script that returns event ids: it is not run where no events are named. */
  async #runOn(
    events: readonly unknown[],
    name: ScriptName,
    args: readonly (string | number | Buffer)[],
  ): Promise<readonly string[]> {
    if (events.length === 0) return [];
    const applied = await this.#run(name, args) as readonly Buffer[];
    return [...new Set(applied.map(String))];
  }

  #tick(): void {
    this.#wakeAll();
    this.#burying = this.#burying.then(() => this.#buryExpired()).catch((error) =>
      this.#report("Burying expired events of the channels failed", error)
    );
  }

  async #buryExpired(): Promise<void> {
    if (this.#closed || this.#redis.status !== "ready") return;
    for (const channel of await this.channels()) {
      const { stream, leases, expiry } = keysOf(channel);
      const args = [stream, leases, expiry, BURIED_AT_ONCE, BURIAL_MS];
      let expired: readonly Entry[];
      do {
        expired = await this.#run("expired", args) as readonly Entry[];
        for (const entry of expired) await this.#bury(channel, decodeEntry(entry));
      } while (expired.length > 0 && !this.#closed);
    }
  }

  async #bury(channel: string, { tag, event, delivery }: LeasedEvent): Promise<void> {
    const failure = {
      code: "expired",
      message: "It stood in the channel for longer than its time to live",
      connection: channel,
    } as const;
    await this.#deadLetters.bury(event, failure, delivery);
    await this.acknowledge(channel, [tag]);
  }

  #wake(channel: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener();
  }

  #wakeAll(): void {
    for (const channel of this.#listeners.keys()) this.#wake(channel);
  }

  #wakeLater(channel: string, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#delays.delete(timer);
      this.#wake(channel);
    }, delayMs);
    this.#delays.add(timer);
  }

  #report(message: string, error: unknown): void {
    if (this.#closed) return;
    this.#failures.run(message, (suppressed) => this.#logger.warning(message, { error, suppressed }));
  }
}

const commands: Record<ScriptName, scripts.RedisScript> = {
  enqueue: scripts.ENQUEUE,
  lease: scripts.LEASE,
  renew: scripts.RENEW,
  extend: scripts.EXTEND,
  remove: scripts.REMOVE,
  release: scripts.RELEASE,
  takeBack: scripts.TAKE_BACK,
  expired: scripts.EXPIRED,
  read: scripts.READ,
  depth: scripts.DEPTH,
};

/** What `defineCommand` adds to a client: one method a script that returns strings as bytes. */
type ScriptRunner = {
  readonly [Name in ScriptName as `${Name}Buffer`]: (
    ...args: readonly (string | number | Buffer)[]
  ) => Promise<unknown>;
};

function createClient(url: string, commandTimeoutMs: number): Redis {
  return new Redis(url, {
    lazyConnect: true,
    protocol: 2,
    Connector: RedisConnector,
    connectTimeout: commandTimeoutMs,
    commandTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 1,
    // A command that waits for the server would outlive its sender, one that is sent again could happen twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times: number) => Math.min(times * 50, 1_000),
    disableClientInfo: true,
    connectionName: "cwm-relay",
  });
}

function keysOf(channel: string): Record<"stream" | "ids" | "leases" | "expiry", string> {
  const base = `${PREFIX}:{${channel}}`;
  return {
    stream: `${base}:stream`,
    ids: `${base}:ids`,
    leases: `${base}:leases`,
    expiry: `${base}:expiry`,
  };
}

/** Event id and delivery of each, as the scripts read them. */
function namesOf(events: readonly HeldEvent[]): (string | number)[] {
  return events.flatMap(({ tag, delivery = "" }) => [tag, delivery]);
}

function encodeHead({ id, namespace, webhook, type, receivedAt, headers, trace }: VerifiedEvent): string {
  return JSON.stringify({ id, namespace, webhook, type, receivedAt, headers: [...headers], trace });
}

interface StoredHead {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly type?: string;
  readonly receivedAt: number;
  readonly headers: [string, string][];
  readonly trace?: TraceCarrier;
}

function decodeEntry([, deliveries, fields]: Entry): LeasedEvent {
  const [, head, , body] = fields;
  const { headers, ...rest } = JSON.parse(String(head)) as StoredHead;
  const event = restoreVerifiedEvent({
    ...rest,
    headers: new Headers(headers),
    body: EventBody.fromBytes(new Uint8Array(body ?? [])),
  });
  return { tag: event.id, event, delivery: Number(deliveries) };
}

function unavailable(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  return new GatewayError("journal_unavailable", undefined, { cause, retryAfterSeconds: 1 });
}
