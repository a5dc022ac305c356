import { assertEquals } from "@std/assert";
import { ReportLimiter } from "../../../src/observability/report_limiter.ts";

/** A limiter on a clock that the test moves, and what it let through. */
function limiter(intervalMs: number, mostReports?: number) {
  const clock = { now: 0 };
  const limited = new ReportLimiter(intervalMs, () => clock.now, mostReports);
  const reports: string[] = [];
  const run = (key: string) => limited.run(key, (suppressed) => reports.push(`${key} ${suppressed}`));
  return { clock, reports, run };
}

Deno.test("rate limiter reports the first time and then once per interval with the number left out", () => {
  const { clock, reports, run } = limiter(1_000);
  for (clock.now = 0; clock.now <= 2_000; clock.now += 100) run("a");
  assertEquals(reports, ["a 0", "a 9", "a 9"]);
});

Deno.test("rate limiter counts each key by itself", () => {
  const { reports, run } = limiter(1_000);
  for (const key of ["a", "b", "a", "b"]) run(key);
  assertEquals(reports, ["a 0", "b 0"]);
});

Deno.test("rate limiter forgets the key that reported first when there are too many", () => {
  const { clock, reports, run } = limiter(1_000_000);
  for (; clock.now < 1_001; clock.now++) run(`key ${clock.now}`);
  reports.length = 0;
  run("key 1000");
  run("key 1");
  run("key 0");
  assertEquals(reports, ["key 0 0"]);
});

Deno.test("rate limiter bounds the reports of all keys together, and counts those that it left out", () => {
  const { clock, reports, run } = limiter(1_000, 2);
  for (const key of ["a", "b", "c", "c", "d"]) run(key);
  assertEquals(reports, ["a 0", "b 0"]);
  clock.now = 1_000;
  for (const key of ["c", "d", "a"]) run(key);
  assertEquals(reports, ["a 0", "b 0", "c 2", "d 1"]);
});
