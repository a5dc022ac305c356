import { assertEquals, assertRejects } from "@std/assert";
import { BlockingCalls } from "../../../src/io/blocking_calls.ts";
import { readSmallFile, UnreadableFileError, withinTime } from "../../../src/io/small_file.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** A file whose disk does not answer before it is made to. */
class HungFile implements AsyncDisposable {
  readonly calls = new BlockingCalls({ total: 4, perKey: 1 });
  readonly #answer = Promise.withResolvers<void>();
  readonly #hanging: Promise<void>;

  constructor(readonly path: string) {
    this.#hanging = this.calls.run(path, new AbortController().signal, () => this.#answer.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#answer.resolve();
    await this.#hanging;
  }
}

Deno.test("a small file is read as text", async () => {
  await using dir = await TempDir.create();
  assertEquals(await readSmallFile(await dir.writeText("a", "é\n")), "é\n");
});

Deno.test("a file that does not answer is given up at the deadline, and holds one thread in all", async () => {
  await using dir = await TempDir.create();
  await using file = new HungFile(await dir.writeText("a", "text"));
  for (let attempt = 0; attempt < 3; attempt++) {
    await assertRejects(
      () => readSmallFile(file.path, { timeoutMs: 20, among: file.calls }),
      UnreadableFileError,
      "did not answer within 0.02 seconds",
    );
  }
  assertEquals(file.calls.underWay, 1);
});

Deno.test("a signal ends the wait for a file that does not answer", async () => {
  await using dir = await TempDir.create();
  await using file = new HungFile(await dir.writeText("a", "text"));
  const stopping = new AbortController();
  const read = readSmallFile(file.path, { timeoutMs: 60_000, signal: stopping.signal, among: file.calls });
  stopping.abort(new Error("stopped"));
  await assertRejects(() => read, Error, "stopped");
});

Deno.test("what is no small regular file is not read", async () => {
  await using dir = await TempDir.create();
  await assertRejects(() => readSmallFile(dir.path), UnreadableFileError, "not a regular file");
  const path = await dir.writeText("a", "12345");
  await assertRejects(() => readSmallFile(path, { maxBytes: 4 }), UnreadableFileError, "more than 4 bytes");
  await assertRejects(() => readSmallFile(dir.file("b")), Deno.errors.NotFound);
});

Deno.test("a read that is broken off is over when its caller hears of it", async () => {
  const answer = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const calls = new BlockingCalls({ total: 4, perKey: 1 });
  const read = withinTime("a", { signal: stopping.signal, among: calls }, () => answer.promise);
  let isOver = false;
  const over = read.finally(() => isOver = true);
  stopping.abort(new Error("stopped"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([isOver, calls.underWay], [false, 1]);
  answer.resolve();
  await assertRejects(() => over, Error, "stopped");
  assertEquals(calls.underWay, 0);
});

Deno.test("a read that is broken off and hangs is left", async () => {
  const answer = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const calls = new BlockingCalls({ total: 4, perKey: 1 });
  const read = withinTime(
    "a",
    { timeoutMs: 60_000, signal: stopping.signal, among: calls },
    () => answer.promise,
  );
  stopping.abort(new Error("stopped"));
  await assertRejects(() => read, Error, "stopped");
  assertEquals(calls.underWay, 1);
  answer.resolve();
});
