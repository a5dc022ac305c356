// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:faults`: random schedules of faults against real etcd servers, and what an outage costs.
 *
 *     SEEDS=200 deno task test:faults        seeds 0 to 199
 *     deno task test:faults 17 42            these seeds alone
 *
 * The exit status is 0 only if every schedule ended with the provider in step.
 *
 * @module
 */

import { runSchedule } from "./fault_schedule.ts";
import { measureOutage } from "./outage_cost.ts";

/** A core may be busy with an outage for this part of the time. */
const MAX_CPU = 0.02;

Deno.exit(await main());

async function main(): Promise<number> {
  const named = Deno.args.map(Number);
  const count = Number(Deno.env.get("SEEDS") ?? "200");
  const seeds = named.length > 0 ? named : Array.from({ length: count }, (_, seed) => seed);
  let failures = 0;
  for (const seed of seeds) {
    try {
      const { kind, faults, seconds } = await runSchedule(seed);
      console.log(`seed ${seed} ${kind}: in step after ${seconds.toFixed(1)} s: ${faults.join(", ")}`);
    } catch (error) {
      failures++;
      console.error(`seed ${seed} FAILED:`, error);
    }
  }
  for (const outage of ["refused", "frozen"] as const) {
    const cpu = await measureOutage(outage);
    const verdict = cpu <= MAX_CPU ? "" : ": TOO MUCH";
    if (cpu > MAX_CPU) failures++;
    console.log(`etcd ${outage}: ${(cpu * 100).toFixed(2)} % of a core${verdict}`);
  }
  console.log(`${seeds.length - failures} passed, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}
