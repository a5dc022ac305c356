/**
 * What the log says of the journal: each change of its state, once.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { CommitReply, Figures, FromWorker, PlaceProblem, PlaceReport } from "./protocol.ts";

/** Reports to operators how the journal is doing. */
export class JournalLog {
  readonly #logger: Logger;
  #isRefused = false;

  constructor(logger: Logger) {
    this.#logger = logger;
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
      this.#logger.error(
        "{message}: {reason}. Senders get 503 until that is over; {pending} events are pending",
        {
          message: problem.message,
          reason: problem.reason,
          pending: figures.pending ?? "an unknown number of",
        },
      );
    } else if (former !== undefined) {
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
      if (this.#isRefused) this.#logger.info("The journal can be written again");
      this.#isRefused = false;
    } else if (!this.#isRefused && !hasProblem) {
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
    this.#logger.error("The journal's worker failed: {reason}", { reason });
  }
}
