/**
 * Looks at the systems behind webhooks before there are events for them: whether a table has the columns that
 * rows need, for example. What does not fit is looked at again and again until it does, and so is a system that
 * was out of reach.
 *
 * Webhooks of equal settings share one look. Nothing is kept of those that fit.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { Semaphore } from "../time/semaphore.ts";
import { DeliveryError } from "../errors.ts";
import type { OutputModule } from "../modules/module.ts";
import type { CompiledConnection } from "./compiled_connection.ts";
import type { CompiledStep } from "./compile/delivery_compiler.ts";
import type { ProblemReason } from "./problem.ts";
import { Backoff } from "../time/backoff.ts";
import { Pace } from "../time/pace.ts";
import { pause } from "../time/abortable.ts";

/** Systems that are looked at at once. */
const AT_ONCE = 8;

/** How long one look may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** The pauses between looks. */
const PAUSES = { initialMs: 250, maxMs: 30_000 };

/** What one output of a webhook needs to be looked at. */
export interface Inspected {
  readonly module: OutputModule;
  readonly connection: CompiledConnection | undefined;
  readonly moduleConfig: unknown;
  /** Where in the webhook's value the output is configured, for example `module-config`. */
  readonly place: string;
}

/** The outputs of a webhook that can be looked at; none where no module knows how. */
export function inspectedOf(
  steps: readonly CompiledStep[],
  connections: readonly (CompiledConnection | undefined)[],
): readonly Inspected[] {
  // As most webhooks are, and there may be hundreds of thousands.
  if (steps.every(({ module }) => module.inspect === undefined)) return NOTHING;
  return steps.map(({ module, moduleConfig }, index) => ({
    module,
    connection: connections[index],
    moduleConfig,
    place: steps.length === 1 ? "module-config" : `chain.${index}.module-config`,
  })).filter(({ module }) => module.inspect !== undefined);
}

const NOTHING: readonly Inspected[] = [];

/** Whether what is looked at for one webhook is what is looked at for another one. */
export function hasSameOutputs(steps: readonly CompiledStep[], others: readonly CompiledStep[]): boolean {
  const described = (all: readonly CompiledStep[]) =>
    JSON.stringify(
      all.filter(({ module }) => module.inspect !== undefined)
        .map(({ module, connectionName, moduleConfig }) => [module.name, connectionName, moduleConfig]),
    );
  return described(steps) === described(others);
}

/** What is looked at for one output of a webhook. */
interface PlacedLook {
  readonly look: Look;
  readonly place: string;
}

/** What is looked at for one webhook. */
interface Followed<Subject> {
  readonly subject: Subject;
  readonly looks: readonly PlacedLook[];
}

/**
 * Called when what is in the way of a webhook's events has changed.
 *
 * @param reasons none when nothing is any more
 */
export type InspectionListener<Subject> = (
  path: string,
  subject: Subject,
  reasons: readonly ProblemReason[],
) => void;

/** Looks at the systems behind webhooks. What is known of a webhook otherwise is its subject. */
export class Inspections<Subject> {
  readonly #listener: InspectionListener<Subject>;
  readonly #logger: Logger;
  readonly #places = new Semaphore(AT_ONCE, Infinity);
  readonly #followed = new Map<string, Followed<Subject>>();
  readonly #looks = new Map<CompiledConnection | undefined, Map<unknown, Look>>();
  readonly #running = new Set<Promise<void>>();
  readonly #onReported: () => void;
  /** Webhooks of which it was known when they came that something is in the way. */
  readonly #known = new Set<string>();

  /** @param onReported called when the listener has been called for each webhook that something concerns */
  constructor(listener: InspectionListener<Subject>, logger: Logger, onReported: () => void = () => {}) {
    this.#listener = listener;
    this.#logger = logger;
    this.#onReported = onReported;
  }

  /**
   * Begins to look at the systems behind a webhook, instead of what was looked at for it before. The listener is
   * called when something turns out to be in the way.
   *
   * @param path `namespace/id`
   */
  follow(path: string, subject: Subject, inspected: readonly Inspected[]): void {
    const looks = inspected.map((one) => ({ look: this.#lookAt(one), place: one.place }));
    this.#leave(path, looks);
    for (const { look } of looks) look.paths.add(path);
    this.#followed.set(path, { subject, looks });
    // What is known already is reported afterwards, like what is found out later.
    if (looks.every(({ look }) => look.reasons.length === 0)) return;
    if (this.#known.size === 0) queueMicrotask(() => this.#reportKnown());
    this.#known.add(path);
  }

  #reportKnown(): void {
    for (const path of this.#known) this.#report(path);
    this.#known.clear();
    this.#onReported();
  }

  /** The subject of a webhook whose systems are looked at, or do not fit. */
  subjectOf(path: string): Subject | undefined {
    return this.#followed.get(path)?.subject;
  }

  /** Looks no more at the systems behind a webhook. */
  forget(path: string): void {
    this.#leave(path, []);
    this.#followed.delete(path);
  }

  /** Resolves when every system has been looked at once. */
  async settled(): Promise<void> {
    const looks = [...this.#looks.values()].flatMap((ofConnection) => [...ofConnection.values()]);
    await Promise.all(looks.map(({ first }) => first.promise));
  }

  /** Ends all looks; what is under way is broken off. */
  async close(): Promise<void> {
    for (const path of [...this.#followed.keys()]) this.forget(path);
    await Promise.all(this.#running);
  }

  #lookAt({ module, connection, moduleConfig }: Inspected): Look {
    let ofConnection = this.#looks.get(connection);
    if (ofConnection === undefined) this.#looks.set(connection, ofConnection = new Map());
    let look = ofConnection.get(moduleConfig);
    if (look === undefined) {
      look = new Look(module, connection, moduleConfig);
      ofConnection.set(moduleConfig, look);
      const running = this.#run(look).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
    return look;
  }

  async #run(look: Look): Promise<void> {
    const { signal } = look.ended;
    const pauses = new Backoff(PAUSES);
    while (!signal.aborted) {
      const reasons = await this.#inspect(look);
      if (reasons !== undefined && !signal.aborted) await this.#conclude(look, reasons);
      look.first.resolve();
      if (signal.aborted) return;
      // The end of the look ends the pause, and is seen in the next turn of the loop.
      await pause(pauses.next(), signal);
    }
  }

  /** What is in the way, or `undefined` when that cannot be found out now. */
  async #inspect(look: Look): Promise<readonly string[] | undefined> {
    await this.#places.take();
    const { module, connection, moduleConfig, ended } = look;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), TIMEOUT_MS);
    try {
      const signal = AbortSignal.any([ended.signal, late.signal]);
      return await module.inspect?.(connection?.config, moduleConfig, signal) ?? [];
    } catch (error) {
      const properties = { connection: connection?.name ?? module.name, error };
      if (error instanceof DeliveryError) this.#logger.debug("Cannot look at {connection} yet", properties);
      else this.#logger.error("Looking at {connection} failed", properties);
      return undefined;
    } finally {
      clearTimeout(timer);
      this.#places.free();
    }
  }

  async #conclude(look: Look, reasons: readonly string[]): Promise<void> {
    const hasChanged = reasons.join("\n") !== look.reasons.join("\n");
    look.reasons = reasons;
    const paths = [...look.paths];
    if (reasons.length === 0) this.#end(look);
    const pace = new Pace();
    for (const path of paths) {
      await pace.keep();
      if (hasChanged) this.#report(path);
      if (this.#followed.get(path)?.looks.every(({ look }) => look.ended.signal.aborted) === true) {
        this.#followed.delete(path);
      }
    }
    if (hasChanged) this.#onReported();
  }

  #report(path: string): void {
    const followed = this.#followed.get(path);
    if (followed === undefined) return;
    const reasons = followed.looks.flatMap(({ look, place }) =>
      look.reasons.map((message): ProblemReason => ({ code: "output_mismatch", path: place, message }))
    );
    this.#listener(path, followed.subject, reasons);
  }

  /** @param needed what the webhook needs to be looked at still */
  #leave(path: string, needed: readonly PlacedLook[]): void {
    for (const { look } of this.#followed.get(path)?.looks ?? []) {
      if (needed.some((placed) => placed.look === look)) continue;
      look.paths.delete(path);
      if (look.paths.size === 0) this.#end(look);
    }
  }

  #end(look: Look): void {
    look.ended.abort();
    const ofConnection = this.#looks.get(look.connection);
    if (ofConnection?.get(look.moduleConfig) !== look) return;
    ofConnection.delete(look.moduleConfig);
    if (ofConnection.size === 0) this.#looks.delete(look.connection);
  }
}

/** What is looked at for all webhooks with the same connection and settings. */
class Look {
  /** The webhooks. */
  readonly paths = new Set<string>();
  /** What was in the way when it was looked at last. */
  reasons: readonly string[] = [];
  /** Aborts when it fits, or nobody needs it any more. */
  readonly ended = new AbortController();
  /** Resolves when it has been looked at once. */
  readonly first = Promise.withResolvers<void>();

  constructor(
    readonly module: OutputModule,
    readonly connection: CompiledConnection | undefined,
    readonly moduleConfig: unknown,
  ) {}
}
