/**
 * Says at regular times that this gateway lives, and finds out which others do not any more.
 *
 * A gateway is dead when its beats stand still for a time of the observer's own steady clock, in which the observer has
 * looked again and again. No clock of a server or of another host takes part: they may stand as they like.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import type { PostgresConnection } from "../connection/connection.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import type { HeldLane } from "../packs/packs.ts";
import type { Member } from "./member.ts";

const BEAT = prepared(
  `with mine as (
    update cwm.gateway set beats = beats + 1, seen_at = clock_timestamp(), pending = $2, bytes = $3, lanes = $4
    where id = $1 returning id)
  select g.id, g.beats, g.pending, g.bytes, g.lanes, (select count(*)::int from mine) as alive from cwm.gateway g`,
);

/** Waits for a lot of the gateway that is under way; one that comes later finds no row. */
const DECLARE_DEAD = prepared("delete from cwm.gateway where id = $1 and beats = $2");

interface BeatRow {
  readonly id: number;
  readonly beats: number;
  readonly pending: number;
  readonly bytes: number;
  readonly lanes: string;
  readonly alive: number;
}

/** What gateways have to deliver. */
export interface Load {
  /** Events that are not settled. */
  readonly pending: number;
  /** Of those, as they stand in the tables. */
  readonly bytes: number;
}

/** What this gateway has to deliver. */
export interface OwnLoad extends Load {
  /** Of the webhooks whose order counts that it delivers. */
  readonly heldLanes: readonly HeldLane[];
}

/** The other gateways, as they said at their last beats. */
export interface Others extends Load {
  /** How many there are. */
  readonly gateways: number;
  /** What they have of the webhooks whose order counts, by the numbers of their lanes. */
  readonly lanes: ReadonlyMap<number, Load>;
}

/** How often gateways say that they live, and what follows where they do not. All in milliseconds. */
export interface Tempo {
  readonly beatMs: number;
  /** How long the beats of a gateway stand still before the others take over: at least four beats. */
  readonly deadMs: number;
  /** How long after its last beat a gateway delivers: less than `deadMs`, by a beat at least. */
  readonly limitMs: number;
}

/** Every 3 seconds, 15 until it is dead, and 10 in which it delivers. */
export const USUAL_TEMPO: Tempo = { beatMs: 3_000, deadMs: 15_000, limitMs: 10_000 };

/** @throws {RangeError} when a gateway would be declared dead that lives, or deliver what is not its own */
export function assertTempo({ beatMs, deadMs, limitMs }: Tempo): void {
  if (deadMs < 4 * beatMs) throw new RangeError(`${deadMs} ms are less than four beats of ${beatMs} ms`);
  if (limitMs < 2 * beatMs) throw new RangeError(`${limitMs} ms are less than two beats of ${beatMs} ms`);
  if (limitMs + beatMs > deadMs) {
    throw new RangeError(
      `Deliveries for ${limitMs} ms end less than a beat before the ${deadMs} ms to a take-over`,
    );
  }
}

/** What {@linkcode Beats} works with. */
export interface BeatsOptions {
  readonly connection: PostgresConnection;
  readonly member: Member;
  readonly tempo: Tempo;
  /** What this gateway has to deliver, for the others to know. */
  load(): OwnLoad;
  /** Called where a beat finds this gateway without a row. */
  onMissing(): void;
  /** Called after each beat: others may have left something. */
  onBeat(client: PostgresClient): Promise<void>;
  /** Another gateway was declared dead. */
  onDead(id: number): void;
}

/** Another gateway, as it was seen. */
interface Seen {
  readonly beats: number;
  /** When the beats were seen first, in looks without a gap; by `performance.now()`. */
  readonly since: number;
}

/** Beats until it is stopped. */
export class Beats {
  readonly #options: BeatsOptions;
  readonly #stop = new AbortController();
  #seen = new Map<number, Seen>();
  #others: Others = { gateways: 0, pending: 0, bytes: 0, lanes: new Map() };
  #lookedAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: BeatsOptions) {
    assertTempo(options.tempo);
    this.#options = options;
  }

  get others(): Others {
    return this.#others;
  }

  /** Beats now, and then at regular times. */
  start(): Promise<void> {
    this.#beating = this.#beat();
    return this.#beating;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#beating;
  }

  async #beat(): Promise<void> {
    const { connection, tempo } = this.#options;
    const begunAt = performance.now();
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(tempo.deadMs)]);
    try {
      await connection.use((client) => this.#look(client), signal);
    } catch {
      // The server is away, which whoever writes notices as well: the next beat tries again.
    }
    if (this.#stop.signal.aborted) return;
    const restMs = Math.max(0, tempo.beatMs - (performance.now() - begunAt));
    this.#timer = setTimeout(() => this.#beating = this.#beat(), restMs);
  }

  async #look(client: PostgresClient): Promise<void> {
    const { member, load, onBeat, onMissing } = this.#options;
    const { id } = member;
    if (id === undefined) return onMissing();
    const sentAt = performance.now();
    const { pending, bytes, heldLanes } = load();
    const values = [id, pending, Math.round(bytes), JSON.stringify(heldLanes)];
    const { rows } = await client.query<BeatRow>(BEAT, values);
    // Where no gateway has a row, this one has none either.
    if (rows[0]?.alive !== 1) return member.lose(id);
    member.confirm(sentAt);
    const others = rows.filter((row) => row.id !== id);
    this.#others = {
      gateways: others.length,
      pending: others.reduce((sum, row) => sum + row.pending, 0),
      bytes: others.reduce((sum, row) => sum + row.bytes, 0),
      lanes: lanesOf(others),
    };
    await this.#judge(client, others, sentAt);
    await onBeat(client);
  }

  async #judge(client: PostgresClient, rows: readonly BeatRow[], at: number): Promise<void> {
    const { tempo, onDead } = this.#options;
    // While this gateway could not look, the others may not have been able to beat either.
    const hasGap = at - this.#lookedAt > 2 * tempo.beatMs;
    this.#lookedAt = at;
    const before = hasGap ? new Map<number, Seen>() : this.#seen;
    this.#seen = new Map(rows.map(({ id, beats }) => {
      const seen = before.get(id);
      return [id, seen?.beats === beats ? seen : { beats, since: at }];
    }));
    for (const [id, { beats, since }] of this.#seen) {
      if (at - since < tempo.deadMs) continue;
      const { count } = await client.query(DECLARE_DEAD, [id, beats]);
      if (count > 0) onDead(id);
    }
  }
}

/** A lane that has just changed hands may be said by two. */
function lanesOf(rows: readonly BeatRow[]): ReadonlyMap<number, Load> {
  const lanes = new Map<number, Load>();
  for (const row of rows) {
    for (const [lane, pending, bytes] of JSON.parse(row.lanes) as readonly HeldLane[]) {
      const other = lanes.get(lane);
      if (other === undefined || other.pending < pending) lanes.set(lane, { pending, bytes });
    }
  }
  return lanes;
}
