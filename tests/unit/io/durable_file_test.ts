import { assertEquals, assertRejects } from "@std/assert";
import {
  flushDirectory,
  putInPlace,
  removeIfThere,
  writeAll,
  writeFlushed,
} from "../../../src/io/durable_file.ts";
import { TempDir } from "../../support/temp_dir.ts";

const NEW_FILE = { createNew: true, mode: 0o600 };
const text = (value: string) => new TextEncoder().encode(value);

Deno.test("all bytes are written, however few one call takes", async () => {
  const calls: number[][] = [];
  const slow = {
    write: (bytes: Uint8Array) => {
      calls.push([...bytes]);
      return Promise.resolve(Math.min(2, bytes.length));
    },
  };
  await writeAll(slow, Uint8Array.of(1, 2, 3, 4, 5));
  assertEquals(calls, [[1, 2, 3, 4, 5], [3, 4, 5], [5]]);
});

Deno.test("a file is written with the mode that it should have, and put in the place of another one", async () => {
  await using directory = await TempDir.create();
  const [path, temporary] = [directory.file("file"), directory.file(".file.new")];
  await Deno.writeTextFile(path, "former");
  await writeFlushed(temporary, NEW_FILE, (file) => writeAll(file, text("new")));
  assertEquals((await Deno.stat(temporary)).mode! & 0o777, 0o600);
  assertEquals(await Deno.readTextFile(path), "former");
  await putInPlace(temporary, path);
  assertEquals(await Deno.readTextFile(path), "new");
  assertEquals([...Deno.readDirSync(directory.path)].map(({ name }) => name), ["file"]);
});

Deno.test("a file that stands already is not written where a new one is wanted", async () => {
  await using directory = await TempDir.create();
  const path = directory.file("file");
  await Deno.writeTextFile(path, "former");
  await assertRejects(
    () => writeFlushed(path, NEW_FILE, (file) => writeAll(file, text("new"))),
    Deno.errors.AlreadyExists,
  );
  assertEquals(await Deno.readTextFile(path), "former");
});

Deno.test("what fails while a file is written is reported, and the file closed", async () => {
  await using directory = await TempDir.create();
  const failing = () => Promise.reject(new Error("no room"));
  await assertRejects(() => writeFlushed(directory.file("file"), NEW_FILE, failing), Error, "no room");
});

Deno.test("names of a directory are flushed, and one that is gone is an error", async () => {
  await using directory = await TempDir.create();
  await flushDirectory(directory.path);
  await assertRejects(() => flushDirectory(directory.file("gone")), Deno.errors.NotFound);
});

Deno.test("a file that is removed is gone, and one that is gone stays so", async () => {
  await using directory = await TempDir.create();
  const path = directory.file("file");
  await Deno.writeTextFile(path, "");
  await removeIfThere(path);
  await removeIfThere(path);
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
});
