import { assertEquals, assertThrows } from "@std/assert";
import { count, readCommandLine, usageError } from "../../../src/cli/command_line.ts";
import type { Command } from "../../../src/cli/commands.ts";
import { StartupError } from "../../../src/errors.ts";

const SORT: Command = {
  name: "sort",
  description: "Sorts",
  options: [{ name: "name", value: "text" }, { name: "id", value: "text", isList: true }, { name: "all" }, {
    name: "help",
  }],
};

function problemOf(args: readonly string[]): readonly string[] {
  return assertThrows(() => readCommandLine("sort", args, [SORT]), StartupError).problems;
}

Deno.test("a command line is read into options and words, numbers as they were written", () => {
  const line = readCommandLine("sort", ["--name", "1e3", "007", "--id=1", "--id", "02", "--all"], [
    { ...SORT, actions: ["007"] },
  ]);
  if (line === "help") throw new Error("no help was asked for");
  const { name, id, all } = line.options;
  assertEquals([name, id, all, line.operands], ["1e3", ["1", "02"], true, ["007"]]);
});

Deno.test("a command line that asks for help is read as that", () => {
  for (const help of ["-h", "--help"]) assertEquals(readCommandLine("sort", [help], [SORT]), "help");
});

Deno.test("a command line with what the command does not take says so, and where its options are", () => {
  const advice = "Run 'cwm sort --help' for the options";
  assertEquals(problemOf(["--nmae", "a"]), ["Unknown option '--nmae'", advice]);
  assertEquals(problemOf(["-x"]), ["Unknown option '-x'", advice]);
  assertEquals(problemOf(["word"]), ["Unexpected argument 'word'", advice]);
  assertEquals(usageError("sort", "Sort what?").problems, ["Sort what?", advice]);
});

Deno.test("one of something is counted in the singular, and any other number in the plural", () => {
  assertEquals([0, 1, 2].map((number) => count(number, "problem")), [
    "0 problems",
    "1 problem",
    "2 problems",
  ]);
  assertEquals([1, 2].map((number) => count(number, "entry", "entries")), ["1 entry", "2 entries"]);
});
