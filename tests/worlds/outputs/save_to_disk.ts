import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** A directory. */
export const world: OutputWorld = {
  setUp,
  exceptions: {
    silence: "the disk is the machine's; tests with a frozen disk see it hang",
    probe: "its directories belong to webhooks, and a probe knows of none",
    outage: "the disk is the machine's; tests with a limited disk see it fail and recover",
  },
};

async function setUp(): Promise<OutputUnderTest> {
  const dir = await TempDir.create();
  await dir.writeText("a-file", "not a directory");
  await Deno.symlink("/", dir.file("a-way-out"));
  await Deno.symlink("/proc", dir.file("the-system"));
  const config = { base_dir: dir.path, path: "events", filename_pattern: "{event_id}" };
  return {
    config,
    failures: [
      { when: "the path is a file", disposition: "dead_letter", config: { ...config, path: "a-file" } },
      {
        when: "a part of the path is a file",
        disposition: "dead_letter",
        config: { ...config, path: "a-file/b" },
      },
      {
        when: "the path leaves base_dir",
        disposition: "dead_letter",
        config: { ...config, path: "a-way-out/tmp" },
      },
      {
        when: "the path belongs to the operating system",
        disposition: "dead_letter",
        config: { ...config, base_dir: dir.file("the-system") },
      },
    ],
    received: () => savedEvents(dir.file("events")),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** The files of a directory, which are named by their events' ids. */
async function savedEvents(directory: string): Promise<readonly ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      events.push({ id: name, body: await Deno.readFile(`${directory}/${name}`) });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return events;
}
