/**
 * All tables of an open journal file, in the worker's thread.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Claims } from "../claims.ts";
import { Holdings } from "../holdings.ts";
import { ChannelTable } from "./channel.ts";
import { DeadLetterTable } from "./dead_letter.ts";
import { EventTable } from "./event.ts";
import { HandshakeTable } from "./handshake.ts";
import { KeptValueTable } from "../records/kept_values.ts";
import { IdempotencyTable } from "./idempotency.ts";
import { LaneTable } from "./lane.ts";
import { PackTable } from "./pack.ts";
import { PackReader } from "./pack_events.ts";
import { PendingTable } from "./pending.ts";
import { Retention, type RetentionLimits } from "./retention.ts";
import { RecordReader } from "../records/reader.ts";
import { StopTable } from "./stop.ts";
import { Salvage } from "../salvage/salvage.ts";

/** All tables of one open file, with their prepared statements and with the counts that stand in memory. */
export class Tables {
  readonly holdings: Holdings;
  readonly lanes: LaneTable;
  readonly events: EventTable;
  readonly pending: PendingTable;
  readonly packs: PackTable;
  readonly deadLetters: DeadLetterTable;
  readonly idempotency: IdempotencyTable;
  readonly handshakes: HandshakeTable;
  readonly keptValues: KeptValueTable;
  readonly stops: StopTable;
  readonly channels: ChannelTable;
  readonly retention: Retention;
  readonly records: RecordReader;
  readonly salvage: Salvage;

  constructor(database: DatabaseSync, limits: RetentionLimits, claims: Claims, lastSequence: number) {
    this.holdings = new Holdings(database);
    this.lanes = new LaneTable(database);
    this.events = new EventTable(
      database,
      this.lanes,
      Math.max(lastSequence, PackTable.lastSequence(database)),
    );
    const packed = new PackReader(database);
    const { events, lanes, holdings } = this;
    this.pending = new PendingTable(database, { events, lanes, packed, claims, holdings });
    this.packs = new PackTable(database, { events, lanes, packed, claims, pending: this.pending });
    this.deadLetters = new DeadLetterTable(database, this);
    this.idempotency = new IdempotencyTable(database);
    this.handshakes = new HandshakeTable(database);
    this.keptValues = new KeptValueTable(database);
    this.stops = new StopTable(database);
    this.channels = new ChannelTable(database, this.events, this.deadLetters, this.holdings);
    this.retention = new Retention(database, this.events, limits);
    this.records = new RecordReader(database, this);
    this.salvage = new Salvage(this);
  }

  /** When the oldest pending event was received, in milliseconds since 1970. */
  oldestReceivedAt(): number | undefined {
    const own = this.pending.oldestReceivedAt();
    const packed = this.packs.oldestReceivedAt();
    return own === undefined || packed === undefined ? own ?? packed : Math.min(own, packed);
  }

  /** The transaction came through. */
  commit(): void {
    this.holdings.commit();
    this.idempotency.commit();
    this.events.commit();
    this.pending.commit();
    this.packs.commit();
    this.deadLetters.commit();
    this.channels.commit();
    this.salvage.commit();
  }

  /** The transaction was taken back: so must be what memory says of it. */
  rollback(): void {
    this.holdings.rollback();
    this.idempotency.rollback();
    this.lanes.rollback();
    this.events.rollback();
    this.pending.rollback();
    this.packs.rollback();
    this.deadLetters.rollback();
    this.channels.rollback();
    this.salvage.rollback();
  }
}
