import { assertEquals } from "@std/assert";
import { describeKey, parseConfigKey } from "../../../src/event/names.ts";
import type { EtcdGateway } from "./gateway.ts";
import type { RecordingSink } from "../recording_sink.ts";

/** @throws {Error} unless the sink holds exactly what etcd holds below the prefix, key by key */
export async function assertInStep(sink: RecordingSink, etcd: EtcdGateway, prefix: string): Promise<void> {
  const expected = new Map<string, unknown>();
  for (const [key, { value }] of await etcd.read(prefix)) {
    const parsed = parseConfigKey(key.slice(prefix.length));
    if (typeof parsed !== "string") expected.set(describeKey(parsed), JSON.parse(value));
  }
  assertEquals(sink.keys, [...expected.keys()].sort());
  for (const key of sink.keys) assertEquals(sink.json(key), expected.get(key), key);
}

/** The revisions that were reported for a key, in order. */
export function revisionsOf(sink: RecordingSink, key: string): number[] {
  return sink.batches.flat()
    .filter((change) => describeKey(change.key) === key)
    .map(({ revision }) => Number(revision));
}

/**
 * What a watch promises of order: no key goes back in history or is reported twice at one revision.
 *
 * @throws {Error} that names the key
 */
export function assertOrderedAndUnique(sink: RecordingSink): void {
  const newest = new Map<string, number>();
  for (const { key, revision } of sink.batches.flat()) {
    const name = describeKey(key);
    const before = newest.get(name) ?? 0;
    if (Number(revision) <= before) throw new Error(`${name} was reported at ${revision} after ${before}`);
    newest.set(name, Number(revision));
  }
}
