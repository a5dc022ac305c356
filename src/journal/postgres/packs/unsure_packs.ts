/**
 * Packs that statements of this gateway were to make its own, as long as it is not certain whether they have.
 *
 * A statement whose answer was lost has happened, or never will, or is run yet by a server process that stands still
 * meanwhile. What it was to take is looked for until it is this gateway's, or nobody's to take any more.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import { OWN_PACKS, STORED_PACK, type StoredPack } from "./pack_rows.ts";

/** Which of these packs are still their former owners'. Values: those owners, the numbers. */
const STANDING = prepared(
  `select p.no::float8 as no from unnest($1::bigint[], $2::bigint[]) t(owner, no)
    cross join lateral (select p.no from cwm.pack p where p.owner = t.owner and p.no = t.no offset 0) p`,
);

const OWN = prepared(`select ${STORED_PACK}, p.mark::float8 as mark from ${OWN_PACKS}`);

/** A pack and who owns it before it is taken. */
export interface OwnedPack {
  readonly no: number;
  readonly owner: number;
}

/** A pack that is this gateway's. */
export type FoundPack = StoredPack & {
  /** The number that the gateway which appended it had given, where the order of its webhook counts. */
  readonly mark: number | null;
};

/** What one gateway has asked for and was not answered. */
export class UnsurePacks {
  /** The gateway, by its number: what it has asked for as another is nobody's. */
  #gateway: number | undefined;
  readonly #owners = new Map<number, number>();

  /** A statement is sent that is to make these packs the gateway's. */
  asked(gateway: number, packs: readonly OwnedPack[]): void {
    if (this.#gateway !== gateway) this.clear();
    this.#gateway = gateway;
    for (const { no, owner } of packs) this.#owners.set(no, owner);
  }

  /** Whether anything was asked for that this owner had: it may be the gateway's by now, which does not know it yet. */
  hasOf(owner: number): boolean {
    if (this.#owners.size === 0) return false;
    for (const former of this.#owners.values()) if (former === owner) return true;
    return false;
  }

  /** These packs are the gateway's, and it knows them. */
  known(packs: readonly StoredPack[]): void {
    for (const { no } of packs) this.#owners.delete(no);
  }

  /**
   * Looks which packs are the gateway's by now. They are returned until they are {@linkcode known}; those that are gone,
   * or another gateway's, are forgotten.
   *
   * @throws {PostgresError} when the server cannot be asked
   */
  async find(client: PostgresClient, gateway: number): Promise<readonly FoundPack[]> {
    if (this.#gateway !== gateway || this.#owners.size === 0) return [];
    const numbers = [...this.#owners.keys()];
    // In this order: what is taken in between is found as the gateway's own.
    const { rows: standing } = await client.query<{ readonly no: number }>(STANDING, [
      [...this.#owners.values()],
      numbers,
    ]);
    const { rows: own } = await client.query<FoundPack>(OWN, [gateway, numbers]);
    const kept = new Set([...standing, ...own].map(({ no }) => no));
    for (const no of numbers) if (!kept.has(no)) this.#owners.delete(no);
    return own;
  }

  clear(): void {
    this.#owners.clear();
  }
}
