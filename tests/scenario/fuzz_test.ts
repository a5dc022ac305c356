/** A short run of the fuzzing, which is `deno task test:fuzz`. */

import { assertEquals } from "@std/assert";
import { fuzz } from "../fuzz/fuzz_run.ts";
import { allSubjects, inputsOf } from "../fuzz/subjects.ts";

const SEED = 17;
const INPUTS = 4_000;

const subjects = await allSubjects();
for (const subject of subjects) {
  Deno.test(`fuzzed, ${subject.name} bears every input`, async () => {
    const { failures } = await fuzz(subject, { seed: SEED, count: inputsOf(subject, subjects, INPUTS) });
    assertEquals(failures, []);
  });
}
