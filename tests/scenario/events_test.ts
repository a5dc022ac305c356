import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordRow } from "../../src/records/view.ts";
import { eventually } from "../support/eventually.ts";
import { HttpTarget } from "../support/http/target.ts";
import { append } from "../support/journal/append.ts";
import { openJournal } from "../support/journal/sqlite_journal.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const RETENTION = { JOURNAL_RETENTION_MS: "3600000" };
const HEADERS = {
  "content-type": "application/json",
  "authorization": "Bearer a-secret-of-the-sender",
  "x-hub-signature-256": "sha256=a-signature",
  "x-github-event": "push",
};

interface Ended {
  readonly status: number;
  readonly stdout: readonly string[];
  readonly stderr: string;
}

/** `cwm events`, in a directory whose `data` is the data directory. */
function start(directory: TempDir, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnProgram({
    args: ["events", ...args],
    cwd: directory.path,
    env: { DATA_DIR: directory.file("data"), ...RETENTION, ...env },
  });
}

async function ended(program: ReturnType<typeof start>): Promise<Ended> {
  const { code } = await program.exited;
  const printed = (stream: string) =>
    program.lines.filter((line) => line.stream === stream).map(({ text }) => text);
  return { status: code, stdout: printed("stdout"), stderr: printed("stderr").join("\n") };
}

async function run(...given: Parameters<typeof start>): Promise<Ended> {
  await using program = start(...given);
  return await ended(program);
}

/** Puts delivered events into the journal of `data`, and one that waits. Returns the ids of the delivered ones. */
async function deliver(directory: TempDir, count: number): Promise<string[]> {
  await using journal = await openJournal(directory.file("data", "journal"), { retentionMs: 3_600_000 });
  const events = Array.from(
    { length: count },
    (_, number) => verifiedEvent({ headers: HEADERS, body: `{"number":${number}}` }),
  );
  for (const event of events) {
    const appended = await append(journal, event, { claim: true });
    assert("sequence" in appended);
    await journal.settle({ sequence: appended.sequence, state: "delivered" });
  }
  await append(journal, verifiedEvent({ webhook: "waits", body: new Uint8Array([0xff]) }), { claim: false });
  return events.map(({ id }) => id);
}

Deno.test("events are exported as lines of JSON without credentials, and go on at a cursor", async () => {
  await using directory = await TempDir.create();
  const ids = await deliver(directory, 3);
  const all = await run(directory, ["export"]);
  assertEquals([all.status, all.stderr], [0, "4 events exported"]);
  const rows = all.stdout.map((line) => JSON.parse(line) as RecordRow);
  assertEquals(rows.map(({ id }) => id).slice(0, 3), ids);
  assertEquals(rows.map(({ state }) => state), ["delivered", "delivered", "delivered", "waiting"]);
  assertEquals([rows[1]?.body, rows[3]?.body_base64], ['{"number":1}', "/w=="]);
  assertEquals(rows[0]?.headers?.["x-github-event"], "push");
  for (const secret of ["a-secret-of-the-sender", "a-signature"]) {
    assert(!all.stdout.join().includes(secret), secret);
  }
  const rest = await run(directory, ["export", "--state", "delivered", "--cursor", rows[1]!.cursor]);
  assertEquals(rest.stdout.map((line) => (JSON.parse(line) as RecordRow).id), [ids[2]]);
  const wrong = await run(directory, ["replay"]);
  assertEquals(wrong.status, 2);
  assertStringIncludes(wrong.stderr, "Name a filter, or '--all' to replay every event");
  const counted = await run(directory, ["drop", "--webhook", "waits"]);
  assertEquals([counted.status, counted.stdout], [0, ["1 event would be dropped for good: '--yes' does so"]]);
  assertEquals((await run(directory, ["drop", "--all", "--yes"])).stdout, ["1 event dropped"]);
  assertEquals((await run(directory, ["export", "--state", "waiting"])).stdout, []);
});

Deno.test("a replay to a URL that is interrupted goes on behind the last event that was sent", async () => {
  await using directory = await TempDir.create();
  const ids = await deliver(directory, 6);
  await using target = await HttpTarget.start();
  const args = ["replay", "--all", "--to", `${target.url}/in?a=b`, "--resume", directory.file("state")];
  {
    const gate = Promise.withResolvers<void>();
    target.answer(() => ({ status: 200, ...(target.requests.length === 2 ? { after: gate.promise } : {}) }));
    await using program = start(directory, args);
    await target.waitForRequests(2);
    program.kill("SIGINT");
    await program.waitForLine(/Ends after the request/);
    gate.resolve();
    const { status, stdout, stderr } = await ended(program);
    assertEquals([status, stdout], [130, ["2 events replayed"]]);
    assertStringIncludes(stderr, "Go on with: cwm events replay --all --to 'http://");
  }
  target.answer(() => ({ status: target.requests.length === 4 ? 400 : 200 }));
  const stopped = await run(directory, args);
  assertEquals([stopped.status, stopped.stdout], [1, ["3 events replayed, 1 failed"]]);
  assertStringIncludes(stopped.stderr, `Event ${ids[3]} was not taken: the target answered 400`);
  let slowAt = Infinity;
  target.answer(() => {
    if (slowAt < Infinity) return { status: 200 };
    slowAt = performance.now();
    return { status: 200, after: sleep(300) };
  });
  assertEquals((await run(directory, [...args, "--rate", "10"])).stdout, ["6 events replayed"]);
  assert(performance.now() - slowAt >= 400, "what the slow answer took is not made up for");
  assertStringIncludes((await run(directory, args)).stdout.join(), "This replay is done");
  const [first] = target.requests;
  assertEquals([first?.method, first?.target, first?.text], ["POST", "/in?a=b", '{"number":0}']);
  assertEquals(first?.headers.get("x-github-event"), "push");
  for (const name of ["authorization", "x-hub-signature-256"]) assertEquals(first?.headers.get(name), null);
  const sent = target.requests.map(({ headers }) => headers.get("cwm-event-id"));
  assertEquals(sent, [...ids.slice(0, 4), ...ids.slice(3)]);
  const other = await run(directory, ["replay", "--id", "x", "--resume", directory.file("state")]);
  assertEquals(other.status, 2);
  assertStringIncludes(other.stderr, "belongs to another replay");
  const nowhere = ["replay", "--all", "--to", target.url, "--resume", directory.file("missing", "state")];
  assertEquals((await run(directory, nowhere)).status, 1);
  assertEquals(target.requests.length, sent.length, "nothing is sent that could not be remembered");
});

Deno.test("a replay through a running gateway delivers again, and sends the rate that is asked for", async () => {
  await using directory = await TempDir.create();
  const ids = await deliver(directory, 4);
  await using target = await HttpTarget.start();
  const http = { module: "http_webhook", accept: "durable" };
  const config = { url: `${target.url}/`, allowed_hosts: ["127.0.0.1"] };
  await Deno.writeTextFile(
    directory.file("webhooks.json"),
    JSON.stringify({
      orders: { module: "log", accept: "durable" },
      copies: { ...http, "module-config": config },
    }),
  );
  await using gateway = await GatewayProcess.start({
    cwd: directory.path,
    env: { DATA_DIR: directory.file("data"), SHUTDOWN_GRACE_MS: "0", ADMIN_TOKEN, ...RETENTION },
  });
  await gateway.waitUntilReady();
  const env = { HOST: "127.0.0.1", PORT: String(gateway.port), ADMIN_TOKEN };
  const began = performance.now();
  const args = ["replay", "--webhook", "default/orders", "--to", "default/copies", "--rate", "10"];
  const replayed = await run(directory, args, env);
  assertEquals([replayed.status, replayed.stdout], [0, ["4 events replayed"]]);
  assert(performance.now() - began >= 300);
  await target.waitForRequests(4);
  await eventually(() =>
    assertEquals(target.requests.map(({ headers }) => headers.get("cwm-event-id")).toSorted(), ids.toSorted())
  );
  const exported = await run(directory, ["export", "--webhook", "orders"], env);
  assertEquals(exported.stdout.map((line) => (JSON.parse(line) as RecordRow).id), ids);
  const missing = await run(directory, ["replay", "--all", "--to", "default/missing"], env);
  assertEquals(missing.status, 1);
  assertStringIncludes(missing.stderr, "'to' must be NAMESPACE/ID of a webhook that exists");
});
