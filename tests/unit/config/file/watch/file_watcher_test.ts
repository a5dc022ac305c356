import { assert, assertEquals } from "@std/assert";
import { FileWatcher } from "../../../../../src/config/file/watch/file_watcher.ts";
import { logger } from "../../../../../src/observability/logging.ts";
import { eventually } from "../../../../support/eventually.ts";
import { RecordedLog } from "../../../../support/recorded_log.ts";
import { TempDir } from "../../../../support/temp_dir.ts";

/** A watcher whose worker hangs on `pipe` until it is let go. */
class HungWatcher implements AsyncDisposable {
  readonly watcher: FileWatcher;
  readonly pipe: string;
  notices = 0;

  private constructor(readonly dir: TempDir) {
    this.pipe = dir.file("pipe");
    this.watcher = new FileWatcher({
      onChange: () => this.notices++,
      debounceMs: 5,
      logger: logger("test"),
      timeoutMs: 20,
      openWorker: () =>
        new Worker(new URL("../../../../support/hung_watch_worker.ts", import.meta.url), { type: "module" }),
    });
  }

  static async create(): Promise<HungWatcher> {
    const hung = new HungWatcher(await TempDir.create());
    const { success } = await new Deno.Command("mkfifo", { args: [hung.pipe] }).output();
    assert(success);
    return hung;
  }

  /** Answers the call that the worker hangs in. */
  async letGo(): Promise<void> {
    using _end = await Deno.open(this.pipe, { write: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watcher[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

Deno.test("a watch of files that hangs holds up nobody, says so once, and is taken up when it answers", async () => {
  await using log = RecordedLog.start("info");
  await using hung = await HungWatcher.create();
  const { watcher, pipe } = hung;
  await watcher.follow([pipe]);
  await watcher.follow([pipe]);
  assertEquals(hung.notices, 0);
  await hung.letGo();
  await eventually(() => hung.notices > 0);
  const messages = (await log.records()).map(({ level, message }) => `${level}: ${message}`);
  assertEquals(messages.map((message) => message.split(",")[0]), [
    "warning: The files of the configuration cannot be watched",
    "info: The files of the configuration can be watched again",
  ]);
});

Deno.test("a watch of files that hangs can be ended", async () => {
  await using hung = await HungWatcher.create();
  await hung.watcher.follow([hung.pipe]);
  await hung.watcher[Symbol.asyncDispose]();
  await hung.watcher.follow([hung.pipe]);
  await hung.letGo();
  assertEquals(hung.notices, 0);
});

Deno.test("a watch of files notices changes from its own thread, and forgets what was dropped", async () => {
  await using dir = await TempDir.create();
  let notices = 0;
  await using watcher = new FileWatcher({ onChange: () => notices++, debounceMs: 0, logger: logger("test") });
  await watcher.follow([dir.file("a")]);
  await dir.writeText("a", "1");
  await eventually(() => notices > 0);
  await watcher.follow([dir.file("b")]);
  await dir.writeText("b", "1");
  const before = notices;
  await eventually(() => notices > before);
});
