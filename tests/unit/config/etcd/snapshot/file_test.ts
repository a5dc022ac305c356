import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  readSnapshot,
  SnapshotError,
  type SnapshotKey,
  writeSnapshot,
} from "../../../../../src/config/etcd/snapshot/file.ts";
import { TempDir } from "../../../../support/temp_dir.ts";

const HEAD = { prefix: "/cwm/", clusterId: "14841639068965178418", revision: 42 } as const;

Deno.test("a snapshot is read as it was written", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  const keys: SnapshotKey[] = [
    ["default/webhooks/a", 17, '{"module":"log"}'],
    ["default/webhooks/lines", 18, "{\n}\r\u2028 é \ud83d\ude00"],
    ["default/webhooks/bytes", 42, null],
    ["default/webhooks/made", 43, "{}", 5],
  ];
  await writeSnapshot(path, HEAD, keys);
  assertEquals(await readSnapshot(path, "/cwm/"), { ...HEAD, keys, othersMayRead: false });
});

Deno.test("a snapshot of thousands of keys, and one of none, are read as they were written", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  for (const count of [0, 2_500]) {
    const keys = Array.from({ length: count }, (_, id): SnapshotKey => [`default/webhooks/w${id}`, id, "{}"]);
    await writeSnapshot(path, HEAD, keys);
    assertEquals((await readSnapshot(path, "/cwm/"))?.keys, keys);
  }
});

Deno.test("a snapshot that does not exist is none", async () => {
  await using dir = await TempDir.create();
  assertEquals(await readSnapshot(dir.file("snapshot.json"), "/cwm/"), undefined);
});

Deno.test("a snapshot is refused when any single byte of it has changed", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  await writeSnapshot(path, HEAD, [["default/webhooks/a", 17, "{}"]]);
  const bytes = await Deno.readFile(path);
  for (let index = 0; index < bytes.length; index++) {
    const changed = bytes.slice();
    changed[index]! ^= 1;
    await Deno.writeFile(path, changed);
    await assertRejects(() => readSnapshot(path, "/cwm/"), SnapshotError);
  }
});

Deno.test("a snapshot in a place that cannot be read is reported with the path", async () => {
  await using dir = await TempDir.create();
  await assertRejects(() => readSnapshot(dir.path, "/cwm/"), SnapshotError, dir.path);
});

Deno.test("a snapshot that others may write is refused, whatever it says", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  for (const mode of [0o606, 0o602, 0o620, 0o666, 0o777]) {
    await writeSnapshot(path, HEAD, [["default/webhooks/a", 17, "{}"]]);
    await Deno.chmod(path, mode);
    const error = await assertRejects(() => readSnapshot(path, "/cwm/"), SnapshotError, path);
    assertStringIncludes(error.message, mode.toString(8));
  }
});

Deno.test("a snapshot that others may read is used, and says that they may", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  await writeSnapshot(path, HEAD, []);
  for (
    const [mode, othersMayRead] of [[0o600, false], [0o400, false], [0o640, true], [0o604, true]] as const
  ) {
    await Deno.chmod(path, mode);
    assertEquals((await readSnapshot(path, "/cwm/"))?.othersMayRead, othersMayRead);
  }
});

Deno.test("writing a snapshot leaves nothing behind but the snapshot, for its owner alone", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  await Deno.writeTextFile(`${path}.tmp`, "left over by a crash", { mode: 0o644 });
  await writeSnapshot(path, HEAD, []);
  assertEquals((await Array.fromAsync(Deno.readDir(dir.path))).map(({ name }) => name), ["snapshot.json"]);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
});
