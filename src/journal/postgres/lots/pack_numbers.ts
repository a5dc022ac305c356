import type { PostgresClient } from "../../../io/postgres/client.ts";
import { prepared } from "../../../io/postgres/statement.ts";

/** As many as the sequence goes on by. */
const BLOCK = 1_000;

const NEXT = prepared("select nextval('cwm.pack_block')::float8 as first");

/** Numbers of packs, of which no other gateway has any. They grow. */
export class PackNumbers {
  #next = 0;
  #end = 0;

  /** Makes sure that there are so many. */
  async reserve(client: PostgresClient, count: number): Promise<void> {
    if (this.#end - this.#next >= count) return;
    if (count > BLOCK) throw new RangeError(`${count} packs are more than a block of numbers`);
    const { rows: [row] } = await client.query<{ readonly first: number }>(NEXT);
    this.#next = row!.first;
    this.#end = this.#next + BLOCK;
  }

  next(): number {
    if (this.#next >= this.#end) throw new RangeError("No number of a pack was reserved");
    return this.#next++;
  }
}
