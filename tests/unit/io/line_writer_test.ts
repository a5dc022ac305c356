import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { BufferedLineWriter, LineWriterError, type LineWriterOptions } from "../../../src/io/line_writer.ts";
import { fileLineWriter } from "../../support/file_line_writer.ts";
import { REPOSITORY } from "../../support/repository.ts";
import { TempDir } from "../../support/temp_dir.ts";

const HELPER = new URL("../../support/file_line_writer.ts", import.meta.url).href;
const MODULE = new URL("../../../src/io/line_writer.ts", import.meta.url).href;
const decoder = new TextDecoder();

/** A target of the test's own making, for what files and pipes do not do on command. */
class FakeTarget {
  text = "";
  /** Takes the bytes, or some of them, and returns how many; may throw. */
  take: (bytes: Uint8Array) => number | Promise<number> = (bytes) => this.keep(bytes, bytes.length);

  keep(bytes: Uint8Array, count: number): number {
    const taken = Math.min(count, bytes.length);
    this.text += decoder.decode(bytes.subarray(0, taken));
    return taken;
  }

  async write(bytes: Uint8Array): Promise<number> {
    return await this.take(bytes);
  }

  writeSync(bytes: Uint8Array): number {
    return this.take(bytes) as number;
  }
}

/** A pipe whose reader reads only when it is told to. */
class StalledPipe implements Disposable {
  private constructor(readonly reader: Deno.FsFile, readonly writer: Deno.FsFile) {}

  static async create(dir: TempDir): Promise<StalledPipe> {
    const path = dir.file("pipe");
    const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
    assert(success);
    // Opened for both, the first end of a FIFO does not wait for the other one.
    const reader = await Deno.open(path, { read: true, write: true });
    return new StalledPipe(reader, await Deno.open(path, { write: true }));
  }

  async read(bytes: number): Promise<string> {
    const buffer = new Uint8Array(bytes);
    for (let done = 0; done < bytes;) done += await this.reader.read(buffer.subarray(done)) ?? 0;
    return decoder.decode(buffer);
  }

  [Symbol.dispose](): void {
    this.reader.close();
    this.writer.close();
  }
}

function turns(count: number): Promise<void> {
  return new Promise((resolve) => {
    const next = (left: number) => left === 0 ? resolve() : setImmediate(() => next(left - 1));
    next(count);
  });
}

/** Runs a test once with a writer of each kind. */
function testBoth(name: string, run: (options: LineWriterOptions) => Promise<void>): void {
  for (const synchronous of [true, false]) {
    Deno.test(`${name} (${synchronous ? "synchronous" : "asynchronous"})`, () => run({ synchronous }));
  }
}

testBoth("line writer writes lines in the order of the calls when many write at once", async (options) => {
  await using dir = await TempDir.create();
  using file = await Deno.open(dir.file("log"), { write: true, create: true });
  await using writer = fileLineWriter(file, options);
  let next = 0;
  const expected: string[] = [];
  await Promise.all(Array.from({ length: 20 }, async () => {
    for (let round = 0; round < 50; round++) {
      const line = `line ${next++} äöü €`;
      expected.push(line);
      await writer.write(line);
    }
  }));
  assertEquals(await Deno.readTextFile(dir.file("log")), expected.map((line) => line + "\n").join(""));
});

Deno.test("line writer has a line in the file when its promise resolves", async () => {
  await using dir = await TempDir.create();
  using file = await Deno.open(dir.file("log"), { write: true, create: true });
  await using writer = fileLineWriter(file);
  await writer.write("first");
  assertEquals(await Deno.readTextFile(dir.file("log")), "first\n");
});

Deno.test("line writer keeps a confirmed line when the process is killed at once", async () => {
  await using dir = await TempDir.create();
  const program = `
    import { fileLineWriter } from ${JSON.stringify(HELPER)};
    const writer = fileLineWriter(await Deno.open(Deno.args[0], { write: true, create: true }));
    await writer.write("confirmed");
    Deno.kill(Deno.pid, "SIGKILL");`;
  const path = await dir.writeText("program.ts", program);
  const { signal } = await deno(["run", "--no-lock", "--no-check", "--allow-all", path, dir.file("log")])
    .output();
  assertEquals(signal, "SIGKILL");
  assertEquals(await Deno.readTextFile(dir.file("log")), "confirmed\n");
});

Deno.test("line writer writes to a redirected and to a piped standard output", async () => {
  await using dir = await TempDir.create();
  const program = `
    import { standardLineWriter } from ${JSON.stringify(MODULE)};
    await using writer = standardLineWriter("stdout");
    await writer.write("one");
    writer.tryWrite("two");`;
  const path = await dir.writeText("program.ts", program);
  const args = ["run", "--no-lock", "--no-check", "--allow-all", path];
  const piped = await deno(args).output();
  assertEquals(decoder.decode(piped.stdout), "one\ntwo\n");
  await new Deno.Command("sh", {
    args: ["-c", 'out="$1"; shift; exec "$@" > "$out"', "sh", dir.file("out"), Deno.execPath(), ...args],
    cwd: REPOSITORY,
  }).output();
  assertEquals(await Deno.readTextFile(dir.file("out")), "one\ntwo\n");
});

function deno(args: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), { args, cwd: REPOSITORY });
}

testBoth("line writer gives the lines of one turn one write and one promise", async (options) => {
  const target = new FakeTarget();
  let writes = 0;
  target.take = (bytes) => {
    writes++;
    return target.keep(bytes, bytes.length);
  };
  await using writer = new BufferedLineWriter(target, options);
  const first = writer.write("a");
  const second = writer.write("b");
  assertStrictEquals(first, second);
  await first;
  assertEquals(writes, 1);
  await writer.write("c");
  assertEquals(writes, 2);
  assertEquals(target.text, "a\nb\nc\n");
});

testBoth("line writer goes on with the rest when the target takes only a part", async (options) => {
  const target = new FakeTarget();
  target.take = (bytes) => target.keep(bytes, 3);
  await using writer = new BufferedLineWriter(target, options);
  await Promise.all([writer.write("hello"), writer.write("world")]);
  assertEquals(target.text, "hello\nworld\n");
});

testBoth("line writer writes batches of any size unchanged", async (options) => {
  await using dir = await TempDir.create();
  using file = await Deno.open(dir.file("log"), { write: true, create: true });
  await using writer = fileLineWriter(file, options);
  const lines = [1, 80_000, 90_000, 300_000].map((length) => "€".repeat(length));
  for (const line of lines) await writer.write(line);
  assertEquals((await Deno.readTextFile(dir.file("log"))).split("\n"), [...lines, ""]);
});

Deno.test("line writer does not stop the event loop when the reader of a pipe stalls", async () => {
  await using dir = await TempDir.create();
  using pipe = await StalledPipe.create(dir);
  await using writer = fileLineWriter(pipe.writer);
  const line = "x".repeat(1_000_000);
  let settled = false;
  const written = writer.write(line).then(() => settled = true);
  await turns(200);
  assertEquals(settled, false);
  assertEquals(await pipe.read(line.length + 1), line + "\n");
  await written;
});

Deno.test("line writer refuses lines beyond its bound and takes them again when the reader goes on", async () => {
  await using dir = await TempDir.create();
  using pipe = await StalledPipe.create(dir);
  await using writer = fileLineWriter(pipe.writer, { maxWaiting: 500_000 });
  const long = "x".repeat(400_000);
  const written = writer.write(long);
  await turns(10);
  const second = writer.write("second");
  const error = await assertRejects(() => writer.write("y".repeat(100_000)), LineWriterError);
  assertEquals(error.code, "line_writer_full");
  assertEquals(writer.tryWrite("z".repeat(100_000)), false);
  assertEquals(await pipe.read(long.length + 8), `${long}\nsecond\n`);
  await Promise.all([written, second]);
  await writer.write("third");
  assertEquals(await pipe.read(6), "third\n");
});

Deno.test("line writer takes one line that is longer than its bound when nothing else waits", async () => {
  const target = new FakeTarget();
  await using writer = new BufferedLineWriter(target, { maxWaiting: 10 });
  const written = writer.write("longer than ten characters");
  const error = await assertRejects(() => writer.write("x"), LineWriterError);
  assertEquals(error.code, "line_writer_full");
  await written;
  assertEquals(target.text, "longer than ten characters\n");
});

testBoth("line writer fails a batch with the reason when the disk is full", async (options) => {
  using full = await Deno.open("/dev/full", { write: true });
  await using writer = fileLineWriter(full, options);
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await assertRejects(() => writer.write("lost"), LineWriterError);
    assertEquals(error.code, "line_writer_failed");
    assertInstanceOf(error.cause, Error);
    assertEquals((error.cause as Error & { code?: string }).code, "ENOSPC");
  }
});

testBoth(
  "line writer begins a new line when the batch before it broke off in the middle of one",
  async (options) => {
    const target = new FakeTarget();
    await using writer = new BufferedLineWriter(target, options);
    let calls = 0;
    target.take = (bytes) => {
      if (++calls === 1) return target.keep(bytes, 8);
      throw new Error("No space left");
    };
    await assertRejects(() => writer.write("whole\nhalf"), LineWriterError);
    await assertRejects(() => writer.write("none"), LineWriterError);
    target.take = (bytes) => target.keep(bytes, bytes.length);
    await writer.write("next");
    await writer.write("last");
    assertEquals(target.text, "whole\nha\nnext\nlast\n");
  },
);

Deno.test("line writer fails a batch when the target takes no bytes", async () => {
  const target = new FakeTarget();
  target.take = () => 0;
  await using writer = new BufferedLineWriter(target);
  const error = await assertRejects(() => writer.write("lost"), LineWriterError);
  assertEquals(error.code, "line_writer_failed");
});

testBoth("line writer counts unattended lines that a failed write lost", async (options) => {
  const target = new FakeTarget();
  await using writer = new BufferedLineWriter(target, options);
  target.take = () => {
    throw new Error("No space left");
  };
  assertEquals(writer.tryWrite("one"), true);
  assertEquals(writer.tryWrite("two"), true);
  const attended = writer.write("three");
  await assertRejects(() => attended, LineWriterError);
  assertEquals(writer.lostLines, 2);
  target.take = (bytes) => target.keep(bytes, bytes.length);
  writer.tryWrite("four");
  await writer.flush();
  assertEquals(writer.lostLines, 2);
  assertEquals(target.text, "\nfour\n");
});

Deno.test("line writer keeps one write under way and gathers what comes meanwhile", async () => {
  const target = new FakeTarget();
  const sizes: number[] = [];
  let release = () => {};
  target.take = (bytes) => {
    sizes.push(bytes.length);
    return new Promise((resolve) => release = () => resolve(target.keep(bytes, bytes.length)));
  };
  await using writer = new BufferedLineWriter(target);
  const first = writer.write("a");
  await turns(2);
  const second = writer.write("b");
  await turns(2);
  writer.tryWrite("c");
  assertEquals(sizes, [2]);
  release();
  await first;
  await turns(1);
  release();
  await second;
  assertEquals(sizes, [2, 4]);
  assertEquals(target.text, "a\nb\nc\n");
});

testBoth(
  "line writer writes what is queued and then takes nothing more when it is disposed",
  async (options) => {
    const target = new FakeTarget();
    const writer = new BufferedLineWriter(target, options);
    const written = writer.write("queued");
    writer.tryWrite("unattended");
    await writer[Symbol.asyncDispose]();
    await written;
    assertEquals(target.text, "queued\nunattended\n");
    const error = await assertRejects(() => writer.write("late"), LineWriterError);
    assertEquals(error.code, "line_writer_closed");
    assertEquals(writer.tryWrite("late"), false);
    await writer[Symbol.asyncDispose]();
    assertEquals(target.text, "queued\nunattended\n");
  },
);

Deno.test("line writer gives up what a stalled reader does not take when it is disposed", async () => {
  const target = new FakeTarget();
  let end: (taken: boolean) => void = () => {};
  target.take = (bytes) =>
    new Promise((resolve, reject) => {
      end = (taken) => taken ? resolve(target.keep(bytes, bytes.length)) : reject(new Error("No reader"));
    });
  const writer = new BufferedLineWriter(target, { disposeTimeoutMs: 1 });
  const stalled = assertRejects(() => writer.write("stalled"), LineWriterError);
  writer.tryWrite("unattended");
  await turns(2);
  const queued = assertRejects(() => writer.write("queued"), LineWriterError);
  writer.tryWrite("unattended");
  await writer[Symbol.asyncDispose]();
  assertEquals((await stalled).code, "line_writer_closed");
  assertEquals((await queued).code, "line_writer_closed");
  assertEquals(writer.lostLines, 2);
  end(false);
  await turns(2);
  assertEquals(writer.lostLines, 2);
  assertEquals(target.text, "");
});

testBoth("line writer loses unattended lines without an unhandled rejection", async (options) => {
  const target = new FakeTarget();
  target.take = () => {
    throw new Error("No space left");
  };
  await using writer = new BufferedLineWriter(target, options);
  writer.tryWrite("lost");
  await turns(5);
  assertEquals(writer.lostLines, 1);
});
