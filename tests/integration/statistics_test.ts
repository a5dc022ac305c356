import { assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { Statistics } from "../../src/http/statistics/statistics.ts";
import type { KeptValues } from "../../src/records/kept_values.ts";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { openJournal } from "../support/journal/sqlite_journal.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const WEBHOOKS = {
  orders: { module: "log" },
  durable: { module: "log", accept: "durable" },
  guarded: { module: "log", authorization: "Bearer of-the-sender" },
};

type Figures = Readonly<Record<string, Readonly<Record<string, number>>>>;

async function figures(gateway: TestGateway, token = `Bearer ${ADMIN_TOKEN}`): Promise<Figures> {
  const { text } = await gateway.request("/stats", { headers: { authorization: token } });
  return JSON.parse(text);
}

/** What a webhook shows that has accepted so many requests just now. */
function fresh(count: number): Readonly<Record<string, number>> {
  const names = ["minute", "5_minutes", "15_minutes", "30_minutes", "hour", "day", "week", "month"];
  return { total: count, ...Object.fromEntries(names.map((name) => [name, count])) };
}

async function startGateway(environment: Readonly<Record<string, string>>): Promise<TestGateway> {
  return await TestGateway.start({ webhooks: WEBHOOKS, environment: { ADMIN_TOKEN, ...environment } });
}

Deno.test("GET /stats counts accepted requests in the windows of the Python service", async () => {
  await using gateway = await startGateway({ STATS_AUTH_TOKEN: "a-token-for-dashboards" });
  for (let n = 0; n < 3; n++) await gateway.post("/webhook/orders", "{}");
  await gateway.post("/webhook/orders", "no JSON");
  await gateway.post("/webhook/guarded", "{}");
  await gateway.post("/webhook/missing", "{}");
  for (const token of [`Bearer ${ADMIN_TOKEN}`, "Bearer a-token-for-dashboards", "a-token-for-dashboards"]) {
    assertEquals(await figures(gateway, token), { orders: fresh(3) });
  }
  for (const headers of [{}, { authorization: "Bearer of-nobody-at-all" }]) {
    const answer = await gateway.request("/stats", { headers });
    assertEquals([answer.status, errorCode(answer)], [401, "unauthorized"]);
  }
  await gateway.writeWebhooks({ guarded: WEBHOOKS.guarded });
  await gateway.reload();
  assertEquals(await figures(gateway), {}, "A webhook that was removed has no figures");
});

Deno.test("/stats is closed without a token, and not there where it is switched off", async () => {
  await using closed = await startGateway({ ADMIN_TOKEN: "" });
  const answer = await closed.request("/stats");
  assertEquals([answer.status, errorCode(answer)], [403, "forbidden"]);
  await using off = await startGateway({ STATS: "off" });
  assertEquals((await off.request("/stats")).status, 404);
});

Deno.test("figures survive a restart with the journal, which STATS=kept begins for them", async () => {
  for (const [webhook, environment] of [["durable", {}], ["orders", { STATS: "kept" }]] as const) {
    await using directory = await TempDir.create();
    const settings = { DATA_DIR: directory.file("data"), ...environment };
    {
      await using gateway = await startGateway(settings);
      await gateway.post(`/webhook/${webhook}`, "{}");
    }
    await using gateway = await startGateway(settings);
    await gateway.post(`/webhook/${webhook}`, "{}");
    assertEquals((await figures(gateway))[webhook], fresh(2));
  }
});

Deno.test("gateways that share a journal show the figures of all, also of those that have ended", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const settings = { JOURNAL: database.url };
  {
    await using first = await startGateway(settings);
    await first.post("/webhook/orders", "{}");
  }
  await using second = await startGateway(settings);
  await second.post("/webhook/orders", "{}");
  await second.post("/webhook/durable", "{}");
  assertEquals(await figures(second), { durable: fresh(1), orders: fresh(2) });
});

Deno.test("figures of 1,000 webhooks are kept, and rows of removed ones go to others", async () => {
  await using directory = await TempDir.create();
  await using journal = await openJournal(directory.file("journal"));
  let now = Date.UTC(2026, 0, 1);
  const configured = new Set(Array.from({ length: 1000 }, (_, index) => `default/w${index}`));
  const open = (values: KeptValues) =>
    new Statistics({
      values,
      instance: "own",
      makesStore: true,
      isConfigured: (path) => configured.has(path),
      logger: getLogger(["cwm", "test", "http"]),
      now: () => now,
    });
  {
    await using first = open(journal.keptValues);
    await first.begin();
    for (const path of configured) first.note(first.of(path));
  }
  for (let index = 0; index < 500; index++) configured.delete(`default/w${index}`);
  configured.add("default/later");
  now += 40 * 24 * 3600 * 1000;
  await using second = open(journal.keptValues);
  await second.begin();
  second.note(second.of("default/later"));
  second.note(second.of("default/removed"));
  const all = await second.figures();
  assertEquals(all.size, 501);
  assertEquals([all.get("default/later")?.total, all.get("default/w500")?.total], [1, 1]);
  assertEquals([all.get("default/later")?.month, all.get("default/w500")?.month], [1, 0]);
});
