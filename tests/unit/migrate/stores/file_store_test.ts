import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { formatConfigKey, parseConfigKey } from "../../../../src/event/names.ts";
import { type Change, MigrationError } from "../../../../src/migrate/configuration.ts";
import { FileStore } from "../../../../src/migrate/stores/file_store.ts";
import { TempDir } from "../../../support/temp_dir.ts";

function storeIn(dir: TempDir, namespace = "default"): FileStore {
  return new FileStore(
    { webhooks: dir.file("webhooks.json"), connections: dir.file("connections.json"), named: [] },
    namespace,
  );
}

/** Puts, and removals for texts that are `undefined`, by etcd's key below the prefix. */
function changes(texts: Readonly<Record<string, string | undefined>>): Change[] {
  return Object.entries(texts).map(([name, text]) => {
    const key = parseConfigKey(name);
    if (typeof key === "string") throw new TypeError(key);
    return { key, text, current: undefined };
  });
}

const ignore = () => {};

async function readMode(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

Deno.test("file store reads webhooks of its namespace and connections with their own texts", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("webhooks.json", '{"_remark": 1, "a": {"module": "log", "_id": 12345678901234567890}}');
  await dir.writeJson("connections.json", { redis: { type: "redis-rq" } });
  const { values, foreign } = await storeIn(dir, "team-a").read("source");
  assertEquals([...values].map(([name, { text }]) => [name, text]), [
    ["global/connections/redis", '{"type":"redis-rq"}'],
    ["team-a/webhooks/a", '{"module":"log","_id":12345678901234567890}'],
  ]);
  assertEquals(foreign, []);
});

Deno.test("file store needs the webhooks file at the source and neither file at the target", async () => {
  await using dir = await TempDir.create();
  const error = await assertRejects(() => storeIn(dir).read("source"), MigrationError);
  assertStringIncludes(error.message, "webhooks.json");
  assertEquals((await storeIn(dir).read("target")).values.size, 0);
});

Deno.test("file store needs the connections file at the source where it is named", async () => {
  await using dir = await TempDir.create();
  const files = {
    webhooks: await dir.writeJson("webhooks.json", {}),
    connections: dir.file("connections.json"),
    named: ["connections"],
  } as const;
  await assertRejects(
    () => new FileStore(files, "default").read("source"),
    MigrationError,
    "connections.json",
  );
  assertEquals((await new FileStore(files, "default").read("target")).values.size, 0);
});

Deno.test("file store refuses a file that does not parse, in either role, and leaves it alone", async () => {
  await using dir = await TempDir.create();
  const broken = '{"a": {"module": "log", "secret": "hunter2"';
  await dir.writeText("webhooks.json", broken);
  for (const role of ["source", "target"] as const) {
    const error = await assertRejects(() => storeIn(dir).read(role), MigrationError, "not valid JSON");
    assertEquals(error.message.includes("hunter2"), false);
  }
  assertEquals(await Deno.readTextFile(dir.file("webhooks.json")), broken);
});

Deno.test("a name that stands twice is a problem of a source and stops a target", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("webhooks.json", '{"a": {"module": "log"}, "\\u0061": {"module": "log"}}');
  const { values } = await storeIn(dir).read("source");
  assertEquals([...values.values()].map(({ value }) => "problem" in value), [true]);
  await assertRejects(() => storeIn(dir).read("target"), MigrationError, '"a" stands more than once');
});

Deno.test("names that no webhook can have are reported as such", async () => {
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", { "a b": { module: "log" } });
  const { values, foreign } = await storeIn(dir).read("source");
  assertEquals(values.size, 0);
  assertEquals(foreign.map(({ subject }) => subject), [`${dir.file("webhooks.json")}: "a b"`]);
});

Deno.test("file store tells which remarks have names that entries have elsewhere", async () => {
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", {
    _a: 1,
    "//": 1,
    "x-note": "",
    "x-hook": { chain: [] },
    description: "",
  });
  await dir.writeJson("connections.json", { "x-note": { host: "" }, "x-redis": { type: "redis" } });
  const { values, remarks } = await storeIn(dir).read("source");
  assertEquals([...values.keys()].sort(), ["default/webhooks/x-hook", "global/connections/x-redis"]);
  assertEquals([...remarks].sort(), [
    "default/webhooks/description",
    "default/webhooks/x-note",
    "global/connections/x-note",
  ]);
});

Deno.test("new files are readable for their owner alone and laid out with two spaces", async () => {
  await using dir = await TempDir.create();
  const store = storeIn(dir);
  await store.read("target");
  const result = await store.write(
    changes({ "global/connections/redis": '{"password":"{$P}"}', "default/webhooks/a": '{"n":1.0,"e":[]}' }),
    ignore,
  );
  assertEquals(result, { written: 2, removed: 0, conflicts: [] });
  assertEquals(
    await Deno.readTextFile(dir.file("webhooks.json")),
    '{\n  "a": {\n    "n": 1.0,\n    "e": []\n  }\n}\n',
  );
  assertEquals(await readMode(dir.file("webhooks.json")), 0o600);
  assertEquals(await readMode(dir.file("connections.json")), 0o600);
});

Deno.test("a merge replaces in place, appends, removes, and keeps everything else", async () => {
  await using dir = await TempDir.create();
  await dir.writeText(
    "webhooks.json",
    '{"_remark":"keep","b":{"n":1},"not an id":{"n":1e400},"a":{"n":2},"old":{}, "_remark": 2}',
  );
  const store = storeIn(dir);
  await store.read("target");
  await store.write(
    changes({
      "default/webhooks/b": '{"n":9}',
      "default/webhooks/new": "{}",
      "default/webhooks/old": undefined,
    }),
    ignore,
  );
  const text = await Deno.readTextFile(dir.file("webhooks.json"));
  assertEquals(
    text.replaceAll(/\s/g, ""),
    '{"_remark":"keep","b":{"n":9},"notanid":{"n":1e400},"a":{"n":2},"_remark":2,"new":{}}',
  );
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["webhooks.json"]);
});

Deno.test("an existing file keeps its mode and a symbolic link keeps pointing at it", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file("real"));
  await dir.writeText("real/hooks.json", "{}");
  await Deno.chmod(dir.file("real/hooks.json"), 0o640);
  await Deno.symlink("real/hooks.json", dir.file("webhooks.json"));
  const store = storeIn(dir);
  await store.read("target");
  await store.write(changes({ "default/webhooks/a": '{"module":"log"}' }), ignore);
  assertEquals(await Deno.readLink(dir.file("webhooks.json")), "real/hooks.json");
  assertEquals(await readMode(dir.file("real/hooks.json")), 0o640);
  assertStringIncludes(await Deno.readTextFile(dir.file("real/hooks.json")), '"module": "log"');
});

Deno.test("a file that somebody changes after it was read is left alone", async () => {
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", { a: { module: "log" } });
  const store = storeIn(dir);
  await store.read("target");
  await dir.writeJson("webhooks.json", { a: { module: "log", enabled: false } });
  const planned = changes({ "default/webhooks/b": "{}", "global/connections/c": "{}" });
  const { written, conflicts } = await store.write(planned, ignore);
  assertEquals([written, conflicts.map(formatConfigKey)], [1, ["default/webhooks/b"]]);
  assertEquals(await Deno.readTextFile(dir.file("webhooks.json")), '{"a":{"module":"log","enabled":false}}');
});

Deno.test("a file that appears after none was there is left alone", async () => {
  await using dir = await TempDir.create();
  const store = storeIn(dir);
  await store.read("target");
  await dir.writeJson("webhooks.json", {});
  const { conflicts } = await store.write(changes({ "default/webhooks/b": "{}" }), ignore);
  assertEquals(conflicts.length, 1);
});

Deno.test("a file that cannot be written is an error that names it", async () => {
  await using dir = await TempDir.create();
  const store = new FileStore({
    webhooks: dir.file("no/such/webhooks.json"),
    connections: dir.file("c.json"),
    named: [],
  }, "d");
  await store.read("target");
  const write = () => store.write(changes({ "d/webhooks/a": "{}" }), ignore);
  const error = await assertRejects(write, MigrationError, "no/such/webhooks.json");
  assertEquals(error.code, "unwritable");
});
