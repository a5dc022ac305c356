import { assert } from "@std/assert";
import { verifierKinds } from "../../../src/auth/registry.ts";
import { sendersOf } from "../../contracts/sender.ts";
import { testSenderProperties } from "../../contracts/sender_properties.ts";
import { verifierWorld } from "../../worlds/worlds.ts";

for (const kind of verifierKinds) {
  const senders = sendersOf(kind, await verifierWorld(kind.key));
  Deno.test(`${kind.key} has a sender whose requests pass`, () => assert(senders.length > 0));
  for (const sender of senders) testSenderProperties(kind.key, sender);
}
