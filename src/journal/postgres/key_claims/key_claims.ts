/**
 * Keys of events that are delivered while their senders wait: each of them is one event's, whichever gateways it comes
 * to. All that waits goes in one statement, one after the other.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import type { Repeated, RepeatKey } from "../../../event/repeat_key.ts";
import { webhookPath } from "../../../event/names.ts";
import { pause } from "../../../time/abortable.ts";
import { NextTurn } from "../../../time/next_turn.ts";
import type { KeyClaims, RememberedEvent } from "../../journal.ts";
import type { Member } from "../cluster/member.ts";
import { isUnconfirmed, type PostgresClient } from "../../../io/postgres/client.ts";
import type { PostgresConnection } from "../connection/connection.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { draining, mayPass } from "../lots/refusals.ts";
import { numberLanes } from "../packs/lane_numbers.ts";
import type { Packs } from "../packs/packs.ts";
import { encodeKey } from "../packs/repeat_keys.ts";
import type { JournalLog } from "../journal_log.ts";
import { journalUnavailable } from "../unavailable.ts";
import { LEASE_MS, TAKE, type TakenKey } from "./statement.ts";

/** How long a sender waits for its claim, in milliseconds: it has its answer within two seconds. */
const TIMEOUT_MS = 1_800;

/** How long an event is waited for that another gateway delivers, in milliseconds: the server is asked once more then. */
const UNDER_WAY_MS = 1_200;

/** The pause before what was not written, or is another event's for now, is sent again, in milliseconds. */
const AGAIN_MS = 50;

/** Keys of one statement. */
const MOST_KEYS = 1_000;

/** Claims and outcomes that may wait. Beyond, senders are refused, and outcomes are left to the end of their claims. */
const MOST_WAITING = 20_000;

/** What a claim has led to: nothing stands against the delivery, or another event has a key. */
type Claimed = "free" | "under_way" | Repeated;

/** A change of who has the keys of an event. */
interface Change {
  readonly event: RememberedEvent;
  /** What the server knows the keys by. */
  readonly keys: readonly Uint8Array[];
  /** The same with their webhook, as texts. */
  readonly names: readonly string[];
  /** Who waits for a claim; `undefined` for an outcome. */
  readonly claim: PromiseWithResolvers<Claimed> | undefined;
  readonly isDelivered: boolean;
  /** When the sender of a claim came, by `performance.now()`. */
  readonly begunAt: number;
  /** Whether it may have happened although nobody knows. */
  wasSent: boolean;
}

/** What {@linkcode PostgresKeyClaims} works with. */
export interface KeyClaimsOptions {
  readonly connection: PostgresConnection;
  readonly member: Member;
  readonly packs: Packs;
  readonly log: JournalLog;
  /** Called where this gateway is not registered: at first, and after it was declared dead. */
  onMissing(): void;
}

/** The {@linkcode KeyClaims} of a journal in PostgreSQL. */
export class PostgresKeyClaims implements KeyClaims {
  readonly #options: KeyClaimsOptions;
  readonly #nextTurn = new NextTurn(() => this.#begin());
  readonly #end = new AbortController();
  #waiting: Change[] = [];
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isFailing = false;

  constructor(options: KeyClaimsOptions) {
    this.#options = options;
  }

  async claim(event: RememberedEvent): Promise<Repeated | undefined> {
    const begunAt = performance.now();
    for (;;) {
      const claimed = await this.#claim(event, begunAt);
      if (claimed === "free") return undefined;
      // Of several keys, some may have been free.
      if (event.keys.length > 1) this.failed(event);
      if (claimed !== "under_way") return claimed;
      if (performance.now() - begunAt >= UNDER_WAY_MS) {
        throw new GatewayError("repeat_under_way", undefined, { retryAfterSeconds: 1 });
      }
      await pause(AGAIN_MS, this.#end.signal);
    }
  }

  delivered(event: RememberedEvent): void {
    this.#add(event, { isDelivered: true });
  }

  failed(event: RememberedEvent): void {
    this.#add(event, { isDelivered: false });
  }

  /**
   * Writes what waits, and takes nothing more.
   *
   * @param signal gives up what is not written by then
   */
  async close(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#end.abort(), { once: true });
    while (this.#waiting.length > 0 && !signal.aborted) {
      this.#begin();
      await this.#running;
    }
    this.#end.abort();
    await this.#running;
    for (const { claim } of this.#waiting) claim?.reject(draining());
    this.#waiting = [];
  }

  async #claim(event: RememberedEvent, begunAt: number): Promise<Claimed> {
    if (this.#end.signal.aborted) throw draining();
    const claim = Promise.withResolvers<Claimed>();
    if (!this.#add(event, { claim, begunAt })) {
      const message = "Too many events wait for the journal";
      throw new GatewayError("overloaded", message, { retryAfterSeconds: 1 });
    }
    return await claim.promise;
  }

  /** Returns whether there was room for it. */
  #add(event: RememberedEvent, change: Partial<Pick<Change, "claim" | "isDelivered" | "begunAt">>): boolean {
    if (this.#waiting.length >= MOST_WAITING) return false;
    const keys = event.keys.map(encodeKey);
    const path = webhookPath(event.namespace, event.webhook);
    const names = keys.map((key) => `${path} ${key.toString("latin1")}`);
    const { claim, isDelivered = false, begunAt = Infinity } = change;
    this.#waiting.push({ event, keys, names, claim, isDelivered, begunAt, wasSent: false });
    this.#nextTurn.ask();
    return true;
  }

  #begin(): void {
    if (this.#isRunning || this.#end.signal.aborted) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#end.signal.aborted) {
      const changes = this.#next();
      const error = await this.#send(changes);
      if (error !== undefined) await this.#sendAgain(changes, error);
    }
    this.#isRunning = false;
  }

  /** As many as one statement takes; it can change a key once, so a later change of it waits. */
  #next(): readonly Change[] {
    const next: Change[] = [];
    const later: Change[] = [];
    const names = new Set<string>();
    let keys = 0;
    for (const [index, change] of this.#waiting.entries()) {
      if (keys >= MOST_KEYS) {
        later.push(...this.#waiting.slice(index));
        break;
      }
      const isFirst = !change.names.some((name) => names.has(name));
      for (const name of change.names) names.add(name);
      if (isFirst) keys += change.keys.length;
      (isFirst ? next : later).push(change);
    }
    this.#waiting = later;
    return next;
  }

  /** Returns why that was not possible; it may have happened all the same. */
  async #send(changes: readonly Change[]): Promise<PostgresError | undefined> {
    const { connection, log, onMissing } = this.#options;
    const signal = AbortSignal.any([AbortSignal.timeout(leftMs(changes)), this.#end.signal]);
    try {
      const taken = await connection.use((client) => this.#take(client, changes), signal);
      conclude(changes, taken);
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      if (error instanceof UnknownMemberError) onMissing();
      else {
        log.failed(error);
        this.#isFailing = true;
      }
      return error;
    }
    if (this.#isFailing) log.wrote();
    this.#isFailing = false;
    return undefined;
  }

  /** Outcomes are sent until they are written; claims as long as their senders wait. */
  async #sendAgain(changes: readonly Change[], error: PostgresError): Promise<void> {
    const refused = changes.filter((change) =>
      change.claim !== undefined && (!isPassing(error) || leftMs([change]) <= 1)
    );
    const again = changes.filter((change) => !refused.includes(change));
    this.#waiting = [...again, ...this.#waiting];
    for (const { claim, event, wasSent } of refused) {
      if (wasSent) this.failed(event);
      claim?.reject(journalUnavailable(error));
    }
    const pauseMs = Math.max(AGAIN_MS, this.#options.connection.pauseMs);
    await pause(Math.min(pauseMs, leftMs(this.#waiting)), this.#end.signal);
  }

  async #take(client: PostgresClient, changes: readonly Change[]): Promise<readonly TakenKey[]> {
    const { member, packs } = this.#options;
    const lanes = new Set(changes.map(({ event }) => packs.lane(event)));
    await numberLanes(client, packs, [...lanes].filter(({ id }) => id === 0));
    if (member.id === undefined) throw new UnknownMemberError();
    for (const change of changes) change.wasSent = true;
    const rows = changes.flatMap((change) =>
      change.keys.map((bytes, index) =>
        [
          packs.lane(change.event).id,
          bytes,
          change.event.eventId,
          msOf(change, change.event.keys[index]!),
          change.isDelivered,
        ] as const
      )
    );
    const columns = [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column]!));
    const answer = await client.query<TakenKey>(TAKE, [member.id, ...columns]);
    if (isUnconfirmed(answer)) {
      throw new PostgresError("The synchronous standby has not confirmed a claim", { endsConnection: true });
    }
    return answer.rows;
  }
}

/** Nobody could know whose the claims are. It registers soon. */
class UnknownMemberError extends PostgresError {
  constructor() {
    super("This instance is not registered with the others yet", { endsConnection: false });
  }
}

function isPassing(error: PostgresError): boolean {
  return error instanceof UnknownMemberError || mayPass(error);
}

/** How long a key is the event's, in milliseconds. */
function msOf({ claim, isDelivered }: Change, { ttlMs }: RepeatKey): number {
  if (claim !== undefined) return LEASE_MS;
  return isDelivered ? ttlMs : 0;
}

/** How long the first of senders still waits, in milliseconds; without one, as long as one that comes now. */
function leftMs(changes: readonly Change[]): number {
  const now = performance.now();
  const begunAt = changes.reduce((earliest, change) => Math.min(earliest, change.begunAt), now);
  return Math.max(1, TIMEOUT_MS - (now - begunAt));
}

/** Says to the senders of claims whether their events are to be delivered. */
function conclude(changes: readonly Change[], taken: readonly TakenKey[]): void {
  const byPlace = new Map(taken.map(({ place, event_id: eventId }) => [place, eventId]));
  let place = 0;
  for (const { claim, event } of changes) {
    let claimed: Claimed = "free";
    for (const { repeat } of event.keys) {
      const duplicateOf = byPlace.get(++place);
      if (duplicateOf === undefined || typeof claimed === "object") continue;
      claimed = duplicateOf === null ? "under_way" : { duplicateOf, repeat };
    }
    claim?.resolve(claimed);
  }
}
