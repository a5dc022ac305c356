/**
 * Sends lots, each until it is certain that it has happened.
 *
 * A lot whose answer was lost may have happened, or happen yet. It is sent again, with the same numbers, once the
 * session was raised: from then on the former one does nothing.
 *
 * @module
 */

import { pause } from "../../../time/abortable.ts";
import type { Member, Membership } from "../cluster/member.ts";
import { isUnconfirmed, type PostgresClient } from "../../../io/postgres/client.ts";
import type { PostgresConnection } from "../connection/connection.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import type { JournalLog } from "../journal_log.ts";
import { numberLanes } from "../packs/lane_numbers.ts";
import type { Packs } from "../packs/packs.ts";
import { Receipts } from "../receipts.ts";
import type { LotPart } from "./lot_part.ts";
import type { LotRow } from "./lot_statement.ts";
import { lotQuery } from "./lot_values.ts";
import { PackNumbers } from "./pack_numbers.ts";
import { mayPass } from "./refusals.ts";
import type { RefusedPacks } from "./refused_packs.ts";
import type { WaitingLot } from "./waiting_lot.ts";

/** The pause before a lot is sent again to a server that has refused it, in milliseconds. */
const AGAIN_MS = 25;

/** What {@linkcode LotWriter} works with. */
export interface LotWriterOptions {
  readonly connection: PostgresConnection;
  readonly member: Member;
  readonly packs: Packs;
  readonly refused: RefusedPacks;
  readonly log: JournalLog;
  readonly keepsDelivered: boolean;
  readonly now: () => number;
}

/** Sends lots as this gateway, in the session of its connection. */
export class LotWriter {
  readonly #options: LotWriterOptions;
  readonly #numbers = new PackNumbers();
  readonly #receipts = new Receipts<number>();
  /** The connection that the session is of. */
  #client: PostgresClient | undefined;
  #membership: Membership | undefined;
  commits = 0;

  constructor(options: LotWriterOptions) {
    this.#options = options;
  }

  /** Whether this gateway is registered on the connection, as far as is known. */
  get hasEntered(): boolean {
    return this.#client !== undefined;
  }

  /** Registers this gateway, or raises its session. */
  async enter(signal: AbortSignal): Promise<void> {
    await this.#options.connection.use(async (client) => void await this.#enter(client), signal);
  }

  /** This gateway is to be registered again. */
  leave(): void {
    this.#client = undefined;
  }

  /**
   * Sends a part until it is committed.
   *
   * @param life of the packs that its outcomes are of: in another one they are left out
   * @param timeUp gives it up: it may be in the tables, or get there yet
   * @throws {PostgresError} when it is given up, or refused for good
   */
  async write(part: LotPart, life: number, timeUp: AbortSignal): Promise<LotRow> {
    const { connection, log } = this.#options;
    while (true) {
      try {
        const row = await connection.use((client) => this.#try(client, part, life), timeUp);
        if (row !== undefined) {
          this.#receipts.answered(part.lot.ticket);
          log.wrote();
          return row;
        }
      } catch (error) {
        if (!(error instanceof PostgresError)) throw error;
        if (!error.isOfData) log.failed(error);
        if (error.endsConnection) this.#client = undefined;
        if (timeUp.aborted || !mayPass(error)) throw error;
      }
      await pause(Math.max(AGAIN_MS, connection.pauseMs), timeUp);
    }
  }

  /** The appends of a lot will not be sent again, and may be in the tables. */
  gaveUp({ ticket }: WaitingLot): void {
    // Without a number it was never sent.
    if (ticket !== 0) this.#receipts.gaveUp(ticket);
  }

  /** Sends it once. `undefined`: it is not certain that it has happened, and it is sent again. */
  async #try(client: PostgresClient, part: LotPart, life: number): Promise<LotRow | undefined> {
    if (client !== this.#client) await this.#enter(client);
    await this.#prepare(client, part);
    const { packs, refused, keepsDelivered, now } = this.#options;
    const { lot, removes, isBare } = part;
    // What was to be recorded is another gateway's since.
    const isLost = packs.life !== life;
    const outcomes = {
      packs: isLost ? [] : part.packs,
      givenUp: isLost ? [] : part.givenUp,
      isBare,
      abandoned: removes ? refused.nos : [],
      abandonedMarks: removes ? refused.marks : [],
      formerTickets: this.#receipts.over,
    };
    for (const pack of lot.ordered) {
      // What was sent before, as another gateway's, is in the lane; the holder may have got it since.
      pack.isHeld = !isLost && pack.lane.isHeld && (!part.wasSent || pack.isHeld);
    }
    const sender = { ...this.#membership!, now: now(), keepsDelivered };
    const { statement, values } = lotQuery(lot, outcomes, sender);
    part.wasSent = true;
    const answer = await client.query<LotRow>(statement, values);
    this.commits++;
    // A wait for the standby that was cut short: the server keeps what it has, and may lose it.
    if (isUnconfirmed(answer)) return undefined;
    const [row] = answer.rows;
    if (row?.alive === 1) return row;
    // The session is another one, or the row is gone.
    this.#client = undefined;
    return undefined;
  }

  async #enter(client: PostgresClient): Promise<void> {
    this.#membership = await this.#options.member.enter(client);
    this.#client = client;
  }

  async #prepare(client: PostgresClient, { lot, givenUp }: LotPart): Promise<void> {
    const lanes = [...lot.unknownLanes(), ...givenUp.map(({ lane }) => lane).filter(({ id }) => id === 0)];
    await numberLanes(client, this.#options.packs, lanes);
    const fresh = lot.numbered.filter(({ no }) => no === 0);
    await this.#numbers.reserve(client, fresh.length);
    for (const pack of fresh) pack.no = this.#numbers.next();
  }
}
