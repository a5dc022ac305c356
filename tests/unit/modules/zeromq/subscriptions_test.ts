import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import type { Peer } from "../../../../src/modules/zeromq/peer.ts";
import { Subscriptions } from "../../../../src/modules/zeromq/subscriptions.ts";

/** The subscriptions of a peer, and what it sends. */
function subscribed(): { subscriptions: Subscriptions; hear(kind: 0 | 1, prefix: string): void } {
  const peer = { onMessage: (_frames: readonly Buffer[]) => {}, end: () => {} } as unknown as Peer;
  const subscriptions = new Subscriptions(peer);
  return {
    subscriptions,
    hear: (kind, prefix) => peer.onMessage([Buffer.concat([Buffer.of(kind), Buffer.from(prefix, "latin1")])]),
  };
}

Deno.test("a peer gets what begins as one of its subscriptions does, for as long as it has them", () => {
  const { subscriptions, hear } = subscribed();
  assert(!subscriptions.includes("orders"));
  for (const prefix of ["ord", "ord", "cus", "x".repeat(500), "\xff\x00"]) hear(1, prefix);
  assertEquals(
    ["orders", "ord", "or", "customers", Buffer.from("\xff\x00\x01", "latin1")].map((frame) =>
      subscriptions.includes(frame)
    ),
    [true, true, false, true, true],
  );
  hear(0, "ord");
  assert(subscriptions.includes("orders"), "it has subscribed to this twice");
  for (const prefix of ["ord", "x".repeat(500)]) hear(0, prefix);
  assertEquals(["orders", "x".repeat(600), "cus"].map((frame) => subscriptions.includes(frame)), [
    false,
    false,
    true,
  ]);
  hear(1, "");
  assert(subscriptions.includes("orders"));
});

Deno.test("a long subscription makes no message expensive for a publisher", () => {
  const { subscriptions, hear } = subscribed();
  for (const length of [10, 20, 900_000]) hear(1, "y".repeat(length));
  const body = Buffer.alloc(1_000_000, "x");
  // Looking at each length up to the longest would take minutes for one.
  for (let count = 0; count < 20; count++) assert(!subscriptions.includes(body));
});
