/** What is left of filters, conditions and choices when a gateway ends and the next one has another configuration. */

import { assertEquals, assertMatch } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { ProbeModule } from "../support/probe_module.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "a-token-for-this-test";

/** Where the journal is, as variables of the environment. */
interface JournalPlace extends AsyncDisposable {
  readonly variables: Readonly<Record<string, string>>;
}

const PLACES: Readonly<Record<string, () => Promise<JournalPlace>>> = {
  SQLite: async () => {
    const directory = await TempDir.create();
    return {
      variables: { DATA_DIR: directory.path },
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  },
  PostgreSQL: async () => {
    const database = await (await sharedPostgres()).createDatabase();
    return {
      variables: { JOURNAL: database.url, JOURNAL_BEAT_MS: "100" },
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
};

type Keys = Readonly<Record<string, unknown>>;

function step(label: string, more: Keys = {}): Keys {
  return { module: "probe", "module-config": { label }, ...more };
}

function hooks(webhooks: Readonly<Record<string, Keys>>): Readonly<Record<string, Keys>> {
  const retry = { initial_delay: 0.05, max_delay: 0.05 };
  const entries = Object.entries(webhooks).map(([id, keys]) => [id, { accept: "durable", retry, ...keys }]);
  return Object.fromEntries(entries);
}

const IS_SHOP = "query.shop == '7'";

/** Its filter fails on the event, one of its steps fails all the time, and one of its webhooks waits. */
const BEFORE = hooks({
  failing: { chain: [step("failing")], filter: `body.list[7] == 1 && ${IS_SHOP}` },
  retried: {
    chain: [step("skipped", { when: "body.n == 2" }), step("done"), step("flaky", { when: IS_SHOP })],
  },
  waiting: { chain: [step("a", { when: IS_SHOP }), step("b")] },
});

const AFTER = hooks({
  failing: { chain: [step("failing")], filter: `body.list[0] == 1 && ${IS_SHOP}` },
  retried: { chain: [step("skipped"), step("done"), step("flaky", { when: `body.n == 1 && ${IS_SHOP}` })] },
  waiting: {
    chain: [step("a", { when: "body.n == 2" }), step("b", { when: IS_SHOP }), step("c", { otherwise: true })],
    "chain-config": { route: "first" },
    payload: { drop: ["/list"] },
  },
});

async function start(probe: ProbeModule, webhooks: Keys, { variables }: JournalPlace): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks,
    modules: [probe.module],
    environment: { ADMIN_TOKEN, ...variables },
  });
}

async function admin(gateway: TestGateway, path: string, method = "GET") {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  return JSON.parse((await gateway.request(`/admin/${path}`, { method, headers })).text);
}

/** What each output has got, as `label text`, in any order. */
function taken(probe: ProbeModule): readonly string[] {
  return probe.events.map(({ label, text }) => `${label} ${text}`).toSorted();
}

const EVENT = '{"n":1,"list":[1]}';

for (const [name, create] of Object.entries(PLACES)) {
  Deno.test(`the next gateway goes on where conditions have left events, ${name}`, async () => {
    await using place = await create();
    const first = new ProbeModule();
    let failures = 0;
    first.behaviour = ({ config }) => {
      if (config.label !== "flaky") return "delivered";
      failures++;
      return new DeliveryError("output_failed", "Not now");
    };
    {
      await using gateway = await start(first, BEFORE, place);
      await admin(gateway, "stops/pause?webhook=default/waiting", "POST");
      for (const id of Object.keys(BEFORE)) {
        assertMatch((await gateway.post(`/webhook/${id}?shop=7&token=x`, EVENT)).text, /Event accepted/);
      }
      await eventually(async () => {
        const { dead_letters: letters } = await admin(gateway, "dead-letters");
        assertEquals(letters.map(({ reason }: { reason: string }) => reason), ["filter_failed"]);
      });
      // The second attempt comes after what the first one has left is stored.
      await eventually(() => assertEquals(failures > 1, true));
    }
    assertEquals(taken(first).filter((each) => !each.startsWith("flaky")), [`done ${EVENT}`]);

    const second = new ProbeModule();
    await using gateway = await start(second, AFTER, place);
    assertEquals((await admin(gateway, "dead-letters/replay?all=true", "POST")).replayed, 1);
    await admin(gateway, "stops/resume?webhook=default/waiting", "POST");
    await eventually(() => assertEquals(taken(second), ['b {"n":1}', `failing ${EVENT}`, `flaky ${EVENT}`]));
  });
}
