/**
 * `cwm events replay`: events go again to their webhooks, to another one, or to a URL, in the order in which they were
 * accepted. How far it is is known at any time, so that nothing is repeated that was done before an interruption.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import { parseRecordQuery, replayedFilter } from "../../records/query.ts";
import type { HttpAddress } from "../../schema/addresses.ts";
import { count, usageError } from "../command_line.ts";
import { print, printError, writeError } from "../terminal.ts";
import type { EventAccess } from "./access.ts";
import { continuation, INTERRUPTED } from "./continuation.ts";
import { ReplayProgress } from "./progress.ts";
import { readState, writeState } from "./resume_file.ts";
import { sendEvent } from "./sender.ts";
import { type ReplayTarget, targetText } from "./target.ts";

/** Events that the gateway makes pending by one request: as many may be done again after a `kill -9`. */
const STEP = 100;

/** How often in a second they are, with a rate that allows for it. */
const STEPS_PER_SECOND = 10;

/** What is to be replayed, where to, and how. */
export interface ReplayOptions {
  /** As it was given. */
  readonly given: URLSearchParams;
  /** With times in the place of ages. */
  readonly query: URLSearchParams;
  readonly to: ReplayTarget;
  readonly cursor: string | undefined;
  /** Events a second. */
  readonly rate: number | undefined;
  /** The file that keeps how far it is. */
  readonly resume: string | undefined;
  readonly keepsGoing: boolean;
}

/** Replays what a query means. Returns the exit status. @param stop ends it after the request that is under way */
export async function replayEvents(
  access: EventAccess,
  options: ReplayOptions,
  stop: AbortSignal,
): Promise<number> {
  const replay = Replay.begin(access, options, stop);
  if (replay === undefined) {
    print(`This replay is done: remove ${options.resume} to begin again`);
    return 0;
  }
  return await replay.run();
}

class Replay {
  readonly #access: EventAccess;
  readonly #options: ReplayOptions;
  readonly #query: URLSearchParams;
  readonly #stop: AbortSignal;
  readonly #progress = new ReplayProgress({ isTerminal: Deno.stderr.isTerminal(), write: writeError });
  /** When the rate allows for the next event, by the monotonic clock. */
  #nextAt = 0;
  #cursor: string | undefined;
  #replayed: number;
  #skipped = 0;
  #failed = 0;

  private constructor(
    access: EventAccess,
    options: ReplayOptions,
    stop: AbortSignal,
    start: {
      readonly query: URLSearchParams;
      readonly cursor: string | undefined;
      readonly replayed: number;
    },
  ) {
    this.#access = access;
    this.#options = options;
    this.#stop = stop;
    this.#query = start.query;
    this.#cursor = start.cursor;
    this.#replayed = start.replayed;
  }

  /** Goes on where the file says, which is there before anything is sent; `undefined` when it says that all is done. */
  static begin(access: EventAccess, options: ReplayOptions, stop: AbortSignal): Replay | undefined {
    const { query, cursor, resume } = options;
    const state = resume === undefined ? undefined : readState(resume);
    if (state === undefined) {
      const replay = new Replay(access, options, stop, { query, cursor, replayed: 0 });
      replay.#keepState(false);
      return replay;
    }
    if (state.asked !== askedFor(options)) {
      throw usageError("events", `${resume} belongs to another replay: name another file`);
    }
    if (state.isDone) return undefined;
    return new Replay(access, options, stop, { ...state, query: new URLSearchParams(state.query) });
  }

  async run(): Promise<number> {
    const { to } = this.#options;
    let isDone: boolean;
    try {
      using _progress = this.#progress;
      isDone = to.kind === "url" ? await this.#sendAll(to.address) : await this.#replayAll(targetText(to));
    } catch (error) {
      this.#sayHowToGoOn();
      throw error;
    }
    print(this.#summary);
    if (isDone) return this.#failed === 0 ? 0 : 1;
    this.#sayHowToGoOn();
    return this.#stop.aborted ? INTERRUPTED : 1;
  }

  /** Returns whether everything is done. */
  async #replayAll(to: string | undefined): Promise<boolean> {
    const { rate } = this.#options;
    const limit = rate === undefined
      ? STEP
      : Math.max(1, Math.min(STEP, Math.floor(rate / STEPS_PER_SECOND)));
    while (!this.#stop.aborted) {
      await this.#keepRate();
      if (this.#stop.aborted) return false;
      const askedAt = performance.now();
      const step = await this.#access.replay(this.#query, to, limit, this.#cursor);
      this.#countAgainstRate(step.replayed, askedAt);
      this.#replayed += step.replayed;
      this.#skipped += step.skipped;
      this.#save(step.cursor ?? undefined);
      if (step.cursor === null) return true;
    }
    return false;
  }

  async #sendAll(address: HttpAddress): Promise<boolean> {
    const query = withReplayedStates(this.#query);
    while (!this.#stop.aborted) {
      const page = await this.#access.list(query, this.#cursor);
      for (const event of page.events) {
        await this.#keepRate();
        if (this.#stop.aborted) return false;
        this.#countAgainstRate(1, performance.now());
        const failure = await sendEvent(address, event, this.#stop);
        if (failure === undefined) this.#replayed++;
        else if (this.#stop.aborted || !this.#fail(event.id, failure)) return false;
        this.#save(event.cursor);
      }
      this.#save(page.cursor ?? undefined);
      if (page.cursor === null) return true;
    }
    return false;
  }

  /** Returns whether to go on. */
  #fail(id: string, failure: string): boolean {
    this.#failed++;
    this.#progress[Symbol.dispose]();
    printError(escapeUnsafe(`Event ${id} was not taken: the target ${failure}`));
    return this.#options.keepsGoing;
  }

  #save(cursor: string | undefined): void {
    this.#cursor = cursor;
    this.#progress.show(this.#summary);
    this.#keepState(cursor === undefined);
  }

  #keepState(isDone: boolean): void {
    const { resume } = this.#options;
    if (resume === undefined) return;
    writeState(resume, {
      query: String(this.#query),
      asked: askedFor(this.#options),
      replayed: this.#replayed,
      cursor: this.#cursor,
      isDone,
    });
  }

  /** Waits until more events are within the rate. */
  async #keepRate(): Promise<void> {
    const waitMs = this.#nextAt - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#stop }).catch(() => {});
  }

  /** What a slow target leaves of the rate is not made up for later. @param at when they were sent */
  #countAgainstRate(events: number, at: number): void {
    const { rate } = this.#options;
    if (rate !== undefined) this.#nextAt = Math.max(this.#nextAt, at) + events / rate * 1000;
  }

  get #summary(): string {
    const skipped = this.#skipped === 0 ? "" : `, ${this.#skipped} skipped that wait anyway`;
    const failed = this.#failed === 0 ? "" : `, ${this.#failed} failed`;
    return `${count(this.#replayed, "event")} replayed${skipped}${failed}`;
  }

  #sayHowToGoOn(): void {
    const { to, resume, rate, keepsGoing } = this.#options;
    const query = resume === undefined ? this.#query : this.#options.given;
    printError(continuation("replay", query, {
      all: query.size === 0 ? true : undefined,
      to: targetText(to),
      rate: rate === undefined ? undefined : String(rate),
      resume,
      cursor: resume === undefined ? this.#cursor : undefined,
      "keep-going": keepsGoing ? true : undefined,
    }));
  }
}

/** The events that a replay means, named, so that a list means the same. */
function withReplayedStates(query: URLSearchParams): URLSearchParams {
  const parsed = parseRecordQuery(query, Date.now());
  const replayed = "problem" in parsed ? parsed : replayedFilter(parsed);
  if ("problem" in replayed) return query;
  const named = new URLSearchParams(query);
  named.delete("state");
  for (const state of replayed.filter.states ?? []) named.append("state", state);
  return named;
}

function askedFor({ given, to }: ReplayOptions): string {
  return [given, targetText(to) ?? ""].join(" ");
}
