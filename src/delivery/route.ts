/**
 * Where the events of a webhook go, as the delivery sees it. The configuration makes routes; one that is
 * changed is replaced by another, and who holds the old one may use it to the end.
 *
 * @module
 */

import type { DeliveryError } from "../errors.ts";
import type { StepChoice } from "../filters/routing.ts";
import type { Event } from "../event/event.ts";
import type { RepeatKey } from "../event/repeat_key.ts";
import type { VerifiedEvent } from "../event/verified_event.ts";
import type { Acceptance, DeliveryResult } from "../modules/module.ts";
import type { Pacer } from "./pacer.ts";
import type { OutputLease } from "./outputs/output_pool.ts";
import type { Semaphore } from "../time/semaphore.ts";
import { DURABLE_POLICY, longestDelayMs, type RetryPolicy } from "./retry_policy.ts";

/** One output on the way of an event. */
export interface RouteStep {
  /** Names the step in what is stored of an event's progress: its place and its module, for example `0 kafka`. */
  readonly name: string;
  readonly output: OutputLease;
  /** The compiled `module-config`. */
  readonly config: unknown;
  /** Whether events must arrive in the order in which they were received. */
  readonly ordered: boolean;
  /** Only events with equal keys go to the output in one batch. @default "" */
  readonly batchKey?: string;
  /** `undefined` for the default: `DURABLE_POLICY`, or that of senders that wait. */
  readonly retry: RetryPolicy | undefined;
  /** What the output gets of events; left out where it gets them as they are. */
  readonly payload?: Payload | undefined;
}

/** Tells repeated events. */
export interface Idempotency {
  /** The event's key; `undefined` where the sender gave none, so that a repeat cannot be recognised. */
  keyOf(event: Event): RepeatKey | undefined;
}

/** What is made of events for one output. */
export interface Payload {
  /**
   * The event as the output gets it, or why it cannot be made: then the output gets nothing. Large bodies take several
   * turns. Never rejects.
   */
  reshape(event: VerifiedEvent): VerifiedEvent | DeliveryError | Promise<VerifiedEvent | DeliveryError>;
}

/** The choice of the steps that take an event. */
export interface Routing {
  /** Whether every step takes an event, so that nothing has to be chosen. */
  takesAll(event: VerifiedEvent): boolean;
  /** One choice for each step of the route, in order. Large bodies take several turns. Never rejects. */
  choose(event: VerifiedEvent): readonly StepChoice[] | Promise<readonly StepChoice[]>;
}

/** The result of a delivery that a sender waits for; `"filtered"` where no step takes the event. */
export type DirectResult = DeliveryResult | "filtered";

/** All outputs that an event is to reach. */
export interface DeliveryRoute {
  /** `namespace/id` of the webhook. */
  readonly path: string;
  readonly acceptance: Acceptance;
  /** At least one. */
  readonly steps: readonly RouteStep[];
  /** What is kept of an event in the place of what was sent; left out where that is all of it. */
  readonly acceptPayload?: Payload | undefined;
  /** Chooses which steps take an event; left out where all of them take every event. */
  readonly routing?: Routing | undefined;
  /** `sequential`: a step begins when the one before has ended. */
  readonly execution: "sequential" | "parallel";
  /** Whether later steps are taken after one has failed for good. */
  readonly continueOnError: boolean;
  /** No step begins later than this after the first one, in milliseconds. */
  readonly timeoutMs: number;
  /** Deliveries under way at once for this webhook. */
  readonly concurrency: number;
  /** Events of this webhook that may wait to be delivered. */
  readonly queue: number;
  /** What bounds the events of all webhooks of the namespace that wait. @default nothing */
  readonly share?: { readonly maxPending: number } | undefined;
  /** How fast deliveries begin; `undefined` without a bound. */
  readonly pacer: Pacer | undefined;
  /** The places for deliveries that a sender waits for; `undefined` without a bound. */
  readonly gate: Semaphore | undefined;
  /** How repeated events are recognised; `undefined` where all are new. */
  readonly idempotency: Idempotency | undefined;
  /** Begins to use the route: its outputs stay open until {@linkcode leave}. */
  enter(): void;
  leave(): void;
}

/**
 * Where the events of a webhook go now. `missing`: there is no such webhook. `blocked`: there is, but its
 * configuration or connection is not in order, or it is switched off; its events wait. `stopped`: it is paused, or its
 * target has failed for long (`stops/`); its events wait in the journal.
 */
export type RouteLookup = DeliveryRoute | "missing" | "blocked" | "stopped";

/** The longest pause that an event of the journal makes on this route, in milliseconds. */
export function longestPauseMs({ steps }: DeliveryRoute): number {
  return Math.max(...steps.map(({ retry = DURABLE_POLICY }) => longestDelayMs(retry)));
}
