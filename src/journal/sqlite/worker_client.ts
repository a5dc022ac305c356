/**
 * The gateway thread's end of the line to the journal's worker.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { AppendListener, Settlement } from "../journal.ts";
import type {
  CommitReply,
  Figures,
  FromWorker,
  HoldReply,
  OpenReply,
  OperationKind,
  PlaceProblem,
  PlaceReport,
  ReplyOf,
  RequestOf,
  ToWorker,
  WorkerOptions,
} from "./protocol.ts";
import { OldestAge } from "./oldest_age.ts";
import { CommitPace, mayRide } from "../commit_pace.ts";
import { CommitQueue, type WaitingBounds } from "./commit_queue.ts";
import type { JournalLog } from "./journal_log.ts";
import { type Append, toError, type WaitingCommit } from "./waiting_commit.ts";
import { NextTurn } from "../../time/next_turn.ts";
import { within } from "../../time/within.ts";

/** How long what waits may take to be written when the journal is closed, in milliseconds. */
const CLOSE_DEADLINE_MS = 5_000;

/** Figures before the file was opened for the first time. */
const NO_FIGURES: Figures = {
  pending: 0,
  oldestReceivedAt: undefined,
  deadLetters: 0,
  buried: 0,
  bytes: 0,
  commits: 0,
  damaged: 0,
  lastSequence: 0,
};

/**
 * The gateway's side of the journal's worker. While a commit is under way it collects what is asked for;
 * all of it becomes the next commit.
 */
export class WorkerClient implements AsyncDisposable {
  readonly #options: WorkerOptions;
  readonly #queue: CommitQueue;
  readonly #log: JournalLog;
  readonly #now: () => number;
  #worker: Worker | undefined;
  #opened: PromiseWithResolvers<OpenReply> | undefined;
  #closed: PromiseWithResolvers<void> | undefined;
  #underWay: WaitingCommit | undefined;
  readonly #pace: CommitPace;
  /** Lets the commit after one with leases begin. */
  readonly #afterLeases = new NextTurn(() => {
    if (this.#underWay === undefined) this.#pace.ended();
  });
  #isDisposed = false;
  #disposal: Promise<void> | undefined;
  #earlierDamaged = 0;
  #earlierBuried = 0;
  #figures = NO_FIGURES;
  #problem: PlaceProblem | undefined;
  /** Who waits for the reply to a hold or a release. */
  #holding: PromiseWithResolvers<HoldReply> | undefined;
  readonly #oldest = new OldestAge();

  /** @param now the time by `steadyNow` */
  constructor(options: WorkerOptions, bounds: WaitingBounds, log: JournalLog, now: () => number) {
    this.#now = now;
    this.#options = options;
    // What is kept after it was delivered must have rows of its own.
    this.#queue = new CommitQueue(bounds, options.retentionMs === 0);
    this.#pace = new CommitPace(this.#queue, () => this.#send());
    this.#log = log;
  }

  get figures(): Figures {
    return this.#figures;
  }

  /** How long ago the oldest pending event was received, in milliseconds. */
  get oldestAgeMs(): number | undefined {
    return this.#oldest.ageMs;
  }

  /** Why nothing can be appended until further notice; `undefined` while it can. */
  get problem(): string | undefined {
    return this.#problem?.message;
  }

  /** Operations that wait for the next commit. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Whether a lease of the channel waits for the commit that everything goes with now. */
  hasLeaseOf(channel: string): boolean {
    return this.#queue.collecting.leasedChannels.has(channel);
  }

  get isStarted(): boolean {
    return this.#worker !== undefined;
  }

  /** Opens the file now rather than with the first operation. */
  open(): Promise<OpenReply> {
    this.#start();
    return this.#opened!.promise;
  }

  append(append: Append, listener: AppendListener): void {
    const bytes = append.headers.length + append.body.length;
    const refusal = this.#refuseToWait(bytes);
    if (refusal !== undefined) return listener.onRefused(refusal);
    this.#queue.commitFor(bytes).append(append, listener);
    this.#pace.asked();
  }

  settle(settlement: Settlement): Promise<void> {
    if (this.#isDisposed) return Promise.reject(closedError());
    const settled = this.#queue.collecting.settle(settlement, mayRide(settlement, this.#now));
    this.#pace.asked();
    return settled;
  }

  /**
   * @param bytes of what is to be stored; for operations whose number their callers bound, leave it out
   * @param mayWait whether it can be done a little later, with what else is asked for by then
   */
  operate<Kind extends OperationKind>(
    kind: Kind,
    request: RequestOf<Kind>,
    bytes?: number,
    mayWait = false,
  ): Promise<ReplyOf<Kind>> {
    const refusal = bytes === undefined
      ? (this.#isDisposed ? closedError() : undefined)
      : this.#refuseToWait(bytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    const result = this.#queue.commitFor(bytes ?? 0).operate(kind, request, mayWait);
    this.#pace.asked();
    return result;
  }

  /**
   * Keeps the file as it is while another process copies it, or lets it go again. One at a time.
   *
   * @returns the number of the hold, and the inode of the file that is, or was all the time, as it was then
   * @throws {GatewayError} `journal_unavailable` when it is not, or was not
   */
  async hold(
    message: Extract<ToWorker, { readonly type: "hold" | "release" }>,
  ): Promise<{ readonly hold: number; readonly inode: number }> {
    if (this.#isDisposed) throw closedError();
    if (this.#holding !== undefined) throw notHeld("The journal is being copied already");
    this.#start();
    this.#holding = Promise.withResolvers();
    this.#post(message);
    const { hold, inode, problem } = await this.#holding.promise;
    if (hold === undefined || inode === undefined) throw notHeld(problem);
    return { hold, inode };
  }

  /** Writes what waits, within a deadline, closes the file and ends the worker. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposal ??= this.#dispose();
  }

  async #dispose(): Promise<void> {
    this.#isDisposed = true;
    this.#send();
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#closed = Promise.withResolvers();
    if (this.#underWay === undefined) this.#post({ type: "close" });
    if (!await within(CLOSE_DEADLINE_MS, this.#closed.promise)) this.#log.late(CLOSE_DEADLINE_MS);
    worker.terminate();
    this.#failAll(closedError());
  }

  #refuseToWait(bytes: number): GatewayError | undefined {
    if (this.#isDisposed) return closedError();
    if (this.#problem !== undefined) return toError(this.#problem);
    return this.#queue.refuse(bytes);
  }

  #send(): void {
    if (this.#underWay !== undefined || this.waiting === 0) return;
    this.#start();
    this.#underWay = this.#queue.next();
    this.#pace.begun(this.#underWay.appends);
    const commit = this.#underWay.toCommit(this.#now());
    // Packs were made for this message, and go along instead of being copied.
    this.#post({ type: "commit", commit }, commit.packs.map(({ data }) => data.buffer));
  }

  #post(message: ToWorker, moved: Transferable[] = []): void {
    this.#worker?.postMessage(message, moved);
  }

  #start(): void {
    if (this.#worker !== undefined) return;
    const worker = new Worker(new URL("./worker/main.ts", import.meta.url), {
      type: "module",
      name: "journal",
    });
    this.#worker = worker;
    this.#opened = Promise.withResolvers();
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    worker.onerror = (event) => {
      // Otherwise it would end the gateway.
      event.preventDefault();
      this.#onWorkerFailure(worker, event.message);
    };
    const { lastSequence } = this.#figures;
    const resume = lastSequence === 0 ? {} : { resumeAfter: lastSequence };
    this.#post({ type: "open", options: { ...this.#options, ...resume } });
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "opened":
        this.#setFigures(message.figures);
        if (message.outcome === "open") this.#log.opened(message.figures);
        return this.#opened?.resolve(message);
      case "commit":
        return this.#conclude(message);
      case "damaged":
        return this.#log.damaged(message);
      case "place":
        return this.#notePlace(message);
      case "hold":
        this.#holding?.resolve(message);
        this.#holding = undefined;
        return;
      case "closed":
        this.#log.closed(message.problem, this.#problem);
        return this.#closed?.resolve();
    }
  }

  #conclude(reply: CommitReply): void {
    this.#setFigures(reply.figures);
    this.#log.committed(reply, this.#problem !== undefined);
    const concluded = this.#underWay;
    this.#underWay = undefined;
    if (concluded !== undefined) this.#queue.ended(concluded);
    this.#goOn(concluded, reply);
    if (this.#closed !== undefined && this.#underWay === undefined) this.#post({ type: "close" });
  }

  /** First the next commit, then what follows from the last one, unless that are leases. */
  #goOn(concluded: WaitingCommit | undefined, reply: CommitReply): void {
    if (concluded === undefined || concluded.leasedChannels.size === 0 || this.#isDisposed) {
      if (this.#isDisposed) this.#send();
      else this.#pace.ended();
      concluded?.conclude(reply);
      return;
    }
    // Whoever has leased events hands them out and asks for more: events of the next commit go out with it, instead of
    // being read from the file with the one after it.
    concluded.conclude(reply);
    this.#afterLeases.ask();
  }

  #setFigures(figures: Figures): void {
    this.#oldest.note(figures.oldestReceivedAt);
    this.#figures = {
      ...figures,
      damaged: figures.damaged + this.#earlierDamaged,
      buried: figures.buried + this.#earlierBuried,
    };
  }

  #notePlace(report: PlaceReport): void {
    const former = this.#problem;
    this.#problem = report.problem;
    this.#setFigures(report.figures);
    this.#log.place(report, former);
  }

  /** A worker that has ended by itself is replaced with the next operation. */
  #onWorkerFailure(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#log.failed(reason);
    worker.terminate();
    this.#worker = undefined;
    this.#problem = undefined;
    this.#earlierDamaged = this.#figures.damaged;
    this.#earlierBuried = this.#figures.buried;
    this.#opened?.resolve({ type: "opened", outcome: "unavailable", reason, figures: this.#figures });
    this.#failAll(
      new GatewayError("journal_unavailable", "The journal failed", {
        cause: new Error(reason),
        retryAfterSeconds: 1,
      }),
    );
    this.#closed?.resolve();
  }

  #failAll(error: GatewayError): void {
    this.#pace.reset();
    this.#holding?.resolve({ type: "hold", problem: error.message });
    this.#holding = undefined;
    this.#underWay?.fail(error);
    this.#underWay = undefined;
    this.#queue.failAll(error);
  }
}

function notHeld(problem: string | undefined): GatewayError {
  return new GatewayError("journal_unavailable", problem, { retryAfterSeconds: 1 });
}

function closedError(): GatewayError {
  return new GatewayError("draining", "The journal is closed");
}
