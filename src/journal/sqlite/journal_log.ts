/**
 * What the log says of the journal, and what is reported as a trouble of it: each change of its state, once.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { HealthReports } from "../../health/health.ts";
import type { CommitReply, Figures, FromWorker, PlaceProblem, PlaceReport } from "./protocol.ts";

const JOURNAL = { part: "journal", name: "journal" } as const;

/**
 * A full journal takes what needs no room: it counts as one that has room again after this time without a refusal, in
 * milliseconds.
 */
const ROOM_MS = 5_000;

/** Reports to operators how the journal is doing. */
export class JournalLog {
  readonly #logger: Logger;
  readonly #health: HealthReports | undefined;
  #isRefused = false;
  /** The trouble that is reported, and when something was refused last, by `performance.now()`. */
  #trouble: { readonly kind: "unavailable" | "full"; readonly at: number } | undefined;

  /** @param health where is reported that nothing can be appended. @default nowhere */
  constructor(logger: Logger, health?: HealthReports) {
    this.#logger = logger;
    this.#health = health;
  }

  /** The file is open. */
  opened({ pending, deadLetters }: Figures): void {
    this.#logger.info("The journal is open: {pending} events are pending, {deadLetters} are dead letters", {
      pending,
      deadLetters,
    });
  }

  /** A damaged file was set aside. */
  damaged({ path, reason }: Extract<FromWorker, { readonly type: "damaged" }>): void {
    this.#logger.error(
      "The journal is damaged and was set aside as {path}; a new one is begun. Its events are not delivered unless 'cwm journal salvage' takes them: {reason}",
      { path, reason },
    );
  }

  /** The journal has a problem that may last, or has it no more. @param former the problem before */
  place({ problem, aside, figures }: PlaceReport, former: PlaceProblem | undefined): void {
    if (problem !== undefined) {
      this.#begin("unavailable", `${problem.message}: ${problem.reason}`);
      this.#logger.error(
        "{message}: {reason}. Senders get 503 until that is over; {pending} events are pending",
        {
          message: problem.message,
          reason: problem.reason,
          pending: figures.pending ?? "an unknown number of",
        },
      );
    } else if (former !== undefined) {
      this.#end();
      this.#logger.info("The journal is in its place again, with {pending} pending events", {
        pending: figures.pending,
      });
    }
    if (aside === undefined) return;
    this.#logger.warning(
      "Another file stood in the journal's place and was set aside as {path}: 'cwm journal salvage' takes its events",
      { path: aside },
    );
  }

  /**
   * A commit has ended: the journal may have stopped taking what it is given, or take it again.
   *
   * @param hasProblem whether a problem of its place was reported already
   */
  committed({ refused, growthRefused }: CommitReply, hasProblem: boolean): void {
    const refusal = refused ?? growthRefused;
    if (refusal === undefined) {
      this.#noteTaken();
      if (this.#isRefused) this.#logger.info("The journal can be written again");
      this.#isRefused = false;
    } else if (!hasProblem) {
      this.#begin(refused === undefined ? "full" : "unavailable", `${refusal.message}: ${refusal.reason}`);
      if (this.#isRefused) return;
      this.#isRefused = true;
      this.#logger.error("{message}: {reason}", { message: refusal.message, reason: refusal.reason });
    }
  }

  /** The file is closed. @param problem why not all of it is, or empty @param last the problem of its place */
  closed(problem: string, last: PlaceProblem | undefined): void {
    if (problem === "") return;
    if (last?.kind === "gone") this.#logger.error("The journal is lost: {problem}", { problem });
    else this.#logger.warning("The journal was not written back to its file: {problem}", { problem });
  }

  /** The file was not closed in time. */
  late(deadlineMs: number): void {
    this.#logger.error("The journal did not close within {deadline} ms", { deadline: deadlineMs });
  }

  /** The worker has ended by itself. */
  failed(reason: string): void {
    this.#begin("unavailable", `The journal's worker failed: ${reason}`);
    this.#logger.error("The journal's worker failed: {reason}", { reason });
  }

  #begin(kind: "unavailable" | "full", cause: string): void {
    if (this.#trouble?.kind !== kind) this.#end();
    this.#trouble = { kind, at: performance.now() };
    this.#health?.begin({
      ...JOURNAL,
      kind,
      cause: `${cause}. Senders to durable webhooks get 503 until that is over: look at DATA_DIR`,
    });
  }

  #noteTaken(): void {
    if (this.#trouble === undefined) return;
    const { kind, at } = this.#trouble;
    if (kind === "unavailable" || performance.now() - at > ROOM_MS) this.#end();
  }

  #end(): void {
    if (this.#trouble !== undefined) this.#health?.end(JOURNAL, this.#trouble.kind);
    this.#trouble = undefined;
  }
}
