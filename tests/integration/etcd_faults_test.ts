import { kindOf, runSchedule } from "../faults/fault_schedule.ts";

// A sample; `deno task test:faults` runs hundreds.
for (const seed of [0, 1, 2]) {
  Deno.test(`etcd provider is in step after the faults of schedule ${seed} (${kindOf(seed)})`, async () => {
    await runSchedule(seed, 4);
  });
}
