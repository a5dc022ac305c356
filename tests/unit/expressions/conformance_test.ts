import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Outcome, runConformance, type Verdict } from "../../support/expressions/conformance.ts";

/** The refused cases, a line each: the suite and the name of the case. */
const REFUSALS = fromFileUrl(new URL("../../vectors/expressions/refused_cases.txt", import.meta.url));

/** Suites that are wholly about values and functions of the language, and how many of their cases are held at least. */
const HELD_AT_LEAST: Readonly<Record<string, number>> = {
  basic: 31,
  comparisons: 201,
  conversions: 53,
  fields: 28,
  fp_math: 30,
  integer_math: 49,
  lists: 31,
  logic: 26,
  macros: 41,
  parse: 108,
  string: 45,
  string_ext: 96,
};

const outcomes = await runConformance();

function named(verdict: Verdict): string[] {
  return outcomes.filter((outcome) => outcome.verdict === verdict).map(lineOf).toSorted();
}

function lineOf({ suite, name }: Outcome): string {
  return `${suite}/${name}`;
}

Deno.test("no conformance case of CEL has another value than the specification asks for", () => {
  assertEquals([named("other"), named("failed")], [[], []]);
});

Deno.test("the conformance cases that are refused are the listed ones", async () => {
  const listed = (await Deno.readTextFile(REFUSALS)).split("\n").filter((line) =>
    line !== "" && !line.startsWith("#")
  );
  assertEquals(named("refused"), listed.toSorted());
});

Deno.test("each suite of the conformance cases is held as far as the language goes", () => {
  const lines: string[] = [];
  for (const [suite, cases] of Map.groupBy(outcomes, (outcome) => outcome.suite)) {
    const held = cases.filter(({ verdict }) => verdict === "held").length;
    lines.push(`${suite}: ${held} of ${cases.length} held, ${cases.length - held} refused`);
    assertEquals(held >= (HELD_AT_LEAST[suite] ?? 0), true, `${suite}: ${held} held`);
  }
  Deno.stdout.writeSync(new TextEncoder().encode(`\n${lines.join("\n")}\n`));
});
