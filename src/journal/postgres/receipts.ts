/**
 * Tickets of statements that add events which others may take away before the answer is read. Each leaves a receipt in
 * the tables, by which it is known to have happened when it is sent again, and removes those of statements before it.
 *
 * @module
 */

/** Tickets of statements that were given up. Beyond that the oldest receipts are left in the tables. */
const MOST_GIVEN_UP = 1_000;

/** The receipts of one sender, whose statements are sent one after the other. */
export class Receipts<Ticket> {
  #over: readonly Ticket[] = [];

  /** Tickets of statements that are over: the next one removes their receipts. */
  get over(): readonly Ticket[] {
    return this.#over;
  }

  /** The answer of a statement is read, which has removed the receipts of those before it. One without a ticket has not. */
  answered(ticket: Ticket | undefined): void {
    if (ticket !== undefined) this.#over = [ticket];
  }

  /** A statement will not be sent again, and may have happened. */
  gaveUp(ticket: Ticket | undefined): void {
    if (ticket !== undefined) this.#over = [...this.#over.slice(-MOST_GIVEN_UP), ticket];
  }
}
