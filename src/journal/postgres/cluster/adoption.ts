/**
 * Takes over what gateways have left that ended, or were declared dead: in slices, so that several share it.
 *
 * @module
 */

import type { PostgresClient } from "../connection/client.ts";
import { prepared } from "../connection/statement.ts";
import { DONE_OWNER } from "../lots/lot_statement.ts";
import { ORDERED_FROM } from "../lanes/ordered_rows.ts";
import { readPackRows, STORED_PACK, type StoredPack } from "../packs/pack_rows.ts";
import type { Packs } from "../packs/packs.ts";
import type { WaitingLane } from "../packs/waiting_lane.ts";
import type { Member } from "./member.ts";

/** Packs that are taken over by one statement. */
const SLICE = 200;

/** One look into the index for each owner, however many packs it has. Packs of 0 never had one: they were replayed. */
const ORPHANED = prepared(
  `with recursive o as (
    (select owner from cwm.pack where owner > ${DONE_OWNER} order by owner limit 1)
    union all
    select (select p.owner from cwm.pack p where p.owner > o.owner order by p.owner limit 1) from o
    where o.owner is not null)
  select owner from o where owner is not null and not exists (select from cwm.gateway g where g.id = o.owner)`,
);

const CANDIDATES = prepared(
  `select no from cwm.pack where owner = any($1::bigint[]) and no < ${ORDERED_FROM}
  order by owner, no limit ${SLICE}`,
);

const ADOPT = prepared(
  `with me as materialized (select id from cwm.gateway where id = $1 for key share),
  picked as materialized (
    select p.owner, p.no from cwm.pack p, me
    where p.owner = any($2::bigint[]) and p.no = any($3::bigint[])
      and not exists (select from cwm.gateway g where g.id = p.owner)
    order by p.owner, p.no for update of p skip locked)
  update cwm.pack p set owner = me.id from me, picked where p.owner = picked.owner and p.no = picked.no
  returning ${STORED_PACK}`,
);

const OWN = prepared(`select ${STORED_PACK} from cwm.pack p where p.owner = $1 and p.no = any($2::bigint[])`);

/** Takes over packs whose owner is gone, until there are none. */
export class Adoption {
  readonly #packs: Packs;
  readonly #member: Member;
  readonly #onAdopted: (lanes: ReadonlySet<WaitingLane>) => void;
  /** Packs that this gateway may have taken over, as a number had it: the answer was lost. */
  #unsure: { readonly id: number; readonly nos: readonly number[] } | undefined;

  /** @param onAdopted called with lanes that have something to claim now */
  constructor(packs: Packs, member: Member, onAdopted: (lanes: ReadonlySet<WaitingLane>) => void) {
    this.#packs = packs;
    this.#member = member;
    this.#onAdopted = onAdopted;
  }

  /** @returns how many packs were taken over */
  async adopt(client: PostgresClient): Promise<number> {
    const { id } = this.#member;
    if (id === undefined) return 0;
    let adopted = await this.#findOut(client, id);
    const { rows } = await client.query<{ readonly owner: number }>(ORPHANED);
    const owners = rows.map(({ owner }) => owner);
    while (owners.length > 0 && this.#member.id === id) {
      const { rows: candidates } = await client.query<{ readonly no: number }>(CANDIDATES, [owners]);
      if (candidates.length === 0) break;
      const nos = candidates.map(({ no }) => no);
      this.#unsure = { id, nos };
      const { rows: packs } = await client.query<StoredPack>(ADOPT, [id, owners, nos]);
      adopted += await this.#take(client, packs);
    }
    return adopted;
  }

  async #findOut(client: PostgresClient, id: number): Promise<number> {
    if (this.#unsure?.id !== id) return 0;
    const { rows } = await client.query<StoredPack>(OWN, [id, this.#unsure.nos]);
    return await this.#take(client, rows);
  }

  async #take(client: PostgresClient, rows: readonly StoredPack[]): Promise<number> {
    const { life } = this.#packs;
    const described = await readPackRows(client, this.#packs, rows);
    this.#unsure = undefined;
    // Whoever has declared this gateway dead meanwhile takes them over again.
    if (this.#packs.life !== life) return 0;
    const lanes = new Set(described.flatMap((row) => [...this.#packs.adopted(row)]));
    if (lanes.size > 0) this.#onAdopted(lanes);
    return rows.length;
  }
}
