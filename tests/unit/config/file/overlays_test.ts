/** Several files that become one, as RFC 7396 merges them. */

import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { FileProviderFixture } from "../../../support/file_provider_fixture.ts";
import { patience } from "../../../support/patience.ts";

const LOG = { module: "log" };

/** A provider of `webhooks.json` and what is merged into it, which is not started. */
function create(base: unknown, overlays: Readonly<Record<string, unknown>>): Promise<FileProviderFixture> {
  return FileProviderFixture.create({ "webhooks.json": base, ...overlays }, (dir) => ({
    named: ["webhooks"],
    overlays: { webhooks: Object.keys(overlays).map((name) => dir.file(name)) },
  }));
}

async function start(...parameters: Parameters<typeof create>): Promise<FileProviderFixture> {
  const fixture = await create(...parameters);
  await fixture.start();
  return fixture;
}

Deno.test("each file is merged into those before it: what only it has is new, null removes", async () => {
  await using fixture = await start({
    changed: { module: "log", "module-config": { a: 1, list: [1, 2] }, password: null },
    gone: LOG,
    same: LOG,
  }, {
    "one.json": {
      changed: { "module-config": { a: null, b: 2, list: [3] } },
      gone: null,
      new: { ...LOG, x: null },
    },
    "two.json": { changed: { "module-config": { b: 3 } }, new: { data_type: "blob" } },
  });
  const { sink } = fixture;
  assertEquals(sink.keys, ["webhook default/changed", "webhook default/new", "webhook default/same"]);
  assertEquals(sink.json("webhook default/changed"), {
    module: "log",
    "module-config": { list: [3], b: 3 },
    password: null,
  });
  assertEquals(sink.json("webhook default/new"), { module: "log", data_type: "blob" });
});

Deno.test("a change of any of the files is live, and only what differs is reported", async () => {
  await using fixture = await start({ a: LOG, b: LOG }, { "prod.json": { a: { data_type: "blob" } } });
  const { sink, dir } = fixture;
  await fixture.replace(dir.file("prod.json"), { a: { data_type: "form" } });
  await eventually(() => assertEquals(sink.json("webhook default/a"), { ...LOG, data_type: "form" }));
  await fixture.replace(fixture.webhooks, { a: { ...LOG, methods: ["PUT"] }, b: LOG });
  await eventually(() =>
    assertEquals(sink.json("webhook default/a"), { ...LOG, methods: ["PUT"], data_type: "form" })
  );
  await fixture.replace(dir.file("prod.json"), { a: null });
  await eventually(() => assertEquals(sink.keys, ["webhook default/b"]));
  assertEquals(sink.changes.filter((change) => change.endsWith("/b")), ["put webhook default/b"]);
});

Deno.test("an overlay that is half-written or gone is a problem, and the last good merge stays", async () => {
  await using fixture = await start({ a: LOG }, { "prod.json": { a: { data_type: "blob" } } });
  const { sink, dir } = fixture;
  const prod = dir.file("prod.json");
  await fixture.replaceText(prod, '{"a": {');
  await fixture.replace(fixture.webhooks, { a: LOG, b: LOG });
  await eventually(() => assertEquals(sink.sources.get(prod)?.problem.code, "invalid_json"));
  assertEquals(sink.sources.get(prod)?.serving, "last_good");
  assertEquals([sink.keys, sink.json("webhook default/a")], [["webhook default/a"], {
    ...LOG,
    data_type: "blob",
  }]);
  await Deno.remove(prod);
  await eventually(() => assertEquals(sink.sources.get(prod)?.problem.code, "file_missing"));
  await fixture.replace(prod, {});
  await eventually(() => assertEquals(sink.json("webhook default/b"), LOG));
  assertEquals([sink.json("webhook default/a"), sink.sources.size], [LOG, 0]);
});

Deno.test("nothing is complete before each of the files was read, and every broken one is named", async () => {
  await using fixture = await create("{", { "prod.json": "[]", "last.json": {} });
  const { sink, dir, provider } = fixture;
  await Deno.remove(dir.file("last.json"));
  await fixture.start();
  assertEquals(
    ["webhooks.json", "prod.json", "last.json"].map((name) => sink.problemCode(dir.file(name))),
    ["invalid_json", "not_an_object", "file_missing"],
  );
  await assertRejects(() => provider.completed(AbortSignal.abort()));
  await fixture.replace(fixture.webhooks, { a: LOG });
  await fixture.replace(dir.file("prod.json"), {});
  await fixture.replace(dir.file("last.json"), { b: LOG });
  await provider.completed(patience(20_000));
  assertEquals(sink.keys, ["webhook default/a", "webhook default/b"]);
});

Deno.test("a remark stays a remark, and an x- entry of the base can be changed and removed", async () => {
  await using fixture = await start({ _remark: "x", description: "shop", "x-a": LOG, "x-b": LOG }, {
    "prod.json": { _remark: { y: 1 }, "x-a": { data_type: "blob" }, "x-b": null, "x-note": { by: "me" } },
  });
  assertEquals(fixture.sink.keys, ["webhook default/x-a"]);
  assertEquals([...fixture.sink.sources], []);
});

const BASE = `{
  "orders": {
    "module": "log",
    "module-config": {"a": 1,
      "headers": {"X-Ä.b": "1"}},
    "chain": [
      {"name": "one"}]
  },
  "twice": {"module": "log",
    "module": "kafka"}
}`;

const OVERLAY = `{
  "orders": {
    "module-config": {
      "headers": {"ü": 1, "X-C": "2"},
      "a": null
    }
  },
  "no name": {},
  "new": 7
}`;

Deno.test("a place is the file and line that a value comes from", async () => {
  await using fixture = await start(BASE, { "prod.json": OVERLAY });
  const { provider, dir, sink } = fixture;
  const placeOf = (key: string, path: string) => provider.placeOf(key, path)?.replace(`${dir.path}/`, "");
  assertEquals(placeOf("webhook default/orders", "module"), "webhooks.json:3");
  assertEquals(placeOf("webhook default/orders", "module-config.headers.X-Ä.b"), "webhooks.json:5");
  assertEquals(placeOf("webhook default/orders", "chain.0.name"), "webhooks.json:7");
  assertEquals(placeOf("webhook default/orders", "module-config.headers.X-C"), "prod.json:4");
  assertEquals(
    placeOf("webhook default/orders", "module-config.a"),
    "prod.json:5",
    "null is what removed it",
  );
  assertEquals(
    placeOf("webhook default/orders", "module-config.topic"),
    "prod.json:3",
    "where it is missing",
  );
  assertEquals(placeOf("webhook default/orders", ""), "prod.json:2");
  assertEquals(placeOf("webhook default/twice", "module"), "webhooks.json:10");
  assertEquals(placeOf("webhook default/new", ""), "prod.json:9");
  assertEquals(placeOf("webhook default/none", ""), undefined);
  assertEquals(placeOf("webhook other/orders", ""), undefined);
  assertEquals(sink.problemCode("webhook default/twice"), "invalid_json");
  assertEquals(sink.problemCode("webhook default/new"), "not_an_object");
  assertEquals(sink.problemCode(`${dir.file("prod.json")}:8: "no name"`), "foreign_key");
});

Deno.test("a key that stands twice in a file is a problem, unless a later file removes the entry", async () => {
  const twice =
    '{"a": {"module": "log", "module": "kafka"}, "b": {"module": "log"}, "b": {"module": "kafka"}}';
  await using fixture = await start(twice, { "prod.json": { a: { module: "log" }, b: null } });
  assertEquals(fixture.sink.keys, ["webhook default/a"]);
  assertEquals(fixture.sink.problemCode("webhook default/a"), "invalid_json");
});
