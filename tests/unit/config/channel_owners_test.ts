/** That a channel is its first webhook's, seen at the public door. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { TestGateway } from "../../support/gateway.ts";

const ADMIN_TOKEN = "admin-token-of-channels";

const channel = (token: string | readonly string[]) => ({
  module: "webhook_connect",
  "module-config": { channel: "inbox", channel_token: token },
});

class World implements AsyncDisposable {
  constructor(readonly gateway: TestGateway) {}

  static async start(webhooks: Readonly<Record<string, unknown>>): Promise<World> {
    return new World(await TestGateway.start({ webhooks, environment: { ADMIN_TOKEN } }));
  }

  /** What a connector with the token is answered. */
  async connector(token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}`, "cwm-relay-protocol": "1" };
    return (await this.gateway.request("/connect/status/inbox", { headers })).status;
  }

  async sender(webhook: string): Promise<number> {
    return (await this.gateway.post(`/webhook/${webhook}`, "{}")).status;
  }

  async problems(): Promise<string[]> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const { text } = await this.gateway.request("/admin/config", { headers });
    const { problems } = JSON.parse(text) as { problems: { key: string; code: string }[] };
    return problems.map(({ key, code }) => `${key}: ${code}`);
  }

  async configure(webhooks: Readonly<Record<string, unknown>>): Promise<void> {
    await this.gateway.writeWebhooks(webhooks);
    await this.gateway.reload();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.gateway[Symbol.asyncDispose]();
  }
}

Deno.test("a webhook that names others' channel without their token is a problem, and disturbs nobody", async () => {
  const owners = { orders: channel("owner-token"), refunds: channel(["owner-token", "next-token"]) };
  await using world = await World.start(owners);
  const attacker = { ...channel("attacker-token"), accept: "durable" };
  await world.configure({ attacker, ...owners });
  assertEquals(await world.problems(), ["webhook default/attacker: channel_taken"]);
  assertEquals([await world.connector("owner-token"), await world.connector("attacker-token")], [200, 401]);
  const answers = await Promise.all(["orders", "refunds", "attacker"].map((id) => world.sender(id)));
  assertEquals(answers, [200, 200, 503]);
});

Deno.test("a webhook gets into a channel once it has a token in common, and out when it has none", async () => {
  await using world = await World.start({ orders: channel("one"), refunds: channel("two") });
  assertEquals(await world.sender("refunds"), 503);
  await world.configure({ orders: channel(["one", "two"]), refunds: channel("two") });
  assertEquals([await world.problems(), await world.sender("refunds")], [[], 200]);
  assertEquals([await world.connector("two"), await world.connector("one")], [200, 401]);
  await world.configure({ orders: channel("three"), refunds: channel("two") });
  assertEquals(await world.problems(), ["webhook default/refunds: channel_taken"]);
  assertEquals([await world.connector("three"), await world.connector("two")], [200, 401]);
  await world.configure({ refunds: channel("two") });
  assertEquals([await world.problems(), await world.connector("two")], [[], 200]);
});

Deno.test("all webhooks of a channel may change to another token at once", async () => {
  await using world = await World.start({ orders: channel("old"), refunds: channel("old") });
  await world.configure({ orders: channel("new"), refunds: channel("new") });
  await eventually(async () => assertEquals(await world.problems(), []));
  assertEquals([await world.sender("orders"), await world.sender("refunds")], [200, 200]);
  assertEquals([await world.connector("new"), await world.connector("old")], [200, 401]);
});

Deno.test("a problem with a channel says what to do, and shows no token", async () => {
  await using world = await World.start({ orders: channel("one-token"), refunds: channel("two-token") });
  const { text } = await world.gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  assertStringIncludes(text, "Channel 'inbox' belongs to webhooks with other tokens");
  assertEquals(/(one|two)-token/.test(text), false);
});
