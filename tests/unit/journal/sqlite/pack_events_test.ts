import { assertEquals } from "@std/assert";
import { type PackedEvent, packEvents } from "../../../../src/journal/sqlite/protocol.ts";
import { packWithout, unpackEvents } from "../../../../src/journal/sqlite/worker/tables/pack_events.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

const EVENTS: readonly PackedEvent[] = [
  { receivedAt: 1, id: "a", headers: "[]", body: "text" },
  { receivedAt: 2, id: "b", headers: "[]", body: bytes(0xff, 0, 0xfe) },
  { receivedAt: 3, id: "c", headers: `[["x-name","Grüße 🎉"]]`, body: bytes() },
  { receivedAt: 4, id: "d", headers: "[]", body: "" },
  { receivedAt: 5, id: "e", headers: "[]", body: "\ufeffГруппа" },
  { receivedAt: 6, id: "f", headers: "[]", body: bytes(1, 2).subarray(1) },
];

/** Whatever stands beside it, and in whatever order. */
const GROUPS: readonly (readonly PackedEvent[])[] = [
  EVENTS,
  EVENTS.toReversed(),
  ...EVENTS.map((event) => [event]),
  EVENTS.filter(({ body }) => typeof body === "string"),
  EVENTS.filter(({ body }) => typeof body !== "string"),
];

Deno.test("events that were packed are the same when they are unpacked, texts as well as bytes", () => {
  for (const events of GROUPS) assertEquals(unpackEvents(packEvents(events)), events);
});

Deno.test("a pack without some of its events has all the others", () => {
  const pack = {
    lane: 0,
    claimed: true,
    count: EVENTS.length,
    receivedAt: 1,
    keys: [],
    ...packEvents(EVENTS),
  };
  for (const left of [[0], [1], [2, 4], [0, 1, 2, 3, 4]]) {
    const rest = packWithout(pack, new Set(left));
    const expected = EVENTS.filter((_, index) => !left.includes(index));
    assertEquals([rest.count, unpackEvents(rest)], [expected.length, expected]);
  }
});

Deno.test("a body of bytes that is taken out of a pack keeps none of the others in memory", () => {
  const [, { body } = EVENTS[0]!] = unpackEvents(packEvents(EVENTS));
  assertEquals((body as Uint8Array).buffer.byteLength, 3);
});
