import { assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { DirectoryWatcher } from "../../../../src/config/file/directory_watcher.ts";
import { eventually } from "../../../support/eventually.ts";
import { TempDir } from "../../../support/temp_dir.ts";

/** A watcher that counts its notices, and a directory for it to watch. */
class Fixture implements AsyncDisposable {
  readonly watcher: DirectoryWatcher;
  notices = 0;

  private constructor(readonly dir: TempDir, debounceMs: number) {
    this.watcher = new DirectoryWatcher({
      onChange: () => this.notices++,
      debounceMs,
      onUnwatchable: (_directory, reason) => {
        throw new Error(reason);
      },
    });
  }

  static async create({ debounceMs = 5 } = {}): Promise<Fixture> {
    return new Fixture(await TempDir.create(), debounceMs);
  }

  /** Does something and waits until the watcher has noticed it. */
  async noticed(change: () => Promise<unknown>): Promise<void> {
    const before = this.notices;
    await change();
    await eventually(() => this.notices > before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watcher[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

Deno.test("directory watcher notices a file that appears, changes and goes", async () => {
  await using fixture = await Fixture.create();
  const { watcher, dir } = fixture;
  const file = dir.file("watched.json");
  await watcher.follow([file]);
  await fixture.noticed(() => dir.writeText("watched.json", "1"));
  await fixture.noticed(() => dir.writeText("watched.json", "2"));
  await fixture.noticed(() => Deno.remove(file));
});

Deno.test("directory watcher says nothing of other files and of the reading of its own", async () => {
  await using fixture = await Fixture.create({ debounceMs: 0 });
  const { watcher, dir } = fixture;
  const file = await dir.writeText("watched.json", "1");
  await watcher.follow([file]);
  for (let round = 0; round < 20; round++) {
    await dir.writeText("other.log", `${round}`);
    await Deno.readTextFile(file);
  }
  // A second watcher of the same directory has been told of everything before, once it is told of this.
  using witness = Deno.watchFs(dir.path, { recursive: false });
  await dir.writeText("last.log", "");
  for await (const event of witness) if (event.paths.some((path) => path.endsWith("last.log"))) break;
  assertEquals(fixture.notices, 0);
  await fixture.noticed(() => dir.writeText("watched.json", "2"));
});

Deno.test("directory watcher makes one notice of many events in a row", async () => {
  await using fixture = await Fixture.create({ debounceMs: 1_000 });
  const { watcher, dir } = fixture;
  await watcher.follow([dir.file("watched.json")]);
  // Written without a turn of the event loop in between, so that no pause can make it two rows.
  for (let round = 0; round < 50; round++) Deno.writeTextFileSync(dir.file("watched.json"), `${round}`);
  await eventually(() => fixture.notices > 0);
  assertEquals(fixture.notices, 1);
});

Deno.test("directory watcher does not wait for the end of a stream of events", async () => {
  await using fixture = await Fixture.create({ debounceMs: 100 });
  const { watcher, dir } = fixture;
  await watcher.follow([dir.file("watched.json")]);
  let writes = 0;
  await eventually(async () => {
    await dir.writeText("watched.json", `${writes++}`);
    return fixture.notices > 1;
  }, { intervalMs: 1 });
});

Deno.test("directory watcher follows a path through folders that do not exist yet", async () => {
  await using fixture = await Fixture.create();
  const { watcher, dir } = fixture;
  const file = dir.file("a", "b", "watched.json");
  await watcher.follow([file]);
  await fixture.noticed(() => Deno.mkdir(dir.file("a")));
  await watcher.follow([file]);
  await fixture.noticed(() => Deno.mkdir(dir.file("a", "b")));
  await watcher.follow([file]);
  await fixture.noticed(() => Deno.writeTextFile(file, "1"));
});

Deno.test("directory watcher notices the loss of its directory, and follows the path to the next one", async () => {
  await using fixture = await Fixture.create();
  const { watcher, dir } = fixture;
  const folder = dir.file("config");
  const file = dir.file("config", "watched.json");
  await Deno.mkdir(folder);
  await watcher.follow([file]);
  await fixture.noticed(() => Deno.remove(folder));
  await Deno.mkdir(folder);
  await watcher.follow([file]);
  await fixture.noticed(() => Deno.writeTextFile(file, "1"));

  await fixture.noticed(() => Deno.rename(folder, dir.file("old")));
  await Deno.mkdir(folder);
  await watcher.follow([file]);
  await fixture.noticed(() => Deno.writeTextFile(file, "2"));
});

Deno.test("directory watcher follows a link to where it leads now", async () => {
  await using fixture = await Fixture.create();
  const { watcher, dir } = fixture;
  const link = dir.file("watched.json");
  for (const target of ["one", "two"]) await Deno.mkdir(dir.file(target));
  await Deno.symlink("one/file", link);
  await watcher.follow([link]);
  await fixture.noticed(() => dir.writeText("one/file", "1"));
  await fixture.noticed(async () => {
    await Deno.symlink("two/file", dir.file("next"));
    await Deno.rename(dir.file("next"), link);
  });
  await watcher.follow([link]);
  await fixture.noticed(() => dir.writeText("two/file", "1"));
});

Deno.test("directory watcher drops a notice that is due at disposal, and can be disposed twice", async () => {
  await using fixture = await Fixture.create({ debounceMs: 20 });
  const { watcher, dir } = fixture;
  await watcher.follow([dir.file("watched.json")]);
  using witness = Deno.watchFs(dir.path, { recursive: false });
  await dir.writeText("watched.json", "1");
  for await (const _event of witness) break;
  await watcher[Symbol.asyncDispose]();
  await watcher[Symbol.asyncDispose]();
  await sleep(100); // Five times as long as a notice may take: it would have come by now.
  assertEquals(fixture.notices, 0);
});
