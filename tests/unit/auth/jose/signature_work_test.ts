import { assert, assertEquals, assertThrows } from "@std/assert";
import { SignatureWork } from "../../../../src/auth/jose/signature_work.ts";
import { UnavailableError } from "../../../../src/auth/unavailable.ts";

/** Work that takes some milliseconds, on a clock that stands still otherwise. */
function workWorld(): { run(milliseconds: number): void; pass(milliseconds: number): void } {
  let now = 0;
  const work = new SignatureWork(() => now);
  return {
    run: (milliseconds) => work.run(() => void (now += milliseconds)),
    pass: (milliseconds) => void (now += milliseconds),
  };
}

Deno.test("checking signatures may take a quarter of a second, and then a quarter of the time", () => {
  const { run, pass } = workWorld();
  let checked = 0;
  const attempt = () => {
    try {
      run(1);
      checked++;
    } catch (error) {
      assert(error instanceof UnavailableError && error.retryAfterSeconds > 0);
      pass(1);
    }
  };
  for (let index = 0; index < 10_000; index++) attempt();
  assert(checked > 2_500 && checked < 2_900, `${checked} of 10,000`);
});

Deno.test("a check that fails counts as much as one that passes", () => {
  let now = 0;
  const work = new SignatureWork(() => now);
  const fail = () => {
    now += 400;
    throw new TypeError("bad key");
  };
  assertThrows(() => work.run(fail), TypeError);
  assertThrows(() => work.run(() => 1), UnavailableError);
  now += 2_000;
  assertEquals(work.run(() => 1), 1);
});
