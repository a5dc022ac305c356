/**
 * What is remembered of each key, compact enough for a quarter of a million of them.
 *
 * @module
 */

import type { FormerValue, SnapshotKey } from "../../snapshot/file.ts";

/** What is remembered of one key besides its name. */
export interface KeyState {
  /** etcd's mod_revision. */
  readonly revision: number;
  /** etcd's create_revision; 0 where it is not known. Only kept by a table that keeps texts. */
  readonly created: number;
  /** `hashBytes` of the value. */
  readonly hash: number;
  /** The value's text; `null` when it is not UTF-8. Only kept by a table that keeps texts. */
  readonly text: string | null;
}

/** All keys of a table that keeps texts, at one moment. */
export class TableCopy {
  constructor(
    readonly length: number,
    /** `undefined` where there is no key. The columns run in parallel. */
    private readonly names: readonly (string | undefined)[],
    private readonly revisions: Float64Array,
    private readonly texts: readonly (string | null)[],
    private readonly created: readonly number[],
    /** The values in service of keys whose newest one is not. */
    private readonly formers: ReadonlyMap<string, FormerValue>,
  ) {}

  *[Symbol.iterator](): Generator<SnapshotKey, void> {
    for (const [slot, name] of this.names.entries()) {
      if (name === undefined) continue;
      const row = [name, this.revisions[slot]!, this.texts[slot]!, this.created[slot]!] as const;
      const former = this.formers.get(name);
      yield former === undefined ? row : [...row, former];
    }
  }
}

const FIRST_SLOTS = 1_024;

/**
 * The keys by name, in columns: of a quarter of a million keys, an object for each would cost three times
 * the memory, and the garbage collector would visit every one of them again and again.
 */
export class KeyTable {
  readonly #slots = new Map<string, number>();
  readonly #freeSlots: number[] = [];
  /** How many slots have ever been used. */
  #used = 0;
  /** 0 in a free slot. */
  #revisions = new Float64Array(FIRST_SLOTS);
  #hashes = new Float64Array(FIRST_SLOTS);
  /** The last list that has met the key; 0 when none has. */
  #passes = new Uint32Array(FIRST_SLOTS);
  readonly #kept: {
    readonly names: (string | undefined)[];
    readonly texts: (string | null)[];
    readonly created: number[];
  } | undefined;

  /** @param keepTexts whether the values' texts are kept, for {@linkcode copy} */
  constructor(keepTexts: boolean) {
    this.#kept = keepTexts ? { names: [], texts: [], created: [] } : undefined;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Where the key stands, for as long as it is not deleted. */
  find(name: string): number | undefined {
    return this.#slots.get(name);
  }

  has(name: string): boolean {
    return this.#slots.has(name);
  }

  revisionAt(slot: number): number {
    return this.#revisions[slot]!;
  }

  hashAt(slot: number): number {
    return this.#hashes[slot]!;
  }

  /** The key's value stands at another revision. */
  setRevision(slot: number, revision: number): void {
    this.#revisions[slot] = revision;
  }

  /** The list of this number has met the key. */
  meet(slot: number, pass: number): void {
    this.#passes[slot] = pass;
  }

  /** Sets a new or a known key. @param pass the list that it comes from; 0 when from none */
  set(name: string, { revision, created, hash, text }: KeyState, pass: number): void {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = this.#freeSlots.pop() ?? this.#used++;
      if (slot === this.#revisions.length) this.#grow();
      this.#slots.set(name, slot);
      this.#passes[slot] = 0;
      if (this.#kept !== undefined) this.#kept.names[slot] = name;
    }
    this.#revisions[slot] = revision;
    this.#hashes[slot] = hash;
    if (pass !== 0) this.#passes[slot] = pass;
    if (this.#kept === undefined) return;
    this.#kept.texts[slot] = text;
    this.#kept.created[slot] = created;
  }

  delete(name: string): void {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    this.#freeSlots.push(slot);
    this.#revisions[slot] = 0;
    if (this.#kept === undefined) return;
    this.#kept.names[slot] = undefined;
    this.#kept.texts[slot] = null;
  }

  /** The names of the keys that the list of this number has not met. */
  unmet(pass: number): string[] {
    // Looking through the column takes a fraction of a millisecond, and nearly always finds nothing.
    if (!this.#hasUnmet(pass)) return [];
    const unmet: string[] = [];
    for (const [name, slot] of this.#slots) if (this.#passes[slot] !== pass) unmet.push(name);
    return unmet;
  }

  /** Whether a key's value is not the first one since the key was made, as far as that is kept. */
  wasChanged(name: string): boolean {
    const slot = this.#slots.get(name);
    if (slot === undefined || this.#kept === undefined) return false;
    const created = this.#kept.created[slot]!;
    return created > 0 && created < this.#revisions[slot]!;
  }

  /** Revision and text of a key; `undefined` where there is none, or no texts are kept. */
  valueOf(name: string): readonly [revision: number, text: string | null] | undefined {
    const slot = this.#slots.get(name);
    if (slot === undefined || this.#kept === undefined) return undefined;
    return [this.#revisions[slot]!, this.#kept.texts[slot]!];
  }

  /**
   * A copy at the cost of copying the columns: no key is looked at. Empty in a table that keeps no texts.
   *
   * @param formers values that were in service before those of the table. @default none
   */
  copy(formers: ReadonlyMap<string, FormerValue> = new Map()): TableCopy {
    if (this.#kept === undefined) return new TableCopy(0, [], new Float64Array(0), [], [], formers);
    const { names, texts, created } = this.#kept;
    const revisions = this.#revisions.slice(0, this.#used);
    return new TableCopy(this.size, names.slice(), revisions, texts.slice(), created.slice(), formers);
  }

  #hasUnmet(pass: number): boolean {
    for (let slot = 0; slot < this.#used; slot++) {
      if (this.#revisions[slot] !== 0 && this.#passes[slot] !== pass) return true;
    }
    return false;
  }

  #grow(): void {
    const size = 2 * this.#revisions.length;
    this.#revisions = enlarged(this.#revisions, new Float64Array(size));
    this.#hashes = enlarged(this.#hashes, new Float64Array(size));
    this.#passes = enlarged(this.#passes, new Uint32Array(size));
  }
}

function enlarged<Column extends Float64Array | Uint32Array>(column: Column, larger: Column): Column {
  larger.set(column);
  return larger;
}
