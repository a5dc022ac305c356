import { fileLineWriter } from "../../support/file_line_writer.ts";
import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** A file in place of standard output. */
export const world: OutputWorld = {
  setUp,
  exceptions: {
    silence: "it prints",
    probe: "standard output cannot be asked",
    abort: "it waits for nothing but the operating system, for all lines at once",
    partialFailure: "all lines of a batch go the same way",
    outage: "standard output that was closed is closed for good",
  },
};

async function setUp(): Promise<OutputUnderTest> {
  const dir = await TempDir.create();
  const path = dir.file("standard-output");
  const file = await Deno.open(path, { append: true, create: true });
  const lines = fileLineWriter(file);
  return {
    config: { pretty_print: false },
    lines,
    failures: [{
      when: "standard output is closed",
      disposition: "retry",
      arrange: () => lines[Symbol.asyncDispose](),
    }],
    received: async () => {
      const printed = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
      return printed.map((line) => {
        const { event_id, payload } = JSON.parse(line);
        return { id: event_id, body: new TextEncoder().encode(JSON.stringify(payload)) };
      });
    },
    [Symbol.asyncDispose]: async () => {
      await lines[Symbol.asyncDispose]();
      file.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}
