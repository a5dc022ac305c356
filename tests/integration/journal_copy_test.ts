import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { copyJournal } from "../../src/cli/journal/copy.ts";
import { DeliveryError, StartupError } from "../../src/errors.ts";
import { openFileJournal, openJournal } from "../../src/gateway/backends.ts";
import type { JournalStore } from "../../src/journal/journal_store.ts";
import { loadSettings } from "../../src/settings/load.ts";
import type { Settings } from "../../src/settings/settings.ts";
import { assertSameEvent } from "../contracts/journal.ts";
import { eventually } from "../support/eventually.ts";
import { append } from "../support/journal/append.ts";
import { TestGateway } from "../support/gateway.ts";
import { ProbeModule } from "../support/probe_module.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const DIED_AT = 1_700_000_500_000;
const ADMIN_TOKEN = "an-admin-token-of-tests";
const FAILURE = { code: "output_rejected", message: "No", connection: "a" } as const;
const LATER = Date.now() + 3_600_000;

/** Settings with a file and a server, both empty. */
async function places(resources: AsyncDisposableStack): Promise<Settings> {
  const directory = resources.use(await TempDir.create());
  const database = resources.use(await (await sharedPostgres()).createDatabase());
  return loadSettings(
    {
      JOURNAL: database.url,
      DATA_DIR: directory.file("data"),
      JOURNAL_BEAT_MS: "100",
      JOURNAL_DEAD_MS: "2000",
      JOURNAL_DELIVERY_LIMIT_MS: "1500",
    },
    { logIsTerminal: false },
  );
}

const waiting = verifiedEvent({ receivedAt: 1_700_000_000_000, body: "first" });
const held = verifiedEvent({ receivedAt: 1_700_000_000_001, body: "second" });
const dead = verifiedEvent({ receivedAt: 1_700_000_000_002, webhook: "refunds", body: "third" });
const inChannel = verifiedEvent({ receivedAt: 1_700_000_000_003, webhook: "inbox", body: "fourth" });

/** One event in each state, a stopped webhook and a brought secret. */
async function fill(journal: JournalStore): Promise<void> {
  await append(journal, waiting, { claim: false });
  const later = await append(journal, held, { claim: true });
  if (!("sequence" in later)) throw new Error("The event is new");
  await journal.settle({ ...later, state: "attempt" });
  await journal.settle({ ...later, state: "attempt" });
  await journal.settle({ ...later, state: "retry", dueAt: LATER, failure: FAILURE, progress: "step 1" });
  const given = await append(journal, dead, { claim: true });
  if (!("sequence" in given)) throw new Error("The event is new");
  await journal.settle({ ...given, state: "attempt" });
  await journal.settle({ ...given, state: "dead", failure: FAILURE, progress: "step 2", diedAt: DIED_AT });
  await journal.channels.enqueue("inbox", inChannel, { ttlMs: 60_000, maxSize: 10 });
  await journal.stops.put({
    namespace: "default",
    webhook: "orders",
    state: "paused",
    since: 1_000,
    cause: "An operator",
  });
  await journal.handshakes.keep("default/orders", "s3cret", 2_000);
  await journal.handshakes.markShown("default/orders");
}

async function assertFilled(journal: JournalStore): Promise<void> {
  const order = { order: "oldest", limit: 100, contents: true } as const;
  const page = await journal.records.list({}, order);
  const records = page.records.toSorted((a, b) => a.receivedAt - b.receivedAt);
  assertEquals(
    records.map((
      { id, state, attempts, dueAt, failure, progress },
    ) => [id, state, attempts, dueAt, failure, progress]),
    [
      [waiting.id, "waiting", 0, undefined, undefined, undefined],
      [held.id, "waiting", 3, LATER, FAILURE, "step 1"],
      [dead.id, "dead_letter", 2, undefined, FAILURE, undefined],
      [inChannel.id, "in_channel", 0, undefined, undefined, undefined],
    ],
  );
  assertEquals(records[2]?.diedAt, DIED_AT);
  for (const [index, event] of [waiting, held, dead, inChannel].entries()) {
    assertSameEvent(records[index]!.event!, event);
  }
  assertEquals((await journal.deadLetters.get(dead.id))?.progress, "step 2");
  assertEquals((await journal.stops.list()).map(({ webhook, state }) => [webhook, state]), [[
    "orders",
    "paused",
  ]]);
  assertEquals(await journal.handshakes.find("default/orders"), {
    secret: "s3cret",
    takenAt: 2_000,
    isShown: true,
  });
}

const COPIED = "Copied: 2 pending events, 1 dead letters, 1 events of channels; 0 were there";

Deno.test("a journal goes from its file to PostgreSQL and back, with everything, and not twice", async () => {
  await using resources = new AsyncDisposableStack();
  const settings = await places(resources);
  const file = await openFileJournal(settings);
  await fill(file);
  await file[Symbol.asyncDispose]();

  assertEquals(await copyJournal("sqlite", settings), COPIED);
  assertStringIncludes(await copyJournal("sqlite", settings), "0 pending events, 0 dead letters");
  const shared = await openJournal(settings);
  await eventually(async () => assertEquals((await shared.lanes()).map(({ pending }) => pending), [2]));
  await assertFilled(shared);
  await shared[Symbol.asyncDispose]();

  const elsewhere = { ...settings, dataDir: resources.use(await TempDir.create()).file("data") };
  assertEquals(await copyJournal("postgres", elsewhere), COPIED);
  const back = await openFileJournal(elsewhere);
  await assertFilled(back);
  await back[Symbol.asyncDispose]();
});

Deno.test("while a gateway delivers what the source holds, its dead letters alone are copied", async () => {
  await using resources = new AsyncDisposableStack();
  const settings = await places(resources);
  const shared = await openJournal(settings);
  resources.use(shared);
  await fill(shared);
  const said = await copyJournal("postgres", settings);
  assertStringIncludes(said, "Copied: 0 pending events, 1 dead letters, 0 events of channels");
  assertStringIncludes(said, "since 1 gateways use the server: stop it, and run the command again");
  await using file = await openFileJournal(settings);
  assertEquals(
    (await file.records.list({}, { order: "oldest", limit: 10, contents: false })).records.map(({ id }) =>
      id
    ),
    [
      dead.id,
    ],
  );
});

Deno.test("while a gateway uses the file, its dead letters alone are copied, and it goes on", async () => {
  await using resources = new AsyncDisposableStack();
  const settings = await places(resources);
  const probe = new ProbeModule();
  probe.behaviour = ({ event }) =>
    new DeliveryError(event.webhook === "refunds" ? "output_rejected" : "output_unavailable", "No");
  const durable = { module: "probe", accept: "durable" };
  const environment = { DATA_DIR: settings.dataDir, ADMIN_TOKEN: ADMIN_TOKEN };
  const gateway = resources.use(
    await TestGateway.start({
      webhooks: { orders: durable, refunds: durable },
      modules: [probe.module],
      environment,
    }),
  );
  for (const webhook of ["orders", "refunds", "refunds"]) await gateway.post(`/webhook/${webhook}`, "{}");
  await eventually(async () => {
    const { text } = await gateway.request("/metrics");
    assertMatch(text, /^cwm_dead_letters 2$/m);
  });
  const asked = {
    ...settings,
    adminToken: ADMIN_TOKEN,
    host: "127.0.0.1",
    port: gateway.port,
  };
  const said = await copyJournal("sqlite", asked);
  assertStringIncludes(said, "Copied: 0 pending events, 2 dead letters, 0 events of channels; 0 were there");
  assertStringIncludes(said, "since a gateway uses ");
  assertEquals((await gateway.post("/webhook/refunds", "{}")).status, 200);
  await eventually(async () =>
    assertMatch((await gateway.request("/metrics")).text, /^cwm_dead_letters 3$/m)
  );
  assertStringIncludes(await copyJournal("sqlite", asked), "0 pending events, 1 dead letters");
  await gateway[Symbol.asyncDispose]();
  const rest = await copyJournal("sqlite", asked);
  assertStringIncludes(rest, "Copied: 1 pending events, 0 dead letters, 0 events of channels; 3 were there");
});

Deno.test("a journal is not copied from or to a place that is not there", async () => {
  await using directory = await TempDir.create();
  const settings = loadSettings({ DATA_DIR: directory.file("data") }, { logIsTerminal: false });
  const nothing = await assertRejects(() => copyJournal("sqlite", settings), StartupError);
  assertMatch(nothing.problems[0] ?? "", /^There is no journal in/);
  const unnamed = await assertRejects(() => copyJournal("postgres", settings), StartupError);
  assertMatch(unnamed.problems[0] ?? "", /^JOURNAL is not set/);
});
