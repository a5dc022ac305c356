import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MigrationError } from "../../../../src/migrate/configuration.ts";
import { FilePlace } from "../../../../src/migrate/single/file_place.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const FILE = `{
  "_note": "ours",
  "orders": {
    "module": "log",
    "_n": 1.0
  },
  "other": { "module": "log" }
}
`;

function placeIn(dir: TempDir, id = "orders"): FilePlace {
  const path = dir.file("webhooks.json");
  return new FilePlace({ kind: "webhook", namespace: "default", id }, {
    paths: [path],
    path,
    connections: [dir.file("connections.json")],
  });
}

async function write(place: FilePlace, text: string | undefined): Promise<void> {
  assert("done" in await place.write(text, await place.read()));
}

Deno.test("one webhook of a file is written, and the rest of the file stays byte by byte", async () => {
  await using dir = await TempDir.create();
  const path = await dir.writeText("webhooks.json", FILE);
  await Deno.chmod(path, 0o640);
  const place = placeIn(dir);
  assertEquals((await place.read())?.text, '{\n  "module": "log",\n  "_n": 1.0\n}');
  await write(place, '{\n  "module": "log",\n  "_n": 2.0\n}');
  assertEquals(await Deno.readTextFile(path), FILE.replace("1.0", "2.0"));
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o640);
  await write(placeIn(dir, "new"), '{\n  "module": "log"\n}');
  assertStringIncludes(
    await Deno.readTextFile(path),
    '"other": { "module": "log" },\n  "new": {\n    "module": "log"\n  }\n}\n',
  );
  await write(placeIn(dir, "new"), undefined);
  assertEquals(await Deno.readTextFile(path), FILE.replace("1.0", "2.0"));
});

Deno.test("a webhook that somebody else has changed is a conflict, and another one's change stays", async () => {
  await using dir = await TempDir.create();
  const path = await dir.writeText("webhooks.json", FILE);
  const place = placeIn(dir);
  const seen = await place.read();
  // Another webhook was changed with an editor.
  await dir.writeText(
    "webhooks.json",
    FILE.replace("ours", "theirs").replace('{ "module"', '{ "x-a": 1, "module"'),
  );
  assert("done" in await place.write('{"module":"log"}', seen));
  assertStringIncludes(await Deno.readTextFile(path), '"x-a": 1');
  const before = await Deno.readTextFile(path);
  const late = await place.write('{"module":"kafka"}', seen);
  assertEquals(late, { conflict: { text: '{"module":"log"}', revision: "" } });
  assertEquals(await Deno.readTextFile(path), before);
});

Deno.test("of many writers at once each change is kept or is a conflict, and none is lost", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("webhooks.json", "{}");
  const others = Array.from({ length: 8 }, (_, index) => placeIn(dir, `w${index}`));
  await Promise.all(others.map((place) => write(place, '{"module":"log"}')));
  assertEquals(
    Object.keys(JSON.parse(await Deno.readTextFile(dir.file("webhooks.json")))).sort(),
    others.map((_, index) => `w${index}`),
  );
  const seen = await others[0]!.read();
  const results = await Promise.all([1, 2, 3, 4].map((n) => placeIn(dir, "w0").write(`{"x-n":${n}}`, seen)));
  assertEquals(results.filter((result) => "done" in result).length, 1);
});

Deno.test("the last ten versions stay beside a file for their owner alone, and deletions come back", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("webhooks.json", FILE);
  const place = placeIn(dir);
  for (let n = 1; n <= 12; n++) await write(place, `{"x-n":${n}}`);
  await write(place, undefined);
  const { versions, reach } = await place.history();
  assertEquals(versions.map(({ revision, text }) => [revision, text]), [
    ...Array.from({ length: 10 }, (_, index) => [index + 4, `{"x-n":${index + 3}}`]),
    [14, undefined],
  ]);
  assertStringIncludes(reach, "the last 10 versions");
  const directory = dir.file(".webhooks.json.history");
  const files = [...Deno.readDirSync(directory)].filter(({ name }) => name.endsWith(".json"));
  assertEquals(files.length, 10);
  assertEquals((await Deno.stat(directory)).mode! & 0o777, 0o700);
  for (const { name } of files) assertEquals((await Deno.stat(`${directory}/${name}`)).mode! & 0o777, 0o600);
  await write(place, versions.at(-2)!.text);
  assertEquals((await place.read())?.text, '{"x-n":12}');
  // Another webhook has one version: it has never changed.
  assertEquals((await placeIn(dir, "other").history()).versions.length, 1);
});

Deno.test("of merged files the named one is written, and judged is what is merged", async () => {
  await using dir = await TempDir.create();
  const [base, overlay] = [dir.file("base.json"), dir.file("production.json")];
  await dir.writeText("base.json", '{"orders":{"module":"log","limits":{"concurrency":2}}}');
  const place = new FilePlace({ kind: "webhook", namespace: "default", id: "orders" }, {
    paths: [base, overlay],
    path: overlay,
    connections: [],
  });
  assertEquals(await place.read(), undefined);
  assertEquals(await place.valueOf('{"limits":{"queue":1}}'), {
    json: { module: "log", limits: { concurrency: 2, queue: 1 } },
  });
  await write(place, '{"limits":{"queue":1}}');
  assertEquals(JSON.parse(await Deno.readTextFile(overlay)), { orders: { limits: { queue: 1 } } });
});

Deno.test("a file that is no JSON is never written", async () => {
  await using dir = await TempDir.create();
  const path = await dir.writeText("webhooks.json", '{"orders": {"module": "log"},}');
  const error = await assertRejects(() => placeIn(dir).write("{}", undefined), MigrationError);
  assertEquals(error.code, "unreadable");
  assertEquals(await Deno.readTextFile(path), '{"orders": {"module": "log"},}');
});
