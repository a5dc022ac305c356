// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task soak`: a gateway under good, failing and hostile traffic at once, for 20 minutes. Its memory must
 * be flat, no event that was answered 200 may be lost, and good senders are answered nearly as fast as alone.
 *
 *     MINUTES=60 deno task soak          an hour; seed 0
 *     MINUTES=5 deno task soak 7         five minutes of seed 7
 *     MINUTES=30 deno task soak postgres the same with the journal in PostgreSQL, whose tables and log must be flat, too
 *
 * The exit status is 0 only if every promise was kept.
 *
 * @module
 */

import { soak } from "./soak_run.ts";

const minutes = Number(Deno.env.get("MINUTES") ?? "20");
const isShared = Deno.args[0] === "postgres";
const seed = Number(Deno.args[isShared ? 1 : 0] ?? "0");
const begun = performance.now();
const { violations, figures } = await soak({
  seed,
  seconds: minutes * 60,
  journal: isShared ? "postgres" : "sqlite",
  onProgress: progress,
});
for (const figure of figures) console.log(`  ${figure}`);
for (const violation of violations) console.log(`  BROKEN ${violation}`);
console.log(`seed ${seed}, ${minutes} minutes: ${figures.length} kept, ${violations.length} broken`);
Deno.exit(violations.length === 0 ? 0 : 1);

function progress(line: string): void {
  console.log(`${((performance.now() - begun) / 60_000).toFixed(1).padStart(5)} min  ${line}`);
}
