import { assertEquals, assertThrows } from "@std/assert";
import { EtcdPage } from "../../../../../src/config/etcd/wire/page.ts";
import { hashBytes } from "../../../../../src/config/etcd/wire/value.ts";
import { KeySpace } from "../../../../../src/config/etcd/wire/key_space.ts";
import { encodePage, page } from "../../../../support/etcd/page.ts";

const keySpace = new KeySpace("/cwm/");

Deno.test("a page reads names, revisions and values of its keys in their order", () => {
  const keys = [
    { key: "/cwm/a/webhooks/x", value: '{"module":"log"}', revision: 7 },
    { key: "/cwm/b/webhooks/y", value: "", revision: 2 ** 40 + 3 },
    { key: "/cwm/c/webhooks/z", value: "é\ud83d\ude00", revision: 300 },
  ];
  const read = page({ keys });
  assertEquals(read.size, 3);
  assertEquals(
    Array.from(read.keys(), (each) => [each.nameIn(keySpace), each.revision, each.readValue().text]),
    [["a/webhooks/x", 7, '{"module":"log"}'], ["b/webhooks/y", 2 ** 40 + 3, ""], [
      "c/webhooks/z",
      300,
      "é😀",
    ]],
  );
  assertEquals(read.last?.key.toString(), "/cwm/c/webhooks/z");
  assertEquals(Array.from(read.keys(1, 2), ({ revision }) => revision), [2 ** 40 + 3]);
});

Deno.test("a page reads a header whose cluster id needs all 64 bits", () => {
  const { header } = page({ keys: [], clusterId: 14841639068965178418n, revision: 42, term: 3 });
  assertEquals(header, { clusterId: "14841639068965178418", revision: 42, term: 3 });
});

Deno.test("a page without keys has no last one, and says whether more follow", () => {
  assertEquals([page({ keys: [] }).last, page({ keys: [] }).more, page({ keys: [], more: true }).more], [
    undefined,
    false,
    true,
  ]);
});

Deno.test("a value is hashed by its own bytes, wherever it stands in the page", () => {
  const [first, second] = page({
    keys: [{ key: "/cwm/a", value: "{}", revision: 1 }, { key: "/cwm/b", value: "{}", revision: 2 }],
  }).keys();
  const hash = hashBytes(new TextEncoder().encode("{}"));
  assertEquals([first?.hashValue(), second?.hashValue(), second?.readValue().hash], [hash, hash, hash]);
});

Deno.test("a value that is not UTF-8 has no text, and one that holds U+FFFD has", () => {
  const [invalid, valid] = page({
    keys: [
      { key: "/cwm/a", value: Uint8Array.of(0xff, 0x7b), revision: 1 },
      { key: "/cwm/b", value: "\ufffd", revision: 1 },
    ],
  }).keys();
  assertEquals([invalid?.readValue().text, valid?.readValue().text], [null, "\ufffd"]);
});

Deno.test("fields that a newer etcd may add are passed over", () => {
  const known = encodePage({ keys: [{ key: "/cwm/a", value: "{}", revision: 1 }], revision: 9 });
  // Field 100 of four kinds: a number, eight bytes, four bytes and text.
  const unknown = [0xa0, 6, 5, 0xa1, 6, 1, 2, 3, 4, 5, 6, 7, 8, 0xa2, 6, 1, 65, 0xa5, 6, 1, 2, 3, 4];
  const read = EtcdPage.decode(Uint8Array.of(...unknown, ...known, ...unknown));
  assertEquals([read.size, read.header.revision, read.last?.readValue().text], [1, 9, "{}"]);
});

Deno.test("an answer that is cut off is an error, not a shorter list", () => {
  const whole = encodePage({ keys: [{ key: "/cwm/a", value: "{}", revision: 1 }], revision: 9 });
  // Where a field ends, the rest is a whole answer: the transport sees to it that nothing is missing.
  const ends = new Set([whole.length, whole.length - 2, 4, 0]);
  for (let length = 0; length < whole.length; length++) {
    if (!ends.has(length)) assertThrows(() => EtcdPage.decode(whole.subarray(0, length)));
  }
});
