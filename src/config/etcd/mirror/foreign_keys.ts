/**
 * Keys below the prefix that are not keys of the gateway, for operators to see.
 *
 * @module
 */

import type { KeySpace } from "../wire/key_space.ts";
import type { ConfigSink } from "../../provider.ts";

/** Foreign keys that are shown one by one; the others are counted. */
const SHOWN = 100;

/**
 * The keys below the prefix that are not keys of the gateway. Some may be misspelt ones, so they are shown as
 * problems; someone may also keep a million other things there, so only some are.
 */
export class ForeignKeys {
  readonly #sink: ConfigSink;
  readonly #keySpace: KeySpace;
  readonly #shown = new Map<string, { revision: number; pass: number }>();
  /** Foreign keys that the list under way has met, and that are not shown. */
  #unshown = 0;
  #summary: string | undefined;

  constructor(sink: ConfigSink, keySpace: KeySpace) {
    this.#sink = sink;
    this.#keySpace = keySpace;
  }

  /** @param pass the list that met the key; 0 for an event of the watch */
  put(name: string, reason: string, revision: number, pass: number): void {
    const shown = this.#shown.get(name);
    if (shown === undefined && this.#shown.size >= SHOWN) {
      if (pass === 0) this.#summarize("More keys below the prefix are not keys of the gateway", revision);
      else this.#unshown++;
      return;
    }
    this.#shown.set(name, { revision, pass });
    if (shown?.revision === revision) return;
    const problem = { code: "foreign_key", path: "", message: reason } as const;
    this.#sink.reportSource(this.#keySpace.print(name), problem, String(revision));
  }

  delete(name: string, revision: number): void {
    if (!this.#shown.delete(name)) return;
    this.#sink.reportSource(this.#keySpace.print(name), undefined, String(revision));
  }

  /** A list begins to report the keys that exist. */
  beginPass(): void {
    this.#unshown = 0;
  }

  /** Clears those that the list has not met. */
  endPass(pass: number, revision: number): void {
    for (const [name, shown] of this.#shown) {
      if (shown.pass !== pass) this.delete(name, revision);
    }
    const count = this.#unshown;
    this.#summarize(
      count === 0 ? undefined : `${count} more keys below the prefix are not keys of the gateway`,
      revision,
    );
  }

  #summarize(message: string | undefined, revision: number): void {
    if (message === this.#summary) return;
    this.#summary = message;
    const problem = message === undefined ? undefined : { code: "foreign_key", path: "", message } as const;
    this.#sink.reportSource(`${this.#keySpace.prefix}*`, problem, String(revision));
  }
}
