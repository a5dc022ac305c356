/**
 * What this gateway is to the others that share the journal: a row of its own, which says that it lives.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { prepared } from "../../../io/postgres/statement.ts";

const REGISTER = prepared(
  "insert into cwm.gateway (name, version) values ($1, $2) returning id::float8 as id, session",
);

/**
 * Locked first, since a plain update does not wait for a lot under way, which has the row locked as well. What of an
 * earlier connection is run later finds another session, and does nothing. A row of another name is another gateway's:
 * a backup was restored since, and numbers are given again.
 */
const RAISE = prepared(
  `with l as materialized (select id from cwm.gateway where id = $1 and name = $2 for update)
  update cwm.gateway g set session = session + 1 from l where g.id = l.id returning session`,
);

const LEAVE = prepared("delete from cwm.gateway where id = $1");

/** What people know a gateway by. */
export interface MemberName {
  readonly name: string;
  /** The program's. */
  readonly version: string;
}

/** What a lot has to say of its sender. */
export interface Membership {
  readonly id: number;
  readonly session: number;
}

/** This gateway among those that share a journal. */
export class Member {
  readonly #name: MemberName;
  readonly #limitMs: number;
  readonly #onLost: () => void;
  #membership: Membership | undefined;
  /** When the last beat that was confirmed was sent, by `performance.now()`. */
  #confirmedAt = -Infinity;
  #hasLeft = false;

  /**
   * @param limitMs how long after a beat that was confirmed events may be delivered, in milliseconds
   * @param onLost called when the others have declared this gateway dead: its events are theirs
   */
  constructor(name: MemberName, limitMs: number, onLost: () => void) {
    this.#name = name;
    this.#limitMs = limitMs;
    this.#onLost = onLost;
  }

  /** `undefined` before the first connection, and after this gateway was declared dead. */
  get id(): number | undefined {
    return this.#membership?.id;
  }

  /** Whether no other gateway can have declared this one dead yet. */
  get isAlive(): boolean {
    return performance.now() - this.#confirmedAt < this.#limitMs;
  }

  /** A beat was confirmed. @param sentAt when it was sent, by `performance.now()` */
  confirm(sentAt: number): void {
    this.#confirmedAt = Math.max(this.#confirmedAt, sentAt);
  }

  /** Begins on a new connection: what is left of earlier ones does nothing from now on. */
  async enter(client: PostgresClient): Promise<Membership> {
    const former = this.#membership;
    const { name, version } = this.#name;
    if (former !== undefined) {
      const { rows: [row] } = await client.query<{ readonly session: number }>(RAISE, [former.id, name]);
      if (row !== undefined) return this.#membership = { id: former.id, session: row.session };
      this.lose(former.id);
    }
    const sentAt = performance.now();
    const { rows: [row] } = await client.query<Membership>(REGISTER, [name, version]);
    this.#membership = row!;
    this.confirm(sentAt);
    return row!;
  }

  /** The row is gone. @param id that it had: of another than the present one it is known already */
  lose(id: number): void {
    if (this.#membership?.id !== id || this.#hasLeft) return;
    this.#membership = undefined;
    this.#confirmedAt = -Infinity;
    this.#onLost();
  }

  /** Ends the membership: the others take over at once what is left. */
  async leave(client: PostgresClient): Promise<void> {
    this.#hasLeft = true;
    if (this.#membership !== undefined) await client.query(LEAVE, [this.#membership.id]);
    this.#membership = undefined;
  }
}
