/**
 * Has events delivered again: those of a page, as packs that belong to nobody until a gateway takes them over.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { LaneKey } from "../../journal.ts";
import { webhookPath } from "../../../event/names.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import { ORDERED_FROM, unreadOwnerSql } from "../lanes/ordered_rows.ts";
import { encodeEventBytes, readEvent } from "../event_bytes.ts";
import type { StatementRunner } from "../statement_runner.ts";
import { type Found, undeliveredOf } from "./found.ts";
import { type FoundRow, numberIn } from "./statements.ts";

/** Learns what a replay has changed. */
export interface ReplayListener {
  /** Events are pending again that belong to no gateway yet. @param letters of them were dead letters */
  onReplayed(letters: number): Promise<void>;
}

/** Values that all statements begin with: the lane's namespace and webhook, and the time of the new pack. */
const LANE = `lane as (
    insert into cwm.lane (namespace, webhook) values ($1, $2)
    on conflict (namespace, webhook) do update set namespace = excluded.namespace returning id, holder)`;

/** A number that no gateway has, and none gets. */
const NOBODY = `nextval('cwm.gateway_id_seq')`;

/** Where the order counts, or once did, the gateway that holds the lane delivers them, behind what waits there. */
const BORN = `insert into cwm.pack (owner, no, count, oldest_at, claimed, lanes, held, data)
  select case when lane.holder is null then ${NOBODY} else ${unreadOwnerSql("lane.id")} end,
    case when lane.holder is null then nextval('cwm.pack_block') else ${ORDERED_FROM} + nextval('cwm.line_seq') end,
    $4::int, greatest((extract(epoch from clock_timestamp()) * 1000)::bigint, $3::bigint + 1), false,
    array[lane.id, $4], `;

/** Events as new ones of a webhook. Values: how many, and their bytes. */
const COPY = prepared(`with ${LANE} ${BORN} null, $5::bytea from lane`);

/**
 * Events of a delivered pack, which then are no longer in it: it says so by `held`, and is gone where none is left.
 * Values: how many, their bytes, the number of the pack, what it has said before, what it is to say,
 * and whose it is.
 */
const TAKE_BACK = prepared(
  `with ${LANE},
  kept as (
    update cwm.pack set held = $8 where owner = $9 and no = $6 and held is not distinct from $7 and $8::text is not null
    returning no),
  gone as (
    delete from cwm.pack where owner = $9 and no = $6 and held is not distinct from $7 and $8::text is null returning no),
  born as (${BORN} null, $5::bytea from lane where exists (select from kept) or exists (select from gone) returning no)
  select count(*) as count from born`,
);

/** A dead letter. Values: how many (1), nothing, and the number of the letter. */
const REVIVE = prepared(
  `with ${LANE},
  taken as (delete from cwm.dead where number = $6 returning event, progress),
  born as (${BORN}
    case when taken.progress is not null
      then jsonb_build_array(jsonb_build_array(0, 0, null, null, null, null, taken.progress))::text end,
    coalesce(taken.event, $5::bytea) from lane, taken returning no)
  select count(*) as count from born`,
);

/** What a webhook holds of the pending events, in bytes. Values: its namespace and itself. */
const HELD_BYTES = prepared(
  `select coalesce(sum(octet_length(p.data) * (
      select sum(p.lanes[i + 1])::float8 from generate_subscripts(p.lanes, 1) i where i % 2 = 1 and p.lanes[i] = l.id
    ) / p.count), 0) as bytes
  from cwm.lane l join cwm.pack p on p.done_at is null and p.lanes @> array[l.id]
  where l.namespace = $1 and l.webhook = $2`,
);

/** Events of one row that go back to their webhook together. */
interface TakenBack {
  readonly row: FoundRow;
  readonly found: Found[];
}

/** How a step of a replay goes about it. */
export interface ReplayOptions {
  /** Gets copies; left out, events go back. */
  readonly to: LaneKey | undefined;
  /** What comes later belongs to no list of before, in milliseconds since 1970. */
  readonly upTo: number;
  /** How much one webhook may hold. */
  readonly laneBytes: number;
}

/** One step of a replay. */
export class Replay {
  readonly #runner: StatementRunner;
  readonly #to: LaneKey | undefined;
  readonly #upTo: number;
  readonly #laneBytes: number;
  /** How much webhooks may still get, by their paths. */
  readonly #room = new Map<string, number>();
  #waiting: TakenBack | undefined;
  /** What rows say now that were changed by this step. */
  readonly #held = new Map<FoundRow, string | null>();
  #replayed = 0;
  #letters = 0;

  constructor(runner: StatementRunner, { to, upTo, laneBytes }: ReplayOptions) {
    this.#runner = runner;
    this.#laneBytes = laneBytes;
    this.#to = to;
    this.#upTo = upTo;
  }

  /** Has an event delivered again, if that can be. Returns whether its webhook may hold it; otherwise nothing is done. */
  async add(found: Found): Promise<boolean> {
    const { record, row } = found;
    const to = this.#to ?? record;
    const isOwn = to.namespace === record.namespace && to.webhook === record.webhook;
    const isRepeatable = record.state === "dead_letter" ||
      (record.state === "delivered" && row.done_at !== null);
    if (isOwn && !isRepeatable) return true;
    if (!await this.#takeRoom(to, found)) return false;
    if (!isOwn) await this.#copy(found, to);
    else if (record.state === "dead_letter") await this.#revive(found);
    else await this.#addToRow(found);
    return true;
  }

  async #takeRoom({ namespace, webhook }: LaneKey, { bytes, row }: Found): Promise<boolean> {
    if (this.#laneBytes === Infinity) return true;
    const path = webhookPath(namespace, webhook);
    let room = this.#room.get(path);
    if (room === undefined) {
      const [held] = await this.#runner.rows<{ readonly bytes: number }>(HELD_BYTES, [namespace, webhook]);
      room = this.#laneBytes - Number(held?.bytes ?? 0);
    }
    if (room > 0) this.#room.set(path, room - (bytes?.length ?? row.size));
    return room > 0;
  }

  async #addToRow(found: Found): Promise<void> {
    const { record, row } = found;
    const waiting = this.#waiting;
    const isTogether = waiting?.row === row && waiting.found[0]?.record.webhook === record.webhook &&
      waiting.found[0].record.namespace === record.namespace;
    if (!isTogether) await this.#takeBack();
    this.#waiting ??= { row, found: [] };
    this.#waiting.found.push(found);
  }

  /** @returns how many events are to be delivered again, and how many of them were dead letters */
  async end(): Promise<{ readonly replayed: number; readonly letters: number }> {
    await this.#takeBack();
    return { replayed: this.#replayed, letters: this.#letters };
  }

  async #copy({ bytes }: Found, { namespace, webhook }: LaneKey): Promise<void> {
    if (bytes === undefined) return;
    const copied = encodeEventBytes({ ...readEvent(bytes).event, namespace, webhook });
    await this.#runner.run(COPY, [namespace, webhook, this.#upTo, 1, copied]);
    this.#replayed++;
  }

  async #revive({ record: { namespace, webhook }, row }: Found): Promise<void> {
    const values = [namespace, webhook, this.#upTo, 1, Buffer.alloc(0), numberIn(row)];
    const [revived] = await this.#runner.rows<{ readonly count: number }>(REVIVE, values);
    this.#replayed += revived?.count ?? 0;
    this.#letters += revived?.count ?? 0;
  }

  /** Those that have gone from their row meanwhile are left out: they are replayed by somebody else. */
  async #takeBack(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    const { row, found } = waiting;
    const { owner, no, count } = row;
    const held = this.#held.get(row) ?? row.held;
    const gone = new Set(undeliveredOf(held));
    for (const { position } of found) gone.add(position.index);
    const left = gone.size >= count ? null : JSON.stringify([...gone].toSorted((a, b) => a - b));
    const { namespace, webhook } = found[0]!.record;
    const bytes = Buffer.concat(found.map(({ bytes }) => bytes ?? Buffer.alloc(0)));
    const values = [namespace, webhook, this.#upTo, found.length, bytes, no, held, left, owner];
    const [taken] = await this.#runner.rows<{ readonly count: number }>(TAKE_BACK, values);
    if (taken?.count !== 1) return;
    this.#held.set(row, left);
    this.#replayed += found.length;
  }
}
