/** That a change which affects very many webhooks is applied in steps, between which everything else runs. */

import { assert, assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { BlockedWebhook } from "../../../src/config/entry.ts";
import { ConfigManager } from "../../../src/config/manager.ts";
import type { ConfigChange } from "../../../src/config/provider.ts";
import { CLOSED_LEASE } from "../../../src/delivery/outputs/output_pool.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { breathe } from "../../../src/time/pace.ts";
import { STEPS_AT_A_TIME } from "../../../src/config/stepped_work.ts";

const WEBHOOKS = 5 * STEPS_AT_A_TIME;

/** A manager, and how many webhooks it puts into service at a time. */
class World implements AsyncDisposable {
  readonly #served = new Set<string>();
  readonly manager = new ConfigManager({
    outputs: { acquire: () => CLOSED_LEASE },
    compile: { environment: {}, modules: outputModules },
    logger: getLogger(["cwm", "test"]),
    inspects: false,
    onChange: (path) => void this.#served.add(path),
  });
  #revision = 0;

  webhook(id: string, json: unknown): ConfigChange {
    return { key: { kind: "webhook", namespace: "team", id }, value: { json }, revision: this.#next() };
  }

  webhooks(json: unknown): ConfigChange[] {
    return Array.from({ length: WEBHOOKS }, (_, index) => this.webhook(`hook-${index}`, json));
  }

  connection(json: unknown): ConfigChange {
    return { key: { kind: "connection", name: "events" }, value: { json }, revision: this.#next() };
  }

  /** Applies a change, and returns how many webhooks were served at once and at most in one turn, and all of them. */
  async apply(
    ...changes: ConfigChange[]
  ): Promise<readonly [atOnce: number, mostInATurn: number, all: number]> {
    this.#served.clear();
    this.manager.apply(changes);
    const atOnce = this.#served.size;
    let [isOver, most, before] = [false, 0, atOnce];
    const settled = this.manager.settled().then(() => isOver = true);
    while (!isOver) {
      await breathe();
      most = Math.max(most, this.#served.size - before);
      before = this.#served.size;
    }
    await settled;
    return [atOnce, most, this.#served.size];
  }

  /** How many webhooks take no requests. */
  get blocked(): number {
    return [...this.manager.catalog.entries()].filter((entry) => entry instanceof BlockedWebhook).length;
  }

  #next(): string {
    return String(++this.#revision);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.manager.close();
  }
}

const clickHouse = (host: string) => ({ type: "clickhouse", host, database: "events" });
const rows = { module: "clickhouse", connection: "events", "module-config": { table: "events" } };
const channel = (token: string) => ({
  module: "webhook_connect",
  "module-config": { channel: "inbox", channel_token: token },
});

Deno.test("a connection of very many webhooks changes, comes and goes in steps", async () => {
  await using world = new World();
  world.manager.apply(world.webhooks(rows));
  assertEquals(world.blocked, WEBHOOKS);
  const changes = [world.connection(clickHouse("one")), world.connection(clickHouse("two"))];
  const removal: ConfigChange = { key: { kind: "connection", name: "events" }, revision: "9", deleted: true };
  for (const [change, blocked] of [[changes[0]!, 0], [changes[1]!, 0], [removal, WEBHOOKS]] as const) {
    const [atOnce, most, all] = await world.apply(change);
    assertEquals([atOnce, all, world.blocked], [STEPS_AT_A_TIME, WEBHOOKS, blocked]);
    assert(most <= 2 * STEPS_AT_A_TIME, `${most} webhooks in a turn`);
  }
  assertEquals(world.manager.catalog.counts(0).invalid, WEBHOOKS);
});

Deno.test("webhooks that come with their connection are served with it at once, however many", async () => {
  await using world = new World();
  const [atOnce, , all] = await world.apply(...world.webhooks(rows), world.connection(clickHouse("one")));
  assertEquals([atOnce, all, world.blocked], [WEBHOOKS, WEBHOOKS, 0]);
});

Deno.test("the owner of a channel changes its token at once, and very many webhooks follow in steps", async () => {
  await using world = new World();
  world.manager.apply([world.webhook("owner", channel("one")), ...world.webhooks(channel("one"))]);
  assertEquals(world.blocked, 0);
  const [atOnce, most, all] = await world.apply(world.webhook("owner", channel("two")));
  assertEquals([all, world.blocked], [WEBHOOKS + 1, WEBHOOKS]);
  assert(atOnce <= 1 + STEPS_AT_A_TIME, `${atOnce} webhooks at once`);
  assert(most <= 2 * STEPS_AT_A_TIME, `${most} webhooks in a turn`);
});

Deno.test("a webhook is kept out of others' channel while very many of its webhooks are yet to follow", async () => {
  await using world = new World();
  world.manager.apply([world.webhook("owner", channel("one")), ...world.webhooks(channel("one"))]);
  world.manager.apply([world.webhook("owner", channel("two"))]);
  world.manager.apply([world.webhook("stranger", channel("three")), world.webhook("friend", channel("two"))]);
  assert(world.manager.find("team/stranger") instanceof BlockedWebhook);
  assertEquals(world.manager.find("team/friend") instanceof BlockedWebhook, false);
  await world.manager.settled();
  assertEquals(world.blocked, WEBHOOKS + 1);
});
