import { Buffer } from "node:buffer";
import { assertEquals } from "@std/assert";
import { Difference, isMassDelete } from "../../../../../src/config/etcd/list/difference.ts";
import { hashBytes } from "../../../../../src/config/etcd/wire/value.ts";
import { KeySpace } from "../../../../../src/config/etcd/wire/key_space.ts";
import { EtcdMirror } from "../../../../../src/config/etcd/mirror/mirror.ts";
import type { EtcdKeyValue } from "../../../../../src/config/etcd/wire/fields.ts";
import { page } from "../../../../support/etcd/page.ts";
import { RecordingSink } from "../../../../support/recording_sink.ts";

/** Webhooks in the default namespace, as a list has them. */
function listed(
  webhooks: Readonly<Record<string, readonly [revision: number, value: string]>>,
): Iterable<EtcdKeyValue> {
  const keys = Object.entries(webhooks).map(([id, [revision, value]]) => {
    return { key: `/cwm/default/webhooks/${id}`, value, revision };
  });
  return page({ keys }).keys();
}

function mirrorOf(
  webhooks: Readonly<Record<string, readonly [revision: number, value: string]>>,
): EtcdMirror {
  const mirror = new EtcdMirror({
    sink: new RecordingSink(),
    keySpace: new KeySpace("/cwm/"),
    keepTexts: false,
  });
  const difference = new Difference(mirror, true);
  difference.compare(listed(webhooks));
  mirror.apply(difference.takePuts(), difference.pass);
  return mirror;
}

/** What a list of these webhooks would change, as `put {id} {revision}` and `delete {id}`. */
function changes(
  mirror: EtcdMirror,
  trustRevisions: boolean,
  now: Readonly<Record<string, readonly [revision: number, value: string]>>,
): string[] {
  const difference = new Difference(mirror, trustRevisions);
  difference.compare(listed(now));
  const idOf = (name: string) => name.replace("default/webhooks/", "");
  return [
    ...difference.takePuts().map(({ name, revision }) => `put ${idOf(name)} ${revision}`),
    ...difference.deletes().map((name) => `delete ${idOf(name)}`),
  ];
}

Deno.test("a difference names new, changed and deleted keys and no others", () => {
  const mirror = mirrorOf({ same: [1, "{}"], changed: [2, "{}"], gone: [3, "{}"] });
  assertEquals(changes(mirror, true, { same: [1, "{}"], changed: [4, '{"a":1}'], added: [5, "{}"] }), [
    "put changed 4",
    "put added 5",
    "delete gone",
  ]);
});

Deno.test("a difference within one history goes by revisions, also where the value is the same", () => {
  assertEquals(changes(mirrorOf({ a: [1, "{}"] }), true, { a: [2, "{}"] }), ["put a 2"]);
});

Deno.test("a difference between two histories goes by values, whatever the revisions are", () => {
  const mirror = mirrorOf({ same: [5, "{}"], changed: [6, "{}"] });
  assertEquals(changes(mirror, false, { same: [2, "{}"], changed: [6, '{"a":1}'] }), ["put changed 6"]);
  assertEquals(mirror.keys.revisionAt(mirror.keys.find("default/webhooks/same")!), 2);
});

Deno.test("a difference finds a changed value behind an unchanged revision", () => {
  assertEquals(changes(mirrorOf({ a: [1, "{}"] }), true, { a: [1, '{"a":1}'] }), ["put a 1"]);
});

Deno.test("a deletion of most keys is suspicious, except in a small catalog", () => {
  assertEquals([isMassDelete(20, 10), isMassDelete(20, 11), isMassDelete(19, 19), isMassDelete(0, 0)], [
    false,
    true,
    false,
    false,
  ]);
});

Deno.test("a hash tells values apart that differ in one bit, in length or in order", () => {
  const texts = ["", "a", "b", "ab", "ba", "aa", "aaa", "\0", "\0\0", "{}", "{} ", '{"a":1}', '{"a":2}'];
  const hashes = texts.map((text) => hashBytes(Buffer.from(text)));
  assertEquals(new Set(hashes).size, texts.length);
  for (const hash of hashes) assertEquals(Number.isSafeInteger(hash), true);
  assertEquals(hashBytes(Buffer.from("{}")), hashBytes(Buffer.from("{}")));
});
