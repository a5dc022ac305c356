/**
 * What the log says of the journal in PostgreSQL, and what is reported as a trouble of it: each change, once.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { HealthReports } from "../../health/health.ts";
import type { PostgresError } from "../../io/postgres/errors.ts";

const JOURNAL = { part: "journal", name: "journal" } as const;

/** Reports to operators how the journal is doing. */
export class JournalLog {
  readonly #logger: Logger;
  readonly #health: HealthReports | undefined;
  #trouble: "unavailable" | "full" | undefined;
  #reason = "";

  /** @param health where is reported that nothing can be appended. @default nowhere */
  constructor(logger: Logger, health: HealthReports | undefined) {
    this.#logger = logger;
    this.#health = health;
  }

  /** Something could not be written. */
  failed({ message, isFull }: PostgresError): void {
    const kind = isFull ? "full" : "unavailable";
    if (this.#trouble !== undefined && this.#trouble !== kind) this.#health?.end(JOURNAL, this.#trouble);
    this.#trouble = kind;
    this.#health?.begin({
      ...JOURNAL,
      kind,
      cause: `${message}. Senders to durable webhooks get 503 until that is over`,
    });
    if (this.#reason === message) return;
    this.#reason = message;
    this.#logger.error("The journal cannot be written: {reason}", { reason: message });
  }

  /** The server has refused an event, and takes others. */
  refusedEvent({ message }: PostgresError): void {
    this.#logger.error("The journal refuses an event, whose sender got 500: {reason}", { reason: message });
  }

  /** The server has refused what was to be recorded, and takes other things. @param consequence what follows */
  refusedOutcome({ message }: PostgresError, consequence: string): void {
    this.#logger.error("The journal refuses an outcome: {reason}. {consequence}", {
      reason: message,
      consequence,
    });
  }

  /** Something was written. */
  wrote(): void {
    if (this.#trouble === undefined) return;
    this.#health?.end(JOURNAL, this.#trouble);
    this.#trouble = undefined;
    this.#reason = "";
    this.#logger.info("The journal can be written again");
  }

  /** The others have declared this gateway dead. */
  lost(pending: number): void {
    this.#logger.warning(
      "This gateway has not answered for so long that the others took over its {pending} pending events; what was under way may be delivered twice",
      { pending },
    );
  }

  /** What an ended gateway has left is this one's. */
  adopted(packs: number): void {
    this.#logger.info(
      "Took over {packs} packs of events that no gateway had: one has ended, or they are replayed",
      { packs },
    );
  }

  /** Another gateway was declared dead. */
  declaredDead(gateway: number): void {
    this.#logger.warning("Gateway {gateway} does not answer any more: its pending events are taken over", {
      gateway,
    });
  }
}
