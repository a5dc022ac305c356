// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:attacks`: attacks on the running program, each in bounded form, with what was seen.
 *
 *     deno task test:attacks                     all of them
 *     deno task test:attacks interim late        those whose names contain one of these
 *
 * Some mount a file system or freeze one, which root may do. The exit status is 0 only if the gateway held
 * against every attack.
 *
 * @module
 */

import { ensureTestServers } from "../support/process/test_servers.ts";
import { type Attack, carryOut, type Outcome } from "./attack.ts";
import { BATTERY } from "./battery.ts";

Deno.exit(await main());

async function main(): Promise<number> {
  await ensureTestServers();
  const selected = BATTERY.filter(({ name }) =>
    Deno.args.length === 0 || Deno.args.some((part) => name.includes(part))
  );
  const outcomes: Outcome[] = [];
  for (const attack of selected) {
    const outcome = await carryOut(attack);
    outcomes.push(outcome);
    print(attack, outcome);
  }
  const failed = outcomes.filter(({ passed }) => !passed).length;
  const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0);
  console.log(`\n${seconds.toFixed(0)} s`);
  console.log(`${outcomes.length - failed} passed, ${failed} failed`);
  return failed === 0 && outcomes.length > 0 ? 0 : 1;
}

function print({ name, behaviour }: Attack, { passed, seconds, seen }: Outcome): void {
  const columns = [
    name.padEnd(26),
    passed ? "passed" : "FAILED",
    `${seconds.toFixed(1)} s`.padStart(7),
    behaviour,
  ];
  console.log(`${columns.join("  ")}\n${" ".repeat(28)}${seen}`);
}
