import { assertEquals } from "@std/assert";
import { Progress } from "../../../src/migrate/progress.ts";

function written(isTerminal: boolean, steps: readonly number[], total: number): string {
  let text = "";
  {
    using progress = new Progress({ total, isTerminal, write: (piece) => void (text += piece) });
    for (const done of steps) progress.show(done);
  }
  return text;
}

Deno.test("progress on a terminal is one line that is written over and over", () => {
  assertEquals(
    written(true, [128, 300], 300),
    `\r[${"#".repeat(12)}${".".repeat(18)}] 128 of 300 keys\r[${"#".repeat(30)}] 300 of 300 keys\n`,
  );
});

Deno.test("progress elsewhere is a line for every tenth at most", () => {
  const steps = Array.from({ length: 200 }, (_, index) => index + 1);
  const lines = written(false, steps, 200).trimEnd().split("\n");
  assertEquals(lines.length, 10);
  assertEquals([lines[0], lines.at(-1)], ["20 of 200 keys", "200 of 200 keys"]);
});

Deno.test("progress that was never shown writes nothing", () => {
  assertEquals(written(true, [], 1), "");
});
