import { assertEquals } from "@std/assert";
import { Health } from "../../../src/health/health.ts";
import type { TroubleReport } from "../../../src/health/trouble.ts";

const REDIS = {
  part: "output",
  name: "redis_main",
  kind: "unreachable",
  cause: "Redis cannot be reached",
} as const;

/** Health on a clock that the test moves, and the changes that a listener saw. */
function watchedHealth() {
  const clock = { now: 1_000 };
  const health = new Health(() => clock.now);
  const changes: string[] = [];
  const watch = health.subscribe((change, { name, kind, cause, count }) =>
    changes.push(`${change} ${name} ${kind}: ${cause}${count === undefined ? "" : ` (${count})`}`)
  );
  return { clock, health, changes, watch };
}

Deno.test("health knows nothing of what nothing was reported of", () => {
  const { health } = watchedHealth();
  assertEquals(health.troubles(), []);
  assertEquals(health.troublesOf(REDIS), []);
  assertEquals(health.counts, { down: 0, impaired: 0, off: 0 });
});

Deno.test("a trouble is there from its report on, in the state of its kind, until it ends", () => {
  const { clock, health, changes } = watchedHealth();
  health.begin(REDIS);
  clock.now = 2_000;
  assertEquals(health.troublesOf(REDIS), [{ ...REDIS, state: "down", since: 1_000 }]);
  assertEquals(health.counts, { down: 1, impaired: 0, off: 0 });
  health.end(REDIS, "unreachable");
  assertEquals(health.troublesOf(REDIS), []);
  assertEquals(changes, [
    "began redis_main unreachable: Redis cannot be reached",
    "ended redis_main unreachable: Redis cannot be reached",
  ]);
});

Deno.test("another cause or count keeps the time since when, and equal ones are no change", () => {
  const { clock, health, changes } = watchedHealth();
  health.begin(REDIS);
  clock.now = 2_000;
  health.begin(REDIS);
  health.begin({ ...REDIS, cause: "Redis refuses the password" });
  health.begin({ ...REDIS, cause: "Redis refuses the password", count: 3 });
  assertEquals(health.troubles().map(({ since, count }) => ({ since, count })), [{ since: 1_000, count: 3 }]);
  assertEquals(changes.slice(1), [
    "continued redis_main unreachable: Redis refuses the password",
    "continued redis_main unreachable: Redis refuses the password (3)",
  ]);
});

Deno.test("a trouble that several report ends with the last of them", () => {
  const { health, changes } = watchedHealth();
  const [first, second] = [{}, {}];
  health.begin(REDIS, first);
  health.begin({ ...REDIS, cause: "Redis is loading" }, second);
  health.end(REDIS, "unreachable", second);
  assertEquals(health.troubles().map(({ cause }) => cause), [REDIS.cause]);
  health.end(REDIS, "unreachable", second);
  assertEquals(health.troubles().length, 1);
  health.end(REDIS, "unreachable", first);
  assertEquals(health.troubles(), []);
  assertEquals(changes.at(-1), "ended redis_main unreachable: Redis cannot be reached");
});

Deno.test("what is gone has no troubles but what it leaves, whoever reported them", () => {
  const { health, changes } = watchedHealth();
  const webhook = { part: "webhook", name: "team-a/orders" } as const;
  health.begin({ ...webhook, kind: "dead_letters", cause: "2 dead letters", count: 2 }, {});
  health.begin({ ...webhook, kind: "switched_off", cause: "Off" }, {});
  health.begin({ ...webhook, kind: "secret_mismatch", cause: "No match" });
  health.begin({ ...webhook, name: "team-a/other", kind: "switched_off", cause: "Off" });
  health.forget(webhook);
  assertEquals(health.troubles().map(({ name, kind }) => `${name} ${kind}`), [
    "team-a/other switched_off",
    "team-a/orders dead_letters",
  ]);
  assertEquals(changes.slice(4), [
    "removed team-a/orders switched_off: Off",
    "removed team-a/orders secret_mismatch: No match",
  ]);
});

Deno.test("the worst comes first, and of what is equally bad the oldest", () => {
  const { clock, health } = watchedHealth();
  const report = (name: string, kind: TroubleReport["kind"]) => {
    health.begin({ part: "webhook", name, kind, cause: "A cause" });
    clock.now++;
  };
  report("a/off", "paused");
  report("a/impaired", "dead_letters");
  report("a/down", "switched_off");
  report("a/down", "dead_letters");
  report("a/down_later", "secret_mismatch");
  assertEquals(health.troubles().map(({ name }) => name), [
    "a/down",
    "a/down_later",
    "a/impaired",
    "a/down",
    "a/off",
  ]);
  assertEquals(health.troublesOf({ part: "webhook", name: "a/down" }).map(({ kind }) => kind), [
    "switched_off",
    "dead_letters",
  ]);
});

Deno.test("of more troubles than there is room for, the rest is counted until nothing is wrong", () => {
  const { health } = watchedHealth();
  const reports = Array.from({ length: 10_003 }, (_, index) => ({ ...REDIS, name: `output ${index}` }));
  for (const report of reports) health.begin(report);
  assertEquals(health.troubles().length, 10_000);
  assertEquals(health.unlisted, 3);
  for (const report of reports) health.end(report, "unreachable");
  assertEquals(health.unlisted, 0);
});

Deno.test("a listener that is disposed of hears nothing more", () => {
  const { health, changes, watch } = watchedHealth();
  watch[Symbol.dispose]();
  health.begin(REDIS);
  assertEquals(changes, []);
});
