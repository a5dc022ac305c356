import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  readSnapshot,
  removeLeftOvers,
  SnapshotError,
  type SnapshotKey,
  writeSnapshot,
} from "../../../../src/config/snapshot/file.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const ORIGIN = { format: "cwm-etcd-snapshot", prefix: "/cwm/" } as const;
const HEAD = { ...ORIGIN, clusterId: "14841639068965178418", revision: 42 } as const;

Deno.test("a snapshot is read as it was written", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  const keys: SnapshotKey[] = [
    ["default/webhooks/a", 17, '{"module":"log"}'],
    ["default/webhooks/lines", 18, "{\n}\r\u2028 é \ud83d\ude00"],
    ["default/webhooks/bytes", 42, null],
    ["default/webhooks/made", 43, "{}", 5],
    ["default/webhooks/bad", 44, "{", 6, [41, '{"module":"log"}']],
  ];
  await writeSnapshot(path, HEAD, keys);
  assertEquals(await readSnapshot(path, ORIGIN), { ...HEAD, keys, othersMayRead: false });
});

Deno.test("a snapshot of thousands of keys, and one of none, are read as they were written", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  for (const count of [0, 2_500]) {
    const keys = Array.from({ length: count }, (_, id): SnapshotKey => [`default/webhooks/w${id}`, id, "{}"]);
    await writeSnapshot(path, HEAD, keys);
    assertEquals((await readSnapshot(path, ORIGIN))?.keys, keys);
  }
});

Deno.test("a snapshot that does not exist is none", async () => {
  await using dir = await TempDir.create();
  assertEquals(await readSnapshot(dir.file("snapshot.json"), ORIGIN), undefined);
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
    await assertRejects(() => readSnapshot(path, ORIGIN), SnapshotError);
  }
});

Deno.test("a snapshot in a place that cannot be read is reported with the path", async () => {
  await using dir = await TempDir.create();
  await assertRejects(() => readSnapshot(dir.path, ORIGIN), SnapshotError, dir.path);
});

Deno.test("a snapshot that others may write is refused, whatever it says", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  for (const mode of [0o606, 0o602, 0o620, 0o666, 0o777]) {
    await writeSnapshot(path, HEAD, [["default/webhooks/a", 17, "{}"]]);
    await Deno.chmod(path, mode);
    const error = await assertRejects(() => readSnapshot(path, ORIGIN), SnapshotError, path);
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
    assertEquals((await readSnapshot(path, ORIGIN))?.othersMayRead, othersMayRead);
  }
});

Deno.test("writing a snapshot leaves nothing behind but the snapshot, for its owner alone", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  await writeSnapshot(path, HEAD, []);
  assertEquals((await Array.fromAsync(Deno.readDir(dir.path))).map(({ name }) => name), ["snapshot.json"]);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
});

Deno.test("what killed writers of a snapshot have left is removed, and what others write is not", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  const names = ["snapshot.json.1.tmp", "snapshot.json.2.tmp", "other.json.1.tmp"];
  for (const name of names) await Deno.writeTextFile(dir.file(name), "half");
  const hourAgo = new Date(Date.now() - 3_600_000);
  for (const name of ["snapshot.json.1.tmp", "other.json.1.tmp"]) {
    await Deno.utime(dir.file(name), hourAgo, hourAgo);
  }
  await removeLeftOvers(path);
  const left = (await Array.fromAsync(Deno.readDir(dir.path))).map(({ name }) => name).sort();
  assertEquals(left, ["other.json.1.tmp", "snapshot.json.2.tmp"]);
});

Deno.test("a snapshot of files is not read as one of etcd", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  await writeSnapshot(path, HEAD, []);
  const files = { format: "cwm-file-snapshot", prefix: "/cwm/" } as const;
  await assertRejects(() => readSnapshot(path, files), SnapshotError, "cwm-file-snapshot");
});

Deno.test("several writers of one snapshot leave a whole one", async () => {
  await using dir = await TempDir.create();
  const path = dir.file("snapshot.json");
  const keys = Array.from({ length: 1_500 }, (_, id): SnapshotKey => [`default/webhooks/w${id}`, id, "{}"]);
  await Promise.all([1, 2, 3].map(() => writeSnapshot(path, HEAD, keys)));
  assertEquals((await readSnapshot(path, ORIGIN))?.keys.length, 1_500);
});
