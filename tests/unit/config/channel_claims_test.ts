/** Whose a channel is, whatever the order in which webhooks are listed. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ChannelOwners } from "../../../src/config/channel_owners.ts";
import type { CompiledStep } from "../../../src/config/compile/delivery_compiler.ts";
import { webhookConnectModule } from "../../../src/modules/webhook_connect/webhook_connect.ts";

/** The outputs of a webhook that puts its events into the channel `inbox`. */
function steps(...tokens: string[]): readonly CompiledStep[] {
  const moduleConfig = webhookConnectModule.configSchema.parse({ channel: "inbox", channel_token: tokens });
  return [{ module: webhookConnectModule, moduleConfig } as unknown as CompiledStep];
}

interface Named {
  readonly path: string;
  readonly tokens: readonly string[];
  readonly created: number;
}

const webhooks = fc.array(
  fc.record({
    tokens: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 2 }),
  }),
  { minLength: 1, maxLength: 6 },
).map((all) =>
  all.map(({ tokens }, index): Named => ({ path: `team/w${index}`, tokens, created: index + 10 }))
);

function refused(owners: ChannelOwners, all: readonly Named[]): string[] {
  return all.map(({ path }) => path).filter((path) => owners.refusedChannel(path) !== undefined).sort();
}

Deno.test("whose a channel is depends on when webhooks were made, not on the order of a list", () => {
  fc.assert(fc.property(
    webhooks,
    fc.infiniteStream(fc.nat()),
    fc.array(fc.nat(2)),
    (made, random, decideAt) => {
      const inOrder = new ChannelOwners();
      for (const { path, tokens, created } of made) inOrder.set(path, steps(...tokens), "1", created);
      inOrder.decide();
      const listed = made.map((named) => ({ named, at: random.next().value as number }))
        .sort((left, right) => left.at - right.at).map(({ named }) => named);
      const owners = new ChannelOwners();
      // One that is made before all others comes and goes, and decisions fall in between.
      owners.set("team/first", steps("c"), "1", 1);
      for (const [index, { path, tokens, created }] of listed.entries()) {
        owners.set(path, steps("a", "b"), "1", created);
        if (decideAt[index] === 1) owners.decide();
        owners.set(path, steps(...tokens), "2");
        if (decideAt[index] === 2) owners.decide();
      }
      owners.set("team/first", [], "");
      owners.decide();
      assertEquals(refused(owners, made), refused(inOrder, made));
    },
  ));
});

Deno.test("those who are affected by a decision are named with the revisions of their values", () => {
  const owners = new ChannelOwners();
  owners.set("attacker/squat", steps("theirs"), "7", 9);
  assertEquals([[...owners.decide()], owners.refusedChannel("attacker/squat")], [[], undefined]);
  owners.set("shop/orders", steps("ours"), "5", 3);
  assertEquals([...owners.decide()], [{ path: "attacker/squat", revision: "7" }]);
  assertEquals([owners.refusedChannel("attacker/squat"), owners.refusedChannel("shop/orders")], [
    "inbox",
    undefined,
  ]);
  owners.set("shop/orders", [], "");
  assertEquals([...owners.decide()], [{ path: "attacker/squat", revision: "7" }]);
  assertEquals(owners.refusedChannel("attacker/squat"), undefined);
});
