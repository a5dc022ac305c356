import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { StartupError } from "../../src/errors.ts";
import { eventually } from "../support/eventually.ts";
import { appendMany, claimAll } from "../contracts/journal.ts";
import { JournalProcess } from "../support/journal/process.ts";
import { openJournal } from "../support/journal/sqlite_journal.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Real system calls of a real process, delayed or made to fail. */
function tracing(...injection: readonly string[]): string[] {
  return [
    "strace",
    "-D",
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "trace=fsync,fdatasync",
    "-e",
    injection.join(":"),
  ];
}

const SYNC = "inject=fsync,fdatasync";

Deno.test("a journal's directory belongs to one process, until that has ended", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data");
  {
    await using owner = await JournalProcess.start(directory);
    assertEquals((await owner.tell({ do: "append", count: 3 })).sequences, [1, 2, 3]);
    const error = await assertRejects(() => openJournal(directory), StartupError);
    assertEquals([error.code, error.problems.length], ["data_directory_in_use", 1]);
    assertStringIncludes(error.message, directory);
    await using second = JournalProcess.spawn(directory);
    await second.waitForLine(/^Refused: data_directory_in_use$/);
    assertEquals((await owner.tell({ do: "append", count: 1 })).sequences, [4], "the owner works on");
  }
  await using journal = await openJournal(directory);
  assertEquals((await claimAll(journal)).events.map(({ sequence }) => sequence), [1, 2, 3, 4]);
  await using late = JournalProcess.spawn(directory);
  await late.waitForLine(/^Refused: data_directory_in_use$/);
});

Deno.test("a second journal in one process is refused, too", async () => {
  await using temporary = await TempDir.create();
  await using first = await openJournal(temporary.path);
  await appendMany(first, 1);
  const error = await assertRejects(() => openJournal(temporary.path), StartupError);
  assertEquals(error.code, "data_directory_in_use");
  await appendMany(first, 1);
});

Deno.test("a journal holds all that it has confirmed when its process is killed under load", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data");
  const confirmed: number[] = [];
  for (let life = 0; life < 3; life++) {
    await using owner = await JournalProcess.start(directory);
    const target = confirmed.length + 400 * (life + 1);
    const writers = Array.from({ length: 8 }, async () => {
      try {
        while (true) {
          confirmed.push(...(await owner.tell({ do: "append", count: 10, claim: true })).sequences);
        }
      } catch (error) {
        // The process is gone, and with it what it had not confirmed.
        assert(error instanceof TypeError, String(error));
      }
    });
    await eventually(() => confirmed.length >= target);
    owner.process.kill("SIGKILL");
    await Promise.all(writers);
  }
  await using journal = await openJournal(directory);
  const held = new Set<number>();
  for (let events = (await claimAll(journal)).events; events.length > 0;) {
    for (const { sequence } of events) held.add(sequence);
    events = (await claimAll(journal)).events;
  }
  assertEquals(confirmed.filter((sequence) => !held.has(sequence)), []);
  assertEquals(new Set(confirmed).size, confirmed.length, "no sequence was given twice");
});

Deno.test("a disk that takes 100 ms to confirm delays what waits for the journal, and nothing else", async () => {
  await using temporary = await TempDir.create();
  await using owner = await JournalProcess.start(
    temporary.file("data"),
    tracing(SYNC, "delay_exit=100000"),
  );
  await owner.tell({ do: "append", count: 1 });
  let isConfirmed = false;
  const appended = owner.tell({ do: "append", count: 500 }).then((reply) => {
    isConfirmed = true;
    return reply;
  });
  let answered = 0;
  while (!isConfirmed) {
    await owner.tell({ do: "nothing" });
    if (!isConfirmed) answered++;
  }
  assertEquals((await appended).sequences.length, 500);
  assert(answered > 1, "no other request was answered while the journal waited for its disk");
});

Deno.test("a claim that the disk did not confirm is refused, and its event can be claimed again", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data");
  {
    // The disk fails for a while, after the file has been made. What was not confirmed may be on it all the same.
    await using owner = await JournalProcess.start(directory, tracing(SYNC, "error=EIO", "when=25..50"));
    const appended = await appendAll(owner, 100);
    const claimed: number[] = [];
    let refused = 0;
    while (claimed.length < appended.length) {
      const { sequences, refused: code } = await owner.tell({ do: "claim", limit: 1 });
      claimed.push(...sequences);
      assert(code !== undefined || sequences.length === 1, "an event is claimed that nobody knows of");
      if (code === undefined) continue;
      assertEquals(code, "journal_unavailable");
      refused++;
    }
    assertEquals(claimed.toSorted((a, b) => a - b), appended);
    assert(refused > 0);
    assertEquals((await owner.tell({ do: "settle", sequences: claimed })).refused, undefined);
  }
  await using journal = await openJournal(directory);
  assertEquals(await journal.lanes(), []);
});

async function appendAll(owner: JournalProcess, count: number): Promise<readonly number[]> {
  const { sequences, refused } = await owner.tell({ do: "append", count });
  assertEquals(refused, undefined);
  return sequences;
}
