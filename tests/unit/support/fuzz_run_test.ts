import { assert, assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { fuzz } from "../../fuzz/fuzz_run.ts";
import type { FuzzSubject } from "../../fuzz/subject.ts";

/** A part of which the input with this number does something. */
function subjectWith(number: number, bad: () => Promise<string>): FuzzSubject {
  return {
    name: "example",
    share: 1,
    open: () => {
      let next = 0;
      return Promise.resolve({
        next: () => {
          const index = next++;
          return {
            run: () => index === number ? bad() : Promise.resolve("fine"),
            describe: () => `input ${index}`,
          };
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  };
}

async function problemsOf(bad: () => Promise<string>): Promise<string[]> {
  const { failures, inputs } = await fuzz(subjectWith(7, bad), { seed: 1, count: 20 });
  assertEquals(inputs, 20);
  return failures.map(({ input, problem }) => `${input}: ${problem}`);
}

Deno.test("fuzzing reports the input that throws", async () => {
  const [problem = "", ...others] = await problemsOf(() => Promise.reject(new Error("out of order")));
  assertMatch(problem, /^input 7: Error: out of order/);
  assertEquals(others, []);
});

Deno.test("fuzzing reports a rejection that nobody handles", async () => {
  const [problem = ""] = await problemsOf(() => {
    Promise.reject(new Error("left alone"));
    return Promise.resolve("fine");
  });
  assertMatch(problem, /one of the last .*: Nobody handles a rejection: Error: left alone/);
});

Deno.test("fuzzing reports an input that keeps everything else from running", async () => {
  const [problem = ""] = await problemsOf(() => {
    const begun = process.cpuUsage();
    let used = 0;
    while (used < 80_000) used = process.cpuUsage(begun).user + process.cpuUsage(begun).system;
    return Promise.resolve("late");
  });
  assertMatch(problem, /^input 7: Nothing else ran for \d+ ms/);
});

Deno.test("fuzzing takes waiting for no stall", async () => {
  const problems = await problemsOf(async () => {
    await new Promise((resolve) => setTimeout(resolve, 80));
    return "waited";
  });
  assertEquals(problems, []);
});

Deno.test("the same seed and number make the same input again", async () => {
  const made: number[] = [];
  const subject: FuzzSubject = {
    ...subjectWith(-1, () => Promise.resolve("")),
    open: () =>
      Promise.resolve({
        next: (random) => {
          made.push(random.next());
          return { run: () => Promise.resolve("fine"), describe: () => "" };
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
  await fuzz(subject, { seed: 5, count: 3 });
  await fuzz(subject, { seed: 5, from: 2, count: 1 });
  await fuzz(subject, { seed: 6, from: 2, count: 1 });
  assertEquals(made[2], made[3]);
  assert(made[3] !== made[4]);
  assertEquals(new Set(made).size, 4);
});
