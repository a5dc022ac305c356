import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ConfigSink } from "../../../../src/config/provider.ts";
import { eventually } from "../../../support/eventually.ts";
import { FileProviderFixture } from "../../../support/file_provider_fixture.ts";
import { patience } from "../../../support/patience.ts";

const LOG = { module: "log" };
const KAFKA = { module: "kafka" };

// What a load reports.

Deno.test("file provider reports both files in one step", async () => {
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": { a: LOG, b: KAFKA },
    "connections.json": { c: { type: "kafka" } },
  });
  assertEquals(fixture.sink.batches.length, 1);
  assertEquals(fixture.sink.changes, ["put connection c", "put webhook default/a", "put webhook default/b"]);
});

Deno.test("file provider reports more than 128 changed entries in pieces of 128", async () => {
  const webhooks = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`w${index}`, LOG]));
  await using fixture = await FileProviderFixture.start({ "webhooks.json": webhooks });
  assertEquals(fixture.sink.batches.map(({ length }) => length), [128, 128, 44]);
  assertEquals(fixture.sink.keys.length, 300);
});

Deno.test("file provider puts its webhooks into the namespace that is the default", async () => {
  await using fixture = await FileProviderFixture.start(
    { "webhooks.json": { a: LOG } },
    () => ({ defaultNamespace: "team" }),
  );
  assertEquals(fixture.sink.keys, ["webhook team/a"]);
});

Deno.test("file provider takes _…, //, $schema and a text named description for remarks", async () => {
  const remarks = {
    _comment: LOG,
    __proto__x: 1,
    "//": "ours",
    $schema: "https://example.com/s",
    description: "",
  };
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": { ...remarks, a: LOG },
    "connections.json": remarks,
  });
  assertEquals(fixture.sink.keys, ["webhook default/a"]);
  assertEquals(fixture.sink.reports, []);
});

Deno.test("file provider takes a name that begins with x- for an entry if its value looks like one", async () => {
  const remarks = {
    "x-note": { anything: 1 },
    "x-text": "module",
    "x-list": ["module", "type"],
    "x-none": null,
  };
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": {
      ...remarks,
      "x-twitter": LOG,
      "x-chain": { chain: ["log"] },
      "x-type": { type: "log" },
    },
    "connections.json": { ...remarks, "x-redis": { type: "redis" }, "x-module": LOG },
  });
  assertEquals(fixture.sink.keys, [
    "connection x-redis",
    "webhook default/x-chain",
    "webhook default/x-twitter",
  ]);
  assertEquals(fixture.sink.reports, []);
});

Deno.test("file provider takes an object named description for a webhook, even if it cannot be one", async () => {
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": { description: { modul: "log" } },
  });
  assertEquals(fixture.sink.keys, ["webhook default/description"]);
});

Deno.test("file provider takes neither of two members named x-…, since the lost one may be the entry", async () => {
  const text = '{"x-a": {"module": "log"}, "x-a": "a remark", "_b": 1, "_b": 2, "//": 1, "//": 2}';
  await using fixture = await FileProviderFixture.start({ "webhooks.json": text });
  assertEquals(fixture.sink.keys, ["webhook default/x-a"]);
  assertEquals(fixture.sink.problemCode("webhook default/x-a"), "invalid_json");
});

Deno.test("file provider tells which key of an entry stands more than once, and takes the others", async () => {
  const text = `{
    "hook": {"module": "log", "authorization": "Bearer a", "authorization": "Bearer b"},
    "sig": {"module": "log", "hmac": {"secret": "aaaa", "secret": "bbbb"}},
    "good": {"module": "log", "//": 1, "//": 2, "_old": {"a": 1, "a": 2}},
    "_remark": {"a": 1, "a": 2}
  }`;
  await using fixture = await FileProviderFixture.start({ "webhooks.json": text });
  const { values } = fixture.sink;
  assertEquals(
    [...values].map(([name, value]) => [name, "problem" in value ? value.problem.path : undefined]),
    [
      ["webhook default/hook", "authorization"],
      ["webhook default/sig", "hmac.secret"],
      ["webhook default/good", undefined],
    ],
  );
});

Deno.test("file provider takes dots in names, but not where they could lead up a path", async () => {
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": { "orders.v1": LOG, "..": LOG, "a..b": LOG, ".a": LOG, "a.": LOG },
  });
  assertEquals(fixture.sink.keys, ["webhook default/orders.v1"]);
  assertEquals(fixture.sink.reports.length, 4);
});

Deno.test("file provider reports an id that cannot be one and goes on with the others", async () => {
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": { "bad id": LOG, "team-a/orders": LOG, a: LOG },
    "connections.json": { "bad/name": {}, c: { type: "kafka" } },
  });
  const { sink, webhooks, connections } = fixture;
  assertEquals(sink.keys, ["connection c", "webhook default/a"]);
  assertEquals(
    [...sink.sources].map(([source, { problem, serving }]) => [source, problem.code, serving]),
    [
      [`${connections}: "bad/name"`, "foreign_key", "nothing"],
      [`${webhooks}: "bad id"`, "foreign_key", "nothing"],
      [`${webhooks}: "team-a/orders"`, "foreign_key", "nothing"],
    ],
  );

  await fixture.replace(webhooks, { "bad id": LOG, a: LOG });
  await eventually(() =>
    assertEquals([...sink.sources.keys()], [`${connections}: "bad/name"`, `${webhooks}: "bad id"`])
  );
});

Deno.test("file provider quotes an id with control characters, so that it cannot forge a line", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { "a\nERROR forged": LOG } });
  assertEquals([...fixture.sink.sources.keys()], [`${fixture.webhooks}: "a\\nERROR forged"`]);
});

Deno.test("file provider takes neither value of an id that stands twice, and heals", async () => {
  const text = '{"a": {"module": "log", "hmac": {}}, "b": {"module": "log"}, "\\u0061": {"module": "log"}}';
  await using fixture = await FileProviderFixture.start({ "webhooks.json": text });
  const { sink } = fixture;
  assertEquals(sink.problemCode("webhook default/a"), "invalid_json");
  assertEquals(sink.json("webhook default/b"), LOG);

  await fixture.replace(fixture.webhooks, { a: LOG, b: LOG });
  await eventually(() => assertEquals(sink.json("webhook default/a"), LOG));
  assertEquals(sink.history("webhook default/b").length, 1);
});

Deno.test("file provider reports values that are not objects or too deep as problems of their keys", async () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const text =
    `{"text": "log", "list": [], "nothing": null, "deep": {"a": ${deep}}, "good": {"module": "log"}}`;
  await using fixture = await FileProviderFixture.start({ "webhooks.json": text });
  const { sink } = fixture;
  assertEquals(
    ["text", "list", "nothing", "deep", "good"].map((id) => sink.problemCode(`webhook default/${id}`)),
    ["not_an_object", "not_an_object", "not_an_object", "too_deep", undefined],
  );
});

Deno.test("file provider does not report a file that was only formatted anew", async () => {
  const webhooks = { a: { module: "log", "module-config": { pretty_print: true } }, b: KAFKA };
  await using fixture = await FileProviderFixture.start({ "webhooks.json": webhooks });
  await fixture.replaceText(fixture.webhooks, JSON.stringify({ _remark: 1, ...webhooks }, null, 4));
  await fixture.reload();
  assertEquals(fixture.sink.batches.length, 1);
  assertEquals(fixture.provider.status().revision, "1");
});

Deno.test("file provider accepts a byte order mark", async () => {
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": `\ufeff${JSON.stringify({ a: LOG })}`,
  });
  assertEquals(fixture.sink.keys, ["webhook default/a"]);
});

// Files that are missing or broken.

Deno.test("file provider stands in with a webhook that logs when there is no file at all", async () => {
  await using fixture = await FileProviderFixture.start();
  const { provider, sink } = fixture;
  assertEquals(provider.usingEmbeddedDefault, true);
  assertEquals(sink.keys, ["webhook default/default"]);
  assertEquals(sink.json("webhook default/default"), { module: "log", data_type: "json" });
  assertEquals([sink.reports, provider.status().degraded], [[], false]);
  await fixture.reload();
  assertEquals([sink.batches.length, sink.reports], [1, []]);
});

Deno.test("file provider drops its stand-in when a webhooks file appears", async () => {
  await using fixture = await FileProviderFixture.start();
  const { provider, sink } = fixture;
  await fixture.replace(fixture.webhooks, { a: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/a"]));
  assertEquals([provider.usingEmbeddedDefault, sink.batches.length], [false, 2]);
});

Deno.test("file provider leaves the stand-in alone when the new webhooks file has the same one", async () => {
  await using fixture = await FileProviderFixture.start();
  const { provider, sink } = fixture;
  await fixture.replace(fixture.webhooks, { default: { module: "log", data_type: "json" }, a: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/a", "webhook default/default"]));
  assertEquals(sink.changes, ["put webhook default/default", "put webhook default/a"]);
  assertEquals(provider.usingEmbeddedDefault, false);
});

Deno.test("file provider keeps its stand-in while the webhooks file that appeared is broken", async () => {
  await using fixture = await FileProviderFixture.start();
  const { provider, sink } = fixture;
  await fixture.replaceText(fixture.webhooks, "{");
  await eventually(() => assertEquals(sink.sources.get(fixture.webhooks)?.serving, "last_good"));
  assertEquals([provider.usingEmbeddedDefault, sink.keys], [true, ["webhook default/default"]]);
});

Deno.test("file provider has no stand-in and a problem when only the webhooks file is missing", async () => {
  await using fixture = await FileProviderFixture.start({ "connections.json": { c: { type: "kafka" } } });
  const { provider, sink } = fixture;
  assertEquals([provider.usingEmbeddedDefault, sink.keys], [false, ["connection c"]]);
  assertEquals(sink.problemCode(fixture.webhooks), "file_missing");
  assertEquals(sink.sources.get(fixture.webhooks)?.serving, "nothing");
});

Deno.test("file provider needs no connections file, but misses one that was there", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  const { sink, connections } = fixture;
  assertEquals(sink.reports, []);

  await fixture.replace(connections, { c: { type: "kafka" } });
  await eventually(() => assertEquals(sink.keys, ["connection c", "webhook default/a"]));
  await Deno.remove(connections);
  await eventually(() => assertEquals(sink.problemCode(connections), "file_missing"));
  assertEquals(sink.keys, ["connection c", "webhook default/a"]);
});

Deno.test("file provider starts on a broken webhooks file, with a problem and no webhook", async () => {
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": '{"a": {',
    "connections.json": { c: {} },
  });
  const { provider, sink, webhooks } = fixture;
  assertEquals(sink.keys, ["connection c"]);
  assertEquals([sink.problemCode(webhooks), sink.sources.get(webhooks)?.serving], [
    "invalid_json",
    "nothing",
  ]);
  const status = provider.status();
  assertEquals([status.connected, status.degraded, status.lastSyncAt], [true, false, undefined]);

  await fixture.replace(webhooks, { a: LOG });
  await eventually(() => assertEquals(sink.keys, ["connection c", "webhook default/a"]));
  assertEquals(sink.reports, [`set ${webhooks}`, `clear ${webhooks}`]);
  assert(provider.status().lastSyncAt !== undefined);
});

for (
  const { what, text, code } of [
    { what: "is empty", text: "", code: "invalid_json" },
    { what: "is half-written", text: '{"a": {"module": "log"}, "b"', code: "invalid_json" },
    { what: "holds a list", text: '[{"module": "log"}]', code: "not_an_object" },
    { what: "holds null", text: "null", code: "not_an_object" },
    { what: "holds two documents", text: '{"a": {}} {"b": {}}', code: "invalid_json" },
  ]
) {
  Deno.test(`file provider keeps the last good webhooks when the file ${what}`, async () => {
    await using fixture = await FileProviderFixture.start({
      "webhooks.json": { a: LOG },
      "connections.json": { c: {} },
    });
    const { provider, sink, webhooks, connections } = fixture;
    await fixture.replaceText(webhooks, text);
    await fixture.replace(connections, { d: {} });
    await eventually(() => assertEquals(sink.keys, ["connection d", "webhook default/a"]));
    await eventually(() => assertEquals(sink.problemCode(webhooks), code));
    assertEquals([sink.sources.get(webhooks)?.serving, provider.status().degraded], ["last_good", true]);
    await fixture.reload();
    assertEquals(sink.reports, [...new Set(sink.reports)], "a problem that stands is reported once");

    await fixture.replace(webhooks, { a: LOG });
    await eventually(() => assertEquals(sink.problemCode(webhooks), undefined));
    assertEquals(sink.history("webhook default/a").length, 1);
    assertEquals(provider.status().degraded, false);
  });
}

Deno.test("file provider refuses a file that is not UTF-8", async () => {
  await using fixture = await FileProviderFixture.create();
  await Deno.writeFile(
    fixture.webhooks,
    new Uint8Array([...new TextEncoder().encode('{"a": {"x-b": "'), 0xff]),
  );
  await fixture.start();
  assertEquals(fixture.sink.problemCode(fixture.webhooks), "invalid_json");
});

Deno.test("file provider refuses a file of more than 64 MiB", async () => {
  await using fixture = await FileProviderFixture.create();
  await fixture.dir.writeText("webhooks.json", "{}");
  await Deno.truncate(fixture.webhooks, 64 * 1024 * 1024 + 1);
  await fixture.start();
  assertEquals(fixture.sink.sources.get(fixture.webhooks)?.problem, {
    code: "file_unreadable",
    path: "",
    message: "The file cannot be read: it has 67108865 bytes, more than 64 MiB",
  });
});

Deno.test("file provider reports a folder or a device in the place of a file", async () => {
  await using fixture = await FileProviderFixture.create();
  await Deno.mkdir(fixture.webhooks);
  await Deno.symlink("/dev/null", fixture.connections);
  await fixture.start();
  const { sink, webhooks, connections, provider } = fixture;
  assertEquals(sink.sources.get(webhooks)?.problem.message, "The file cannot be read: it is a directory");
  assertEquals(
    sink.sources.get(connections)?.problem.message,
    "The file cannot be read: it is not a regular file",
  );
  assertEquals(provider.usingEmbeddedDefault, false);
});

Deno.test("file provider keeps the last good webhooks while a folder stands in the place of the file", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  const { sink, webhooks } = fixture;
  await Deno.remove(webhooks);
  await Deno.mkdir(webhooks);
  await eventually(() => assertEquals(sink.problemCode(webhooks), "file_unreadable"));
  assertEquals([sink.keys, sink.sources.get(webhooks)?.serving], [["webhook default/a"], "last_good"]);

  await Deno.remove(webhooks);
  await fixture.replace(webhooks, { a: LOG, b: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/a", "webhook default/b"]));
  assertEquals(sink.problemCode(webhooks), undefined);
});

Deno.test("file provider has no stand-in when it cannot tell whether there are files", async () => {
  await using fixture = await FileProviderFixture.create({}, (dir) => ({
    webhooksFile: dir.file("loop", "webhooks.json"),
    connectionsFile: dir.file("loop", "connections.json"),
  }));
  const { dir, provider, sink, webhooks, connections } = fixture;
  await Deno.symlink("loop", dir.file("loop"));
  await fixture.start();
  assertEquals([provider.usingEmbeddedDefault, sink.keys], [false, []]);
  assertEquals([webhooks, connections].map((path) => sink.problemCode(path)), [
    "file_unreadable",
    "file_unreadable",
  ]);

  await Deno.remove(dir.file("loop"));
  await eventually(() => assertEquals(sink.problemCode(webhooks), "file_missing"));
  assertEquals(sink.problemCode(connections), undefined);
});

Deno.test("file provider does not quote the file in a problem", async () => {
  await using fixture = await FileProviderFixture.start({
    "webhooks.json": '{"a": {"hmac": {"secret": "hunter2" hunter2',
  });
  const message = fixture.sink.sources.get(fixture.webhooks)?.problem.message ?? "";
  assertEquals(message, "The file is not valid JSON: error at position 36 (line 1 column 37)");
});

// Order and failures.

Deno.test("file provider applies what was written before each of several reloads at once", async () => {
  await using fixture = await FileProviderFixture.start(
    { "webhooks.json": { a: { "x-version": 0 } } },
    () => ({
      debounceMs: 60_000,
    }),
  );
  const reloads: Promise<void>[] = [];
  for (let version = 1; version <= 10; version++) {
    await fixture.dir.writeJson("webhooks.json", { a: { "x-version": version } });
    reloads.push(fixture.reload());
  }
  await reloads.at(-1);
  assertEquals(fixture.sink.json("webhook default/a"), { "x-version": 10 });
  await Promise.all(reloads);
});

Deno.test("file provider looks again for a reload that is asked for while a load is being applied", async () => {
  await using fixture = await FileProviderFixture.create({ "webhooks.json": { a: LOG } }, () => ({
    debounceMs: 60_000,
  }));
  const { provider, sink, webhooks } = fixture;
  const reloads: Promise<void>[] = [];
  const meddling: ConfigSink = {
    apply(changes) {
      sink.apply(changes);
      if (sink.batches.length > 2) return;
      Deno.writeTextFileSync(webhooks, JSON.stringify({ [`version-${sink.batches.length}`]: LOG }));
      reloads.push(fixture.reload());
    },
    reportSource: (...report) => sink.reportSource(...report),
  };
  await provider.start(meddling, patience(20_000));
  await reloads[0];
  assertEquals(sink.keys, ["webhook default/version-1"]);
  await reloads[1];
  assertEquals(sink.keys, ["webhook default/version-2"]);
});

Deno.test("file provider reports again what a sink failed to take", async () => {
  await using fixture = await FileProviderFixture.create({ "webhooks.json": { a: LOG } });
  const { provider, sink } = fixture;
  let fails = false;
  const failing: ConfigSink = {
    apply(changes) {
      if (fails) throw new RangeError("The sink fails");
      sink.apply(changes);
    },
    reportSource: (...report) => sink.reportSource(...report),
  };
  await provider.start(failing, patience(20_000));
  fails = true;
  await fixture.replace(fixture.webhooks, { b: LOG });
  await assertRejects(() => fixture.reload(), RangeError, "The sink fails");
  fails = false;
  await fixture.reload();
  assertEquals(sink.keys, ["webhook default/b"]);
});

Deno.test("file provider gives a reload the signal's reason and goes on", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  const reason = new Error("The test gives up");
  await assertRejects(() => fixture.provider.reload(AbortSignal.abort(reason)), Error, "The test gives up");
  await fixture.replace(fixture.webhooks, { b: LOG });
  await fixture.reload();
  assertEquals(fixture.sink.keys, ["webhook default/b"]);
});

Deno.test("file provider can be disposed in the middle of its start", async () => {
  await using fixture = await FileProviderFixture.create({ "webhooks.json": { a: LOG } });
  const started = fixture.start();
  const refused = assertRejects(() => started, DOMException, "stopped");
  await fixture.provider[Symbol.asyncDispose]();
  await refused;
  assertEquals(fixture.sink.batches, []);
});

Deno.test("file provider refuses a second start and a reload outside of its running time", async () => {
  await using fixture = await FileProviderFixture.create({ "webhooks.json": { a: LOG } });
  await assertRejects(() => fixture.reload(), DOMException, "not started");
  await fixture.start();
  await assertRejects(() => fixture.start(), DOMException, "twice");
  await fixture.provider[Symbol.asyncDispose]();
  await assertRejects(() => fixture.reload(), DOMException, "stopped");
});
