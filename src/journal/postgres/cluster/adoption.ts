/**
 * Takes over what gateways have left that ended, or were declared dead: in slices, so that several share it.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import { ORDERED_FROM } from "../lanes/ordered_rows.ts";
import { ENDED_OWNERS, OWN_PACKS, readPackRows, STORED_PACK, type StoredPack } from "../packs/pack_rows.ts";
import type { Packs } from "../packs/packs.ts";
import { UnsurePacks } from "../packs/unsure_packs.ts";
import type { WaitingLane } from "../packs/waiting_lane.ts";
import type { Member } from "./member.ts";

/** Packs that are taken over by one statement. */
const SLICE = 200;

const CANDIDATES = prepared(
  `select no from cwm.pack where owner = $1 and no < ${ORDERED_FROM} order by no limit ${SLICE}`,
);

/** By a subquery for each pack, as in a lot. One that another gateway is taking over is left to it. */
export const ADOPT = prepared(
  `with me as materialized (select id from cwm.gateway where id = $1 for key share),
  picked as materialized (
    select (select p.ctid from cwm.pack p where p.owner = $2 and p.no = t.no for update skip locked) as place
    from me, unnest($3::bigint[]) t(no) where not exists (select from cwm.gateway g where g.id = $2))
  update cwm.pack p set owner = me.id from me, picked where p.ctid = picked.place
  returning ${STORED_PACK}`,
);

const OWN = prepared(
  `select ${STORED_PACK} from ${OWN_PACKS}`,
);

/** How many packs a slice has found, and how many of them were left to take over. */
interface Slice {
  readonly found: number;
  readonly adopted: number;
}

/** Takes over packs whose owner is gone. */
export class Adoption {
  readonly #packs: Packs;
  readonly #member: Member;
  readonly #onAdopted: (lanes: ReadonlySet<WaitingLane>) => void;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #unsure = new UnsurePacks();
  /** Packs that this gateway may have appended, as a number had it: it gave up waiting for the answer. */
  #written: { readonly id: number; readonly nos: number[] } | undefined;

  /** @param onAdopted called with lanes that have something to claim now */
  constructor(packs: Packs, member: Member, onAdopted: (lanes: ReadonlySet<WaitingLane>) => void) {
    this.#packs = packs;
    this.#member = member;
    this.#onAdopted = onAdopted;
  }

  /** Packs of this gateway that it knows nothing of, if they are there, are its own with the next take-over. */
  lookFor(nos: readonly number[]): void {
    const { id } = this.#member;
    if (id === undefined) return;
    if (this.#written?.id !== id) this.#written = { id, nos: [] };
    this.#written.nos.push(...nos);
  }

  /**
   * Takes over what there is, or a part of it.
   *
   * @param mostMs no slice begins later than this, in milliseconds, besides the first
   * @returns how many packs were taken over
   */
  async adopt(client: PostgresClient, mostMs: number): Promise<number> {
    const turn = this.#turn.then(() => this.#adopt(client, mostMs));
    this.#turn = turn.catch(() => {}); // Whoever waits for it gets it.
    return await turn;
  }

  async #adopt(client: PostgresClient, mostMs: number): Promise<number> {
    const { id } = this.#member;
    if (id === undefined) return 0;
    const begunAt = performance.now();
    let adopted = await this.#take(client, await this.#unsure.find(client, id));
    await this.#findWritten(client, id);
    const { rows: owners } = await client.query<{ readonly owner: number }>(ENDED_OWNERS);
    for (const { owner } of owners) {
      let hasMore = true;
      while (hasMore && this.#member.id === id) {
        const slice = await this.#adoptSlice(client, id, owner);
        adopted += slice.adopted;
        hasMore = slice.found === SLICE;
        if (performance.now() - begunAt > mostMs) return adopted;
      }
    }
    return adopted;
  }

  async #adoptSlice(client: PostgresClient, id: number, owner: number): Promise<Slice> {
    const { rows: candidates } = await client.query<{ readonly no: number }>(CANDIDATES, [owner]);
    if (candidates.length === 0) return { found: 0, adopted: 0 };
    const nos = candidates.map(({ no }) => no);
    this.#unsure.asked(id, nos.map((no) => ({ no, owner })));
    const { rows } = await client.query<StoredPack>(ADOPT, [id, owner, nos]);
    return { found: nos.length, adopted: await this.#take(client, rows) };
  }

  async #findWritten(client: PostgresClient, id: number): Promise<void> {
    if (this.#written?.id !== id) return;
    const { nos } = this.#written;
    const looked = nos.length;
    const { rows } = await client.query<StoredPack>(OWN, [id, nos.slice(0, looked)]);
    await this.#take(client, rows);
    nos.splice(0, looked);
  }

  async #take(client: PostgresClient, rows: readonly StoredPack[]): Promise<number> {
    const { life } = this.#packs;
    const described = await readPackRows(client, this.#packs, rows);
    this.#unsure.known(rows);
    // Whoever has declared this gateway dead meanwhile takes them over again.
    if (this.#packs.life !== life) return 0;
    const lanes = new Set(described.flatMap((row) => [...this.#packs.adopted(row)]));
    if (lanes.size > 0) this.#onAdopted(lanes);
    return rows.length;
  }
}
