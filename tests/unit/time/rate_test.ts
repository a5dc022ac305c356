/** That a rate is kept whatever the times of requests, with one number of memory. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RateCounter, type RateLimit } from "../../../src/time/rate.ts";

const LIMIT: RateLimit = { requests: 7, windowMs: 1000 };

/** Requests in order, each as it comes; returns the times of those that were taken. */
function takenOf(times: readonly number[], limit = LIMIT): number[] {
  const counter = new RateCounter();
  return times.filter((now) => {
    if (counter.waitMs(limit, now) > 0) return false;
    counter.count(limit, now);
    return true;
  });
}

Deno.test("after a pause a whole burst is taken, and not one request more, at any uptime", () => {
  for (const uptime of [0, 1, 3_600_000, 1e10]) {
    for (const requests of [1, 3, 7, 100, 1000]) {
      for (const windowMs of [1000, 60_000]) {
        const times = Array.from({ length: 2 * requests }, () => uptime);
        assertEquals(takenOf(times, { requests, windowMs }).length, requests);
      }
    }
  }
});

Deno.test("the next request is taken after the time that was named, and not before", () => {
  const counter = new RateCounter();
  for (let count = 0; count < LIMIT.requests; count++) counter.count(LIMIT, 50);
  const wait = counter.waitMs(LIMIT, 50);
  assert(Math.abs(wait - LIMIT.windowMs / LIMIT.requests) < 1e-6, String(wait));
  assert(counter.waitMs(LIMIT, 50 + wait / 2) > 0);
  assertEquals(counter.waitMs(LIMIT, 50 + wait), 0);
  assertEquals(counter.isUnused(1049), false);
  assertEquals(counter.isUnused(1051), true);
});

Deno.test("any stretch of time takes what its length allows and one burst, as a list of times shows", () => {
  const steps = fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 1, maxLength: 80 });
  fc.assert(fc.property(steps, (gaps) => {
    let now = 0;
    const taken = takenOf(gaps.map((gap) => now += gap));
    for (let first = 0; first < taken.length; first++) {
      for (let last = first; last < taken.length; last++) {
        const allowed = LIMIT.requests * (1 + (taken[last]! - taken[first]!) / LIMIT.windowMs);
        assert(last - first + 1 <= allowed + 0.02, `${last - first + 1} of ${allowed}`);
      }
    }
  }));
});

Deno.test("a steady sender within the rate is never refused", () => {
  const times = Array.from({ length: 1000 }, (_, index) => index * (LIMIT.windowMs / LIMIT.requests));
  assertEquals(takenOf(times).length, times.length);
});

Deno.test("a limit that becomes shorter is used up for one of its own windows at most", () => {
  const counter = new RateCounter();
  const long: RateLimit = { requests: 2, windowMs: 3_600_000 };
  for (let count = 0; count < 2; count++) counter.count(long, 0);
  assertEquals(counter.waitMs(LIMIT, 0) > 0, true);
  assertEquals(counter.waitMs(LIMIT, LIMIT.windowMs), 0);
  assertEquals(counter.isUnused(LIMIT.windowMs), true);
});
