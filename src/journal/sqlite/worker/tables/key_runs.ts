/**
 * The table of keys as they came, in the worker's thread: those that one commit has added of a lane stand in one row, a
 * *run*. Keys are digests mostly, and each would find its place in a sorted table on a page of its own, which would be
 * written for it alone.
 *
 * @module
 */

import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { assertCount } from "../../../../errors.ts";
import { returnArrays } from "./row_inserter.ts";

/** Keys of one run; whoever looks for one of them reads all. */
const MAX_KEYS = 64;

/** Runs that are read at once. */
const PAGE_RUNS = 256;

/** A key that was added, and until when it is known, in milliseconds since 1970. */
export interface AddedKey {
  readonly lane: number;
  readonly name: string;
  readonly eventId: string;
  readonly expiresAt: number;
}

/** A row. Its keys are name, event id and time of expiry, one after the other. */
interface Run {
  readonly id: number;
  readonly lane: number;
  readonly keys: readonly (string | number)[];
}

/** Keys of one lane that are remembered for the same time, on their way into rows. */
interface OpenRun {
  readonly lane: number;
  readonly keys: (string | number)[];
  expiresAt: number;
}

/** How many elements of {@linkcode Run.keys} one key takes. */
const KEY_FIELDS = 3;

/**
 * Runs, and where each key stands: memory holds a *print* of every key, a number of 30 bits, with the run that it is
 * in. Keys with the same print are told apart by reading their runs.
 */
export class KeyRuns {
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #remove: StatementSync;
  readonly #oldest: StatementSync;
  readonly #expired: StatementSync;
  readonly #newestOf: StatementSync;
  /** By print; several runs, the newest last, where prints are the same. */
  readonly #runs = new Map<number, number | readonly number[]>();
  #size = 0;
  #lastId = 0;
  /** What the open transaction has added, by lane and name, and what of it is not in rows yet, by lane and time. */
  readonly #added = new Map<string, AddedKey>();
  /** How many keys that are, with those that were added again. */
  #addedCount = 0;
  readonly #open = new Map<string, OpenRun>();
  #written: Run[] = [];
  #removed: Run[] = [];
  /** The run that was read last: repeats come in a row. */
  #lastRead: Run | undefined;

  constructor(database: DatabaseSync) {
    const columns = "SELECT id, lane, keys FROM key_runs";
    const prepare = (sql: string) => returnArrays(database.prepare(sql));
    this.#insert = database.prepare("INSERT INTO key_runs (id, lane, expires_at, keys) VALUES (?, ?, ?, ?)");
    this.#remove = database.prepare("DELETE FROM key_runs WHERE id = ?");
    this.#read = prepare(`${columns} WHERE id = ?`);
    this.#oldest = prepare(`${columns} WHERE id > ? ORDER BY id LIMIT ?`);
    this.#expired = prepare(`${columns} WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`);
    this.#newestOf = prepare(`${columns} WHERE lane = ? AND id < ? ORDER BY id DESC LIMIT ?`);
    for (const run of this.#pages((after) => this.#oldest.all(after, PAGE_RUNS), 0)) {
      this.#note(run);
      this.#lastId = run.id;
    }
  }

  /** How many keys there are, with those of the open transaction. */
  get size(): number {
    const changes = this.#removed.reduce((sum, run) => sum - countOf(run), this.#addedCount);
    return assertCount(this.#size + changes, "remembered keys");
  }

  /** The event that had the key last and is still remembered. */
  find(lane: number, name: string, now: number): string | undefined {
    const added = this.#added.get(`${lane} ${name}`);
    if (added !== undefined) return added.expiresAt > now ? added.eventId : undefined;
    const ids = this.#runs.get(printOf(lane, name));
    if (ids === undefined) return undefined;
    if (typeof ids === "number") return this.#findIn(ids, lane, name, now);
    for (let index = ids.length - 1; index >= 0; index--) {
      const found = this.#findIn(ids[index]!, lane, name, now);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Adds a key. It is in a row once {@linkcode flush} was called. */
  add(lane: number, name: string, eventId: string, expiresAt: number, ttlMs: number): void {
    this.#added.set(`${lane} ${name}`, { lane, name, eventId, expiresAt });
    this.#addedCount++;
    const open = `${lane} ${ttlMs}`;
    let run = this.#open.get(open);
    if (run === undefined) this.#open.set(open, run = { lane, keys: [], expiresAt: 0 });
    run.keys.push(name, eventId, expiresAt);
    run.expiresAt = Math.max(run.expiresAt, expiresAt);
    if (run.keys.length < MAX_KEYS * KEY_FIELDS) return;
    this.#write(run);
    this.#open.delete(open);
  }

  /** Writes what was added. Must be called before the transaction is committed. */
  flush(): void {
    if (this.#open.size === 0) return;
    for (const run of this.#open.values()) this.#write(run);
    this.#open.clear();
  }

  /** The keys of a lane, the newest first. */
  *newestOf(lane: number): Generator<AddedKey> {
    for (
      const run of this.#pages(
        (before) => this.#newestOf.all(lane, before, PAGE_RUNS),
        Number.MAX_SAFE_INTEGER,
      )
    ) {
      yield* keysIn(run).reverse();
    }
  }

  /** Takes out the oldest runs, so many keys at least. */
  takeOldest(keys: number): AddedKey[] {
    const taken: AddedKey[] = [];
    for (const run of this.#pages((after) => this.#oldest.all(after, PAGE_RUNS), 0)) {
      if (taken.length >= keys) break;
      taken.push(...keysIn(run));
      this.#takeOut(run);
    }
    return taken;
  }

  /** Removes runs of which all keys have expired, at most so many. Returns whether there may be more. */
  removeExpired(limit: number, now: number): boolean {
    const expired = this.#expired.all(now, limit).map(runOf);
    for (const run of expired) this.#takeOut(run);
    return expired.length === limit;
  }

  /** The transaction came through. */
  commit(): void {
    for (const run of this.#written) this.#note(run);
    for (const run of this.#removed) this.#forget(run);
    this.#settle();
  }

  /** The transaction was taken back. */
  rollback(): void {
    this.#lastId -= this.#written.length;
    this.#open.clear();
    this.#settle();
  }

  #settle(): void {
    if (this.#added.size > 0) this.#added.clear();
    this.#addedCount = 0;
    if (this.#written.length > 0) this.#written = [];
    if (this.#removed.length > 0) this.#removed = [];
  }

  #write({ lane, keys, expiresAt }: OpenRun): void {
    const id = ++this.#lastId;
    this.#insert.run(id, lane, expiresAt, JSON.stringify(keys));
    this.#written.push({ id, lane, keys });
  }

  #takeOut(run: Run): void {
    this.#remove.run(run.id);
    this.#removed.push(run);
  }

  #findIn(id: number, lane: number, name: string, now: number): string | undefined {
    if (this.#lastRead?.id !== id) {
      const row = this.#read.get(id);
      if (row === undefined) return undefined;
      this.#lastRead = runOf(row);
    }
    const { lane: runLane, keys } = this.#lastRead;
    if (runLane !== lane) return undefined;
    for (let at = keys.length - KEY_FIELDS; at >= 0; at -= KEY_FIELDS) {
      if (keys[at] === name && Number(keys[at + 2]) > now) return String(keys[at + 1]);
    }
    return undefined;
  }

  #note(run: Run): void {
    const { id, lane, keys } = run;
    for (let at = 0; at < keys.length; at += KEY_FIELDS) {
      const print = printOf(lane, keys[at] as string);
      const others = this.#runs.get(print);
      this.#runs.set(print, others === undefined ? id : [others, id].flat());
    }
    this.#size += countOf(run);
  }

  #forget(run: Run): void {
    const { id, lane, keys } = run;
    for (let at = 0; at < keys.length; at += KEY_FIELDS) {
      const print = printOf(lane, keys[at] as string);
      const others = [this.#runs.get(print) ?? []].flat().filter((other) => other !== id);
      if (others.length === 0) this.#runs.delete(print);
      else this.#runs.set(print, others);
    }
    this.#size = assertCount(this.#size - countOf(run), "remembered keys");
  }

  /** All runs, page by page. @param read the page behind a run's id */
  *#pages(
    read: (from: number) => readonly Record<string, SQLOutputValue>[],
    from: number,
  ): Generator<Run> {
    for (;;) {
      const page = read(from).map(runOf);
      yield* page;
      if (page.length < PAGE_RUNS) return;
      from = page.at(-1)!.id;
    }
  }
}

function runOf(row: unknown): Run {
  const [id, lane, keys] = row as readonly [number, number, string];
  return { id, lane, keys: JSON.parse(keys) };
}

function countOf({ keys }: Run): number {
  return keys.length / KEY_FIELDS;
}

function keysIn({ lane, keys }: Run): AddedKey[] {
  return Array.from({ length: keys.length / KEY_FIELDS }, (_, index) => {
    const [name, eventId, expiresAt] = keys.slice(index * KEY_FIELDS, (index + 1) * KEY_FIELDS);
    return { lane, name: String(name), eventId: String(eventId), expiresAt: Number(expiresAt) };
  });
}

/**
 * FNV-1a (draft-eastlake-fnv-17), folded to 30 bits: larger numbers would be objects of their own. Whoever makes keys
 * with the same print has them looked for in more than one run, and nothing else.
 */
function printOf(lane: number, name: string): number {
  let hash = 0x811c9dc5 ^ lane;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 30)) & 0x3fffffff;
}
