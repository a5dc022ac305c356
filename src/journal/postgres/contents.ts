/**
 * What stands in the tables beside the events that a gateway delivers, as commands and gateways look at it and change
 * it.
 *
 * @module
 */

import type { JournalContents } from "../journal_store.ts";
import { USUAL_TEMPO } from "./cluster/beats.ts";
import type { PostgresConnection } from "./connection/connection.ts";
import { type DeadLetterListener, PostgresDeadLetters } from "./dead_letters/dead_letters.ts";
import { PostgresKeptValues } from "./records/kept_values.ts";
import { PostgresHandshakes } from "./handshakes.ts";
import { LANE_SHARE } from "./lane_share.ts";
import { PostgresRates } from "./rates.ts";
import { PostgresRecords, type RecordListener } from "./records/records.ts";
import { openPostgresServer, type PostgresServerChoices } from "./server.ts";
import { StatementRunner } from "./statement_runner.ts";
import { PostgresStops } from "./stops.ts";

/** What of the settings counts for the contents of a journal. */
export interface ContentsBounds {
  /** How often is looked what other gateways have changed, in milliseconds. @default as often as they say that they live */
  readonly lookMs?: number | undefined;
  /** `JOURNAL_MAX_BYTES`. @default no bound */
  readonly maxBytes?: number | undefined;
}

/** The contents of a journal in PostgreSQL. Whoever opened the connection ends it. */
export class PostgresContents implements JournalContents {
  readonly deadLetters: PostgresDeadLetters;
  readonly handshakes: PostgresHandshakes;
  readonly keptValues: PostgresKeptValues;
  readonly records: PostgresRecords;
  readonly stops: PostgresStops;
  readonly rates: PostgresRates;
  readonly file = undefined;
  readonly #runner: StatementRunner;

  /** @param listener of the gateway that uses the journal. @default none does */
  constructor(
    connection: PostgresConnection,
    listener?: DeadLetterListener & Pick<RecordListener, "dropWaiting">,
    { lookMs = USUAL_TEMPO.beatMs, maxBytes = Infinity }: ContentsBounds = {},
  ) {
    const runner = this.#runner = new StatementRunner(connection);
    this.deadLetters = new PostgresDeadLetters(runner, listener);
    this.handshakes = new PostgresHandshakes(runner);
    this.keptValues = new PostgresKeptValues(runner);
    this.records = new PostgresRecords(
      runner,
      maxBytes * LANE_SHARE,
      listener && {
        onReplayed: async (letters) => {
          listener.onRemoved(letters);
          await listener.onReplayed();
        },
        onDropped: (letters) => listener.onRemoved(letters),
        dropWaiting: (wanted) => listener.dropWaiting(wanted),
      },
    );
    this.rates = new PostgresRates(runner);
    this.stops = new PostgresStops(runner, lookMs);
  }

  /** How many gateways use the journal. */
  async gateways(): Promise<number> {
    const [row] = await this.#runner.rows<{ readonly count: number }>({
      text: "select count(*) as count from cwm.gateway",
    });
    return row?.count ?? 0;
  }
}

/** The contents of a journal that the caller looks at or changes without being a gateway. Disposal ends the connection. */
export function openPostgresContents(
  { maxBytes, ...choices }: PostgresServerChoices & Pick<ContentsBounds, "maxBytes">,
): PostgresContents & AsyncDisposable {
  const server = openPostgresServer(choices);
  return Object.assign(new PostgresContents(server.connection(), undefined, { maxBytes }), {
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  });
}
