/**
 * The lanes of webhooks whose order counts: which of them this gateway holds, and what others have appended to those.
 *
 * Who appends to a lane that nobody holds takes it, and keeps it until it ends; the lanes of ended gateways are taken
 * whole, with all of their packs, before one of their events is delivered. Other gateways say when they have appended
 * something; what is said may be lost, so it is looked for as well: what no holder has got yet stands together in the
 * table, so that such a look costs the same however many lanes there are.
 *
 * @module
 */

import type { Member } from "../cluster/member.ts";
import type { PostgresClient } from "../../../io/postgres/client.ts";
import type { PostgresConnection } from "../connection/connection.ts";
import type { OrderedOutcome } from "../lots/ordered_outcome.ts";
import { meetLanes } from "../packs/lane_numbers.ts";
import { ENDED_OWNERS, readPackRows } from "../packs/pack_rows.ts";
import type { Packs } from "../packs/packs.ts";
import { type FoundPack, type OwnedPack, UnsurePacks } from "../packs/unsure_packs.ts";
import type { WaitingLane } from "../packs/waiting_lane.ts";
import type { Wakeups } from "../wakeups/wakeups.ts";
import { unreadOwner } from "./ordered_rows.ts";
import { HELD, HOLD, LEFT, LEFT_PACKS, SLICE, TAKE, UNREAD, WAITING } from "./statements.ts";

/** How long anything here may take, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** How often it is looked what others have appended, in milliseconds, and where nobody hears what they say. */
const LOOK_MS = 1_000;
const LOOK_UNHEARD_MS = 250;

/** Begins what gateways say of a lane; its holder and its number follow. */
const WORD = "lane";

interface LaneRow {
  readonly lane: number;
}

/** What {@linkcode OrderedLanes} works with. */
export interface OrderedLanesOptions {
  readonly connection: PostgresConnection;
  readonly packs: Packs;
  readonly member: Member;
  readonly wakeups: Wakeups;
  /** Called with lanes that are held here and may have something to claim. */
  readonly onWaiting: (lanes: Iterable<WaitingLane>) => void;
  /** Called with a lane of which another gateway delivers what was appended here. */
  readonly onForeign: (lane: WaitingLane) => void;
  /** Whether the sender of a pack was refused, so that it is not delivered but removed. */
  readonly isWithdrawn: (mark: number) => boolean;
}

/** The lanes that this gateway holds. */
export class OrderedLanes implements AsyncDisposable {
  readonly #options: OrderedLanesOptions;
  /** Lanes that are held, and of which packs of an ended gateway are still to be got. */
  readonly #incomplete = new Set<WaitingLane>();
  readonly #unsure = new UnsurePacks();
  readonly #closed = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();
  #listening: Disposable | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: OrderedLanesOptions) {
    this.#options = options;
  }

  /** Packs of such webhooks were committed. */
  appended({ waiting, foreign }: OrderedOutcome): void {
    const { wakeups, member, onWaiting, onForeign } = this.#options;
    this.#begin();
    if (waiting.size > 0) onWaiting(waiting);
    const free: number[] = [];
    for (const [lane, holder] of foreign) {
      onForeign(lane);
      if (holder === undefined || holder === member.id) free.push(lane.id);
      else wakeups.say(`${WORD} ${holder} ${lane.id}`);
    }
    if (free.length > 0) this.#later((client, id) => this.#hold(client, id, free));
  }

  /**
   * Gets what others have appended to a lane that is held here.
   *
   * @returns the greatest number of a pack that all packs are here which belong before. What is appended meanwhile may be
   * here although something that its sender had sent before, to another gateway, is not. `undefined` while this gateway
   * is not registered
   * @throws {PostgresError} when the server cannot be asked
   */
  async take(lane: WaitingLane): Promise<number | undefined> {
    let upTo: number | undefined;
    await this.#do(async (client, id) => {
      const known = lane.lastNo;
      upTo = Math.max(known, await this.#takeUnread(client, id, [lane]));
    });
    if (lane.added > 0) this.#options.onWaiting([lane]);
    return upTo;
  }

  /**
   * Whether something of a lane may be this gateway's in the tables, and not in memory yet: what is appended now belongs
   * behind it, although nothing unread is left and nothing waits.
   */
  isTaking(lane: WaitingLane): boolean {
    return this.#unsure.hasOf(unreadOwner(lane.id));
  }

  /** Looks what others have appended, and what ended gateways have left. */
  look(): void {
    this.#later((client, id) => this.#look(client, id));
  }

  /** All lanes are other gateways' now. */
  lost(): void {
    this.#incomplete.clear();
    this.#unsure.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#timer);
    this.#listening?.[Symbol.dispose]();
    await this.#turn;
  }

  /** From now on it is looked often. */
  #begin(): void {
    if (this.#listening !== undefined || this.#closed.signal.aborted) return;
    this.#listening = this.#options.wakeups.listen({
      onSaid: (word) => this.#heard(word),
      onMissed: () => this.look(),
    });
    this.#lookAgain();
  }

  #lookAgain(): void {
    const { wakeups } = this.#options;
    this.#timer = setTimeout(() => {
      this.look();
      this.#lookAgain();
    }, wakeups.isHeard ? LOOK_MS : LOOK_UNHEARD_MS);
  }

  #heard(word: string): void {
    const { packs, member, onWaiting } = this.#options;
    const [what, holder, id] = word.split(" ");
    if (what !== WORD || Number(holder) !== member.id) return;
    const lane = packs.laneOfId(Number(id));
    if (lane?.isHeld === true) onWaiting([lane]);
    else this.look();
  }

  /** What fails is tried again with the next look. */
  #later(work: (client: PostgresClient, id: number) => Promise<void>): void {
    void this.#do(work).catch(() => {});
  }

  /** One after the other, while this gateway is registered. */
  #do(work: (client: PostgresClient, id: number) => Promise<void>): Promise<void> {
    const { connection, member } = this.#options;
    const turn = this.#turn.then(async () => {
      const { id } = member;
      if (id === undefined || this.#closed.signal.aborted) return;
      const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      await connection.use((client) => work(client, id), signal);
    });
    this.#turn = turn.catch(() => {}); // Whoever waits for it gets it.
    return turn;
  }

  async #look(client: PostgresClient, id: number): Promise<void> {
    const { packs, onWaiting } = this.#options;
    const ended = await this.#ended(client);
    const { rows: left } = ended.length === 0 ? { rows: [] } : await client.query<LaneRow>(LEFT, [ended]);
    const { rows: unread } = await client.query<LaneRow & { readonly own: boolean }>(UNREAD, [id]);
    const waiting: WaitingLane[] = [];
    const free = new Set(left.map(({ lane }) => lane));
    for (const { lane: number, own } of unread) {
      const lane = packs.laneOfId(number);
      if (own && lane?.isHeld === true) waiting.push(lane);
      else free.add(number);
    }
    if (waiting.length > 0) {
      // Also while nothing of them is claimed, as of a webhook that is paused: they count as what it holds.
      await this.#takeUnread(client, id, waiting);
      onWaiting(waiting);
    }
    await this.#hold(client, id, [...free]);
  }

  /** Takes lanes that nobody holds, and all of their packs. */
  async #hold(client: PostgresClient, id: number, lanes: readonly number[]): Promise<void> {
    const { packs } = this.#options;
    if (lanes.length > 0) {
      this.#begin();
      const { life } = packs;
      await client.query<LaneRow>(HOLD, [id, lanes]);
      const { rows } = await client.query<LaneRow>(HELD, [id, lanes]);
      await meetLanes(client, packs, rows.map(({ lane }) => lane));
      if (packs.life !== life) return;
      for (const { lane: number } of rows) {
        const lane = packs.laneOfId(number);
        if (lane !== undefined && !lane.isHeld) this.#incomplete.add(lane);
      }
    }
    await this.#complete(client, id);
  }

  /** Gets what ended gateways have left of the lanes: before that, nothing of them is delivered. */
  async #complete(client: PostgresClient, id: number): Promise<void> {
    const { packs, onWaiting } = this.#options;
    const lanes = [...this.#incomplete];
    if (lanes.length === 0) return;
    const { life } = packs;
    const ended = await this.#ended(client);
    const numbers = lanes.map(({ id: number }) => number);
    if (ended.length > 0) await this.#takeAll(client, id, () => client.query(LEFT_PACKS, [ended, numbers]));
    await this.#takeUnread(client, id, lanes);
    if (packs.life !== life) return;
    for (const lane of lanes) {
      this.#incomplete.delete(lane);
      lane.isHeld = true;
    }
    onWaiting(lanes);
  }

  /** @returns the greatest number that was taken */
  async #takeUnread(client: PostgresClient, id: number, lanes: readonly WaitingLane[]): Promise<number> {
    const found = await this.#findOut(client, id);
    const owners = lanes.map((lane) => unreadOwner(lane.id));
    const last = await this.#takeAll(client, id, () => client.query(WAITING, [owners]));
    return Math.max(last, lastOf(found));
  }

  /** Takes what is found, until nothing is. @returns the greatest number */
  async #takeAll(
    client: PostgresClient,
    id: number,
    find: () => Promise<{ readonly rows: readonly OwnedPack[] }>,
  ): Promise<number> {
    let last = 0;
    for (;;) {
      const { rows } = await find();
      const taken = rows.length === 0 ? [] : await this.#take(client, id, rows);
      last = Math.max(last, lastOf(taken));
      if (taken.length === 0 || rows.length < SLICE) return last;
    }
  }

  async #take(
    client: PostgresClient,
    id: number,
    found: readonly OwnedPack[],
  ): Promise<readonly FoundPack[]> {
    this.#unsure.asked(id, found);
    const values = [id, found.map(({ owner }) => owner), found.map(({ no }) => no)];
    const { rows } = await client.query<FoundPack>(TAKE, values);
    await this.#adopt(client, rows);
    // The others were taken while this one waited for them, by one whose answer was lost.
    return rows.length === found.length ? rows : [...rows, ...await this.#findOut(client, id)];
  }

  /** What answers that were lost have said. */
  async #findOut(client: PostgresClient, id: number): Promise<readonly FoundPack[]> {
    const found = await this.#unsure.find(client, id);
    await this.#adopt(client, found);
    return found;
  }

  async #adopt(client: PostgresClient, rows: readonly FoundPack[]): Promise<void> {
    const { packs, isWithdrawn } = this.#options;
    const { life } = packs;
    const own = rows.filter(({ mark }) => mark === null || !isWithdrawn(mark));
    const described = await readPackRows(client, packs, own);
    this.#unsure.known(rows);
    // Whoever has declared this gateway dead meanwhile takes them over again.
    if (packs.life === life) { for (const row of described) packs.adopted(row); }
  }

  async #ended(client: PostgresClient): Promise<readonly number[]> {
    const { rows } = await client.query<{ readonly owner: number }>(ENDED_OWNERS);
    return rows.map(({ owner }) => owner);
  }
}

/** The greatest number of packs, 0 of none. */
function lastOf(packs: readonly FoundPack[]): number {
  return packs.reduce((greatest, { no }) => Math.max(greatest, no), 0);
}
