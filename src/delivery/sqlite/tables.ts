import type { DatabaseSync } from "node:sqlite";
import type { Claims } from "./claims.ts";
import { ChannelTable } from "./channel_table.ts";
import { DeadLetterTable } from "./dead_letter_table.ts";
import { EventTable } from "./event_table.ts";
import { IdempotencyTable } from "./idempotency_table.ts";
import { LaneTable } from "./lane_table.ts";
import { PendingTable } from "./pending_table.ts";
import { Retention, type RetentionLimits } from "./retention.ts";

/** All tables of one open file, with their prepared statements and with the counts that stand in memory. */
export class Tables {
  readonly lanes: LaneTable;
  readonly events: EventTable;
  readonly pending: PendingTable;
  readonly deadLetters: DeadLetterTable;
  readonly idempotency: IdempotencyTable;
  readonly channels: ChannelTable;
  readonly retention: Retention;

  constructor(database: DatabaseSync, limits: RetentionLimits, claims: Claims, lastSequence: number) {
    this.lanes = new LaneTable(database);
    this.events = new EventTable(database, this.lanes, lastSequence);
    this.pending = new PendingTable(database, this.events, claims);
    this.deadLetters = new DeadLetterTable(database, this.events, this.lanes, this.pending);
    this.idempotency = new IdempotencyTable(database);
    this.channels = new ChannelTable(database, this.events, this.deadLetters);
    this.retention = new Retention(database, this.events, limits);
  }

  /** The transaction came through. */
  commit(): void {
    this.events.commit();
    this.pending.commit();
    this.deadLetters.commit();
    this.channels.commit();
    this.retention.commit();
  }

  /** The transaction was taken back: so must be what memory says of it. */
  rollback(): void {
    this.lanes.rollback();
    this.events.rollback();
    this.pending.rollback();
    this.deadLetters.rollback();
    this.channels.rollback();
    this.retention.rollback();
  }
}
