// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:fuzz`: 1,000,000 inputs through the router, bodies, every kind of authentication and configurations.
 *
 *     deno task test:fuzz [--inputs 1000000] [--seed 7] [PART ...]
 *     deno task test:fuzz --seed 7 --at 4711 body          one input again, which is printed
 *
 * Parts are selected by what their names contain. The inputs are put in by a process of its own: the one that ends
 * it, or that it does not come back from, is reported like others.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { fuzz, type FuzzReport } from "./fuzz_run.ts";
import { allSubjects, inputsOf } from "./subjects.ts";
import { WatchedProcess } from "./watched_process.ts";

const options = parseArgs(Deno.args, {
  string: ["inputs", "seed", "at", "progress"],
  default: { inputs: "1000000", seed: String(Date.now() % 1_000_000) },
});
const seed = Number(options["seed"]);
const parts = options._.map(String);

Deno.exit(options["progress"] === undefined ? await watch() : await putIn(String(options["progress"])));

async function watch(): Promise<number> {
  console.log(`Seed ${seed}`);
  await using child = await WatchedProcess.start(import.meta.url, [...Deno.args, "--seed", String(seed)]);
  const { code, lastInput } = await child.ended;
  if (code === 0 || code === 1) return code;
  console.log(`The process ended with ${code} at ${lastInput}: again with --seed ${seed} --at NUMBER PART`);
  return 1;
}

async function putIn(progress: string): Promise<number> {
  const all = await allSubjects();
  const selected = all.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
  using file = await Deno.open(progress, { write: true });
  const encoder = new TextEncoder();
  const reports: FuzzReport[] = [];
  for (const subject of selected) {
    const onInput = (index: number) => {
      file.seekSync(0, Deno.SeekMode.Start);
      file.writeSync(encoder.encode(`input ${index} of ${subject.name}\n`.padEnd(100)));
    };
    const at = options["at"];
    const report = at === undefined
      ? await fuzz(subject, { seed, count: inputsOf(subject, selected, Number(options["inputs"])), onInput })
      : await fuzz(subject, {
        seed,
        from: Number(at),
        count: 1,
        onInput: (index, input) => {
          onInput(index);
          console.log(input.describe());
        },
      });
    reports.push(report);
    print(report);
  }
  return summarize(reports);
}

function print({ subject, inputs, outcomes, longestStallMs, seconds, failures }: FuzzReport): void {
  const rate = (inputs / seconds).toFixed(0);
  console.log(`${subject}: ${inputs} inputs, ${rate}/s, longest stall ${longestStallMs.toFixed(1)} ms`);
  const counts = Array.from(outcomes).sort(([, a], [, b]) => b - a).map(([outcome, count]) =>
    `${outcome} ${count}`
  );
  console.log(`    ${counts.join(", ")}`);
  for (const { index, problem, input } of failures) {
    console.log(`  FAILED at input ${index} (--seed ${seed} --at ${index}): ${problem}\n    ${input}`);
  }
}

function summarize(reports: readonly FuzzReport[]): number {
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
  const failures = reports.reduce((sum, report) => sum + report.failures.length, 0);
  const stallMs = Math.max(0, ...reports.map((report) => report.longestStallMs));
  const seconds = reports.reduce((sum, report) => sum + report.seconds, 0);
  console.log(
    `\n${inputs} inputs in ${seconds.toFixed(0)} s, longest stall ${
      stallMs.toFixed(1)
    } ms, ${failures} failed, seed ${seed}`,
  );
  return failures === 0 && inputs > 0 ? 0 : 1;
}
