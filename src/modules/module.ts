/**
 * The contract of output modules. A module is a value, listed once in `registry.ts`. It knows how to hand
 * events to one kind of system and nothing else: time-outs, retries, concurrency bounds, metrics and
 * redaction are the host's (`delivery/outputs/output_host.ts`).
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { z } from "zod";
import type { VerifiedEvent } from "../event/verified_event.ts";
import type { DeliveryError } from "../errors.ts";
import type { BodyForm } from "../event/event.ts";
import type { HealthReports } from "../health/health.ts";
import type { RequestTraces } from "../io/http/request_traces.ts";
import type { LineWriter } from "../io/line_writer.ts";
import type { Destination } from "../policy/destination.ts";
import type { ModuleDocumentation } from "./documentation.ts";

/**
 * When the sender gets its 2xx, unless the webhook's `accept` says otherwise.
 *
 * - `delivered`: after the output confirmed the event.
 * - `durable`: after the event was written to the journal; delivery follows.
 */
export type Acceptance = "delivered" | "durable";

/** One event on its way to one output, with the webhook's compiled `module-config`. */
export interface Delivery<Config = unknown> {
  readonly event: VerifiedEvent;
  readonly config: Config;
}

/** `"delivered"`, or why this event was not. */
export type DeliveryResult = "delivered" | DeliveryError;

/** One try at delivering a batch. */
export interface Attempt {
  /** 1 for the first try. */
  readonly number: number;
  /** Aborts when the attempt's deadline passes or the gateway stops. Made on first use. */
  readonly signal: AbortSignal;
  /**
   * Reports the result of one delivery of the batch before the others have theirs; `deliver` returns it as well. Left
   * out where nobody waits for a single one.
   *
   * @returns whether somebody still waited for it
   */
  settle?(index: number, result: DeliveryResult): boolean;
}

/** How deliveries go together. */
export interface BatchBounds {
  /** How many deliveries one call of `deliver` may take. */
  readonly maxBatch: number;
  /**
   * How many bytes of bodies one call of `deliver` may take, besides one body of any size; characters, where bodies
   * are read as text. @default no bound
   */
  readonly maxBatchBytes?: number;
  /** How long the first waits for others until there are enough for a batch, in milliseconds. @default 0 */
  readonly lingerMs?: number;
}

/** One of several targets that an output chooses between. */
export interface TargetReading {
  /** Its origin: nothing of a URL that may be a secret. */
  readonly destination: string;
  /** Whether it gets events when its turn comes, as far as is known. */
  readonly isUp: boolean;
  /** Events that it has taken since the output was opened. */
  readonly events: number;
}

/** An open output: a client or a file handle, shared by every webhook that uses the same connection. */
export interface Output<Config = unknown> extends AsyncDisposable {
  /**
   * Delivers a batch; one result per delivery, in order. It may answer without a promise when it does not
   * wait for anything, which saves the request a turn of the event loop.
   *
   * @throws {DeliveryError} when the whole batch failed for one reason; anything else thrown is a bug
   */
  deliver(
    batch: readonly Delivery<Config>[],
    attempt: Attempt,
  ): readonly DeliveryResult[] | Promise<readonly DeliveryResult[]>;
  /**
   * Resolves when the system behind the output can take events now.
   *
   * @throws {DeliveryError} with the reason when it cannot
   */
  probe(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when it would take the events of webhooks with this configuration now. Left out, `probe` says all that
   * can be known.
   *
   * @throws {DeliveryError} with the reason when it would not
   */
  probeFor?(config: Config, signal: AbortSignal): Promise<void>;
  /** The targets that it chooses between, for metrics. Left out where each event has one place to go. */
  targets?(): readonly TargetReading[];
}

/** Durable queues that connectors drain: the part of `ChannelQueues` that an output needs. */
export interface ChannelWriter {
  /**
   * Appends an event; resolves when that would survive a crash.
   *
   * @param options.ttlMs after this time the event is a dead letter, in milliseconds
   * @param options.maxSize events that may stand in the channel
   * @throws {GatewayError} `overloaded` when the channel is full, `journal_unavailable` when it cannot be used
   */
  enqueue(
    channel: string,
    event: VerifiedEvent,
    options: { readonly ttlMs: number; readonly maxSize: number },
  ): Promise<void>;
}

/** What the host gives a module to work with. */
export interface ModuleContext {
  /** The connection's name, or the module's name where it needs no connection. */
  readonly name: string;
  readonly logger: Logger;
  /** Where is reported that a connection is down. @default nowhere */
  readonly health?: HealthReports | undefined;
  /** Makes requests parts of the traces of events. @default none are recorded */
  readonly traces?: RequestTraces | undefined;
  /** Where modules that print write to: standard output. */
  readonly lines: LineWriter;
  /** Where events for connectors are queued. Left out where there is no such place, as in a connector. */
  readonly channels?: ChannelWriter;
  /** Counts the time for which the system behind the output takes nothing, since it is asked for too much. */
  throttled?(milliseconds: number): void;
}

/** What a module may want to know of the webhook that uses it. */
export interface WebhookTraits {
  /** What the webhook takes bodies for: JSON, which they then are, or any bytes. */
  readonly dataType: "json" | "blob";
  /** Whether the sender wants the answer of this output, which goes into `answer` of the event. @default false */
  readonly answers?: boolean;
  /**
   * What tells the form in which a step of a chain hands events on from those of other steps. Left out where it hands
   * on what the webhook does.
   */
  readonly form?: string;
}

/** What a webhook says that brings its own connection instead of naming one. */
export interface OwnConnection<Connection> {
  /** The connection's name for operators: a URL without user name and password, which no other connection has. */
  readonly address: string;
  readonly connection: Connection;
  /** What stands beside the connection and belongs into `module-config`. */
  readonly moduleConfig: Readonly<Record<string, unknown>>;
}

/** A kind of system that events can be delivered to. */
export interface OutputModule<Config = unknown, Connection = unknown> {
  /** The webhook's `module`, for example `kafka`. */
  readonly name: string;
  /** Further names that a webhook may give as its `module`. @default [] */
  readonly otherNames?: readonly string[];
  /** What it hands events to, as the end of the sentence "events go to …". */
  readonly summary?: string;
  /** What its page says. */
  readonly documentation?: () => Promise<{ readonly documentation: ModuleDocumentation }>;
  /**
   * Connection `type`s that it accepts; empty when it needs no connection. A webhook that names no connection
   * gets the only one of these types.
   */
  readonly connectionTypes: readonly string[];
  /** Further `type`s that it accepts of a connection that the webhook names. @default [] */
  readonly namedConnectionTypes?: readonly string[];
  /**
   * Strict schema of `module-config`. It may end in a transform that compiles the configuration; the result is
   * shared by webhooks of equal settings and must be immutable.
   */
  readonly configSchema: z.ZodType<Config>;
  /**
   * Keys of `module-config` that files of the Python service have and that do nothing, there as here, with
   * what to do about each. A webhook that has one is served, with a warning.
   */
  readonly keysWithoutEffect?: Readonly<Record<string, string>>;
  /** Strict schema of the connection without its `type`. Left out when no connection is needed. */
  readonly connectionSchema?: z.ZodType<Connection>;
  /** Strict schema of the webhook's key `redis`. Left out by modules that take no connection from there. */
  readonly ownConnectionSchema?: z.ZodType<OwnConnection<Connection>>;
  /** Whether there is an answer of the system behind it that senders can have. @default false */
  readonly givesAnswers?: boolean;
  /** Fits a configuration to its webhook, when that is compiled. Left out, it is used as the schema made it. */
  forWebhook?(config: Config, webhook: WebhookTraits): Config;
  /**
   * Where a configuration has events go, for the policy of its namespace: each destination with its key in
   * `module-config`. What an event says of it is {@linkcode ANY_TEXT}. Left out, nobody knows, and a policy that names
   * hosts forbids it.
   */
  destinations?(config: Config): readonly Destination[];
  /** Where a connection leads, in the same way. */
  connectionDestinations?(connection: Connection): readonly Destination[];
  readonly acceptance: Acceptance;
  /** The cheapest form of the body that the module can work from. */
  readonly reads: BodyForm;
  /** How many calls of `deliver` may be under way at once per connection. @default 64 */
  readonly concurrency?: number;
  /** How many deliveries one call of `deliver` may take. @default 1 */
  readonly maxBatch?: number;
  /**
   * How many bytes of bodies one call of `deliver` may take, besides one body of any size; characters, where bodies
   * are read as text. @default no bound
   */
  readonly maxBatchBytes?: number;
  /**
   * The bounds of batches where the connection says them, or the configuration: then they are the same within a
   * partition. Left out, they are `maxBatch` and `maxBatchBytes`.
   */
  batches?(connection: Connection, config: Config): BatchBounds;
  /**
   * Has deliveries that senders wait for go together, as those of the journal do: while so many of their batches are
   * under way, what comes gathers for the next. A body of a quarter of `maxBatchBytes` and more goes alone. Left
   * out, each has a call of its own, for modules that wait for nothing or gather in a finer way themselves.
   */
  readonly gathers?: number;
  /**
   * Whether the events of one webhook must arrive in the order in which they were received. Then one that
   * fails holds up the later ones of its webhook until it was delivered or given up. Left out, none waits.
   */
  ordered?(config: Config): boolean;
  /**
   * Which deliveries share an output. Those of different partitions never wait for each other, so one
   * destination that hangs does not hold up the others. Left out, all that use a connection share one.
   */
  partition?(config: Config): string;
  /**
   * What the partition is called in metrics: an origin, and nothing of a URL that may be a secret. Left out, the
   * partitions of a connection are shown as one.
   */
  destination?(config: Config): string;
  /**
   * Looks whether the system behind a connection can take the events of webhooks with this configuration, before
   * there are any. Left out, nothing can be known before.
   *
   * @returns what is in the way, one sentence each for the operator; none when nothing is
   * @throws {DeliveryError} when it cannot be found out now
   */
  inspect?(connection: Connection, config: Config, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Whether the system behind an output without a connection can be asked by another program than the one that serves
   * the webhook. Asked of modules whose outputs have `probeFor`. @default true
   */
  canBeAsked?(config: Config): boolean;
  /**
   * What an operator should know of the system behind a connection that keeps no event from it, one sentence each,
   * for `cwm check --probe`. Left out, there is nothing to say.
   *
   * @throws {DeliveryError} when it cannot be found out now
   */
  notices?(connection: Connection, config: Config, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Which deliveries may go in one batch: those with equal keys. Left out, all may. Results come when the whole batch
   * has ended, so what may have to wait for something of its own has a key of its own.
   */
  batchKey?(config: Config): string;
  /** How long one attempt may take, in milliseconds. @default 10000 */
  timeoutMs?(config: Config): number;
  /**
   * Whether the output itself tries again until an attempt's time is up, or until it knows that nothing answers. A
   * sender that waits then has its answer: a further attempt could only deliver twice. @default false
   */
  readonly triesUntilTimeout?: boolean;
  /** Whether a probe only opens a connection, so that it may be made every second. @default false */
  readonly hasCheapProbe?: boolean;
  /** How long one attempt may take for events in the journal, in milliseconds. Left out, as for senders that wait. */
  journalTimeoutMs?(config: Config): number;
  /** Opens the output of one connection. It must not wait for the network: clients connect on first use. */
  open(connection: Connection, context: ModuleContext): Promise<Output<Config>>;
}

/** All names by which a webhook may name a module. */
export function namesOf({ name, otherNames = [] }: OutputModule): readonly string[] {
  return [name, ...otherNames];
}

/** The module that a webhook names. @param name what its configuration says */
export function findModule<Module extends OutputModule>(
  modules: readonly Module[],
  name: unknown,
): Module | undefined {
  return modules.find((module) => namesOf(module).some((one) => one === name));
}

/** A module with a page of its own, as every one of the registry has. */
export interface DocumentedModule<Config = unknown, Connection = unknown>
  extends OutputModule<Config, Connection> {
  readonly summary: string;
  readonly documentation: () => Promise<{ readonly documentation: ModuleDocumentation }>;
  destinations(config: Config): readonly Destination[];
}
