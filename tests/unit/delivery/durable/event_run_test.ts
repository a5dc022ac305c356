import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { AttemptFailure } from "../../../../src/dead_letters/dead_letters.ts";
import { CLOSED_LEASE } from "../../../../src/delivery/outputs/output_pool.ts";
import type { DeliveryRoute, RouteStep } from "../../../../src/delivery/route.ts";
import { type Decision, EventRun } from "../../../../src/delivery/durable/event_run.ts";
import { durableRoute } from "../../../support/durable_route.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const FAILURE: AttemptFailure = { code: "output_failed", message: "It failed", connection: "" };

function step(name: string): RouteStep {
  return { name, output: CLOSED_LEASE, config: {}, ordered: false, retry: undefined };
}

function route(options: Partial<DeliveryRoute> & { readonly count?: number } = {}): DeliveryRoute {
  const { count = 1, ...rest } = options;
  const steps = Array.from({ length: count }, (_, index) => step(`${index} probe`));
  return durableRoute({ steps, ...rest });
}

function claim(attempts = 1, progress?: string): EventRun {
  return new EventRun({ sequence: 1, event: verifiedEvent(), attempts, progress });
}

/** Begins what is decided, and returns the names of the steps. */
function begin(run: EventRun, on: DeliveryRoute, now = 0): string[] {
  const decision = run.decide(on, now);
  assert(decision.next === "begin", `the run must begin a step, but it is ${decision.next}`);
  for (const begun of decision.steps) run.begin(begun);
  return decision.steps.map(({ name }) => name);
}

Deno.test("a run with one step begins it, waits for it and is delivered", () => {
  const on = route();
  const run = claim();
  assertEquals(begin(run, on), ["0 probe"]);
  assertEquals(run.decide(on, 0).next, "wait");
  run.deliver(on.steps[0]!);
  assertEquals(run.decide(on, 0).next, "delivered");
});

Deno.test("a run whose only step is to be tried again is given back with the delay and the reason", () => {
  const on = route();
  const run = claim(3);
  begin(run, on);
  assertEquals(run.attemptOf(on.steps[0]!), 3);
  run.fail(on.steps[0]!, FAILURE, 1500);
  assertEquals(run.decide(on, 0), { next: "retry", delayMs: 1500, failure: FAILURE });
  assertEquals(run.toProgress(on), undefined, "the claims count the attempts of a single step");
});

Deno.test("a run whose only step failed for good is dead", () => {
  const on = route();
  const run = claim();
  begin(run, on);
  run.fail(on.steps[0]!, FAILURE, undefined);
  assertEquals(run.decide(on, 0), { next: "dead", failure: FAILURE });
});

Deno.test("a sequential run begins a step when the one before it has ended", () => {
  const on = route({ count: 3 });
  const run = claim();
  for (const one of on.steps) {
    assertEquals(begin(run, on), [one.name]);
    assertEquals(run.decide(on, 0).next, "wait");
    run.deliver(one);
  }
  assertEquals(run.decide(on, 0).next, "delivered");
});

Deno.test("a parallel run begins all steps at once and waits for the last", () => {
  const on = route({ count: 3, execution: "parallel" });
  const run = claim();
  assertEquals(begin(run, on), ["0 probe", "1 probe", "2 probe"]);
  run.deliver(on.steps[2]!);
  run.fail(on.steps[0]!, FAILURE, 10);
  assertEquals(run.decide(on, 0).next, "wait");
  run.deliver(on.steps[1]!);
  assertEquals(run.decide(on, 0).next, "retry");
});

Deno.test("a chain that is claimed again resumes at the step that failed", () => {
  const on = route({ count: 3 });
  const first = claim();
  begin(first, on);
  first.deliver(on.steps[0]!);
  begin(first, on);
  first.fail(on.steps[1]!, FAILURE, 10);
  const second = claim(2, first.toProgress(on));
  assertEquals(begin(second, on), ["1 probe"]);
  assertEquals(second.attemptOf(on.steps[1]!), 2);
});

Deno.test("a chain goes on after a step that failed for good, and is dead in the end", () => {
  const on = route({ count: 2 });
  const run = claim();
  begin(run, on);
  run.fail(on.steps[0]!, FAILURE, undefined);
  assertEquals(begin(run, on), ["1 probe"]);
  run.deliver(on.steps[1]!);
  assertEquals(run.decide(on, 0), { next: "dead", failure: FAILURE });
});

Deno.test("a chain without continue_on_error ends at the step that failed for good", () => {
  const on = route({ count: 2, continueOnError: false });
  const run = claim();
  begin(run, on);
  run.fail(on.steps[0]!, FAILURE, undefined);
  assertEquals(run.decide(on, 0).next, "dead");
});

Deno.test("a replayed dead letter begins anew what failed, and not what was delivered", () => {
  const on = route({ count: 2 });
  const run = claim(7);
  begin(run, on);
  run.deliver(on.steps[0]!);
  begin(run, on);
  run.fail(on.steps[1]!, FAILURE, undefined);
  const replayed = claim(1, run.toDeadProgress());
  assertEquals(begin(replayed, on), ["1 probe"]);
  assertEquals(replayed.attemptOf(on.steps[1]!), 1);
});

Deno.test("a chain begins no step after its timeout, and the rest follows as a retry", () => {
  const on = route({ count: 2, timeoutMs: 1000 });
  const run = claim();
  begin(run, on, 5000);
  run.deliver(on.steps[0]!);
  const decision = run.decide(on, 6001);
  assert(decision.next === "retry");
  assertEquals([decision.delayMs, decision.failure.code], [0, "output_timeout"]);
});

Deno.test("a run whose route has changed keeps what its steps of the same name have reached", () => {
  const before = route({ count: 2 });
  const run = claim();
  begin(run, before);
  run.deliver(before.steps[0]!);
  const after = route({ steps: [step("0 probe"), step("1 other")] });
  assertEquals(begin(run, after), ["1 other"]);
});

Deno.test("a run that waited in a queue while its route changed goes on with the attempts it has had", () => {
  const on = route();
  const run = claim(4);
  begin(run, on);
  run.withdraw(on.steps[0]!);
  run.resume(on.steps[0]!);
  assertEquals(run.attemptOf(on.steps[0]!), 4);
});

Deno.test("a run of a chain that became a single output goes on counting its attempts", () => {
  const chain = route({ count: 2 });
  const first = claim();
  begin(first, chain);
  first.fail(chain.steps[0]!, FAILURE, 10);
  const single = route();
  const second = claim(2, first.toProgress(chain));
  begin(second, single);
  assertEquals(second.attemptOf(single.steps[0]!), 2);
  second.fail(single.steps[0]!, FAILURE, 10);
  const third = claim(3, second.toProgress(single) ?? first.toProgress(chain));
  assertEquals(third.attemptOf(single.steps[0]!), 3);
});

Deno.test("a replayed dead letter of a chain that delivered nothing begins every step anew", () => {
  const on = route({ count: 2 });
  const first = claim();
  begin(first, on);
  first.fail(on.steps[0]!, FAILURE, undefined);
  begin(first, on);
  first.fail(on.steps[1]!, FAILURE, 10);
  const stored = first.toProgress(on);
  const second = claim(2, stored);
  begin(second, on);
  second.fail(on.steps[1]!, FAILURE, undefined);
  assertEquals(second.decide(on, 0).next, "dead");
  // What a dead letter does not say, the journal keeps as it was.
  const replayed = claim(1, second.toDeadProgress() ?? stored);
  assertEquals(begin(replayed, on), ["0 probe"]);
  assertEquals(replayed.attemptOf(on.steps[0]!), 1);
});

/** What an output does with one attempt. */
type Outcome = "delivered" | "again" | "never" | "crash before" | "crash after";

const outcomes = fc.constantFrom<Outcome>(
  "delivered",
  "again",
  "again",
  "never",
  "crash before",
  "crash after",
);

Deno.test("every sequence of failures and restarts ends as the reference model says", () => {
  const cases = fc.record({
    count: fc.integer({ min: 1, max: 4 }),
    execution: fc.constantFrom<"sequential" | "parallel">("sequential", "parallel"),
    continueOnError: fc.boolean(),
    maxAttempts: fc.integer({ min: 1, max: 4 }),
    script: fc.array(outcomes, { minLength: 0, maxLength: 60 }),
  });
  fc.assert(
    fc.property(cases, ({ count, execution, continueOnError, maxAttempts, script }) => {
      const on = route({ count, execution, continueOnError });
      assertEquals(drive(on, maxAttempts, script).next, expectedEnd(on, maxAttempts, script));
    }),
    { numRuns: 2000 },
  );
});

/** Runs an event to its end against a script of outcomes; after the script everything is delivered. */
function drive(on: DeliveryRoute, maxAttempts: number, script: readonly Outcome[]): Decision {
  const rest = [...script];
  let stored: { attempts: number; progress: string | undefined } = { attempts: 0, progress: undefined };
  for (let pass = 0; pass < 1000; pass++) {
    stored = { ...stored, attempts: stored.attempts + 1 }; // The claim records the attempt.
    const run = claim(stored.attempts, stored.progress);
    const ended = onePass(run, on, maxAttempts, rest);
    if (ended === "crashed") continue; // What was not stored is forgotten.
    if (ended.next !== "retry") return ended;
    stored = { ...stored, progress: run.toProgress(on) };
  }
  throw new Error("The event never came to an end");
}

function onePass(
  run: EventRun,
  on: DeliveryRoute,
  maxAttempts: number,
  rest: Outcome[],
): Decision | "crashed" {
  for (;;) {
    const decision = run.decide(on, 0);
    if (decision.next !== "begin") return decision;
    for (const begun of decision.steps) run.begin(begun);
    for (const begun of decision.steps) {
      const outcome = rest.shift() ?? "delivered";
      if (outcome === "crash before" || outcome === "crash after") return "crashed";
      const attempt = run.attemptOf(begun);
      if (outcome === "delivered") run.deliver(begun);
      else run.fail(begun, FAILURE, outcome === "again" && attempt < maxAttempts ? 10 : undefined);
    }
  }
}

/** The same in another way: by counting, without any state of a run. */
function expectedEnd(
  on: DeliveryRoute,
  maxAttempts: number,
  script: readonly Outcome[],
): "delivered" | "dead" {
  const rest = [...script];
  let stored = new Map<string, { done: "delivered" | "failed" | "waiting"; attempts: number }>();
  for (let claims = 1; claims <= 1000; claims++) {
    const now = new Map(stored);
    const one = reference(on, maxAttempts, rest, now, claims);
    if (one === "crashed") continue;
    if (one !== "again") return one;
    // Of a single step nothing is stored but how often it was claimed.
    stored = on.steps.length === 1 ? new Map() : now;
  }
  throw new Error("The reference model never came to an end");
}

function reference(
  on: DeliveryRoute,
  maxAttempts: number,
  rest: Outcome[],
  states: Map<string, { done: "delivered" | "failed" | "waiting"; attempts: number }>,
  claims: number,
): "delivered" | "dead" | "again" | "crashed" {
  const open = on.steps.filter(({ name }) => (states.get(name)?.done ?? "waiting") === "waiting");
  const hasFailed = () => [...states.values()].some(({ done }) => done === "failed");
  let again = false;
  for (const { name } of open) {
    if (hasFailed() && !on.continueOnError && on.execution === "sequential") break;
    const outcome = rest.shift() ?? "delivered";
    if (outcome === "crash before" || outcome === "crash after") return "crashed";
    const known = states.get(name);
    const attempts = known !== undefined ? known.attempts + 1 : states.size === 0 ? claims : 1;
    const exhausted = outcome === "never" || attempts >= maxAttempts;
    const done = outcome === "delivered" ? "delivered" : exhausted ? "failed" : "waiting";
    states.set(name, { done, attempts });
    if (done !== "waiting") continue;
    again = true;
    if (on.execution === "sequential") break;
  }
  if (hasFailed() && !on.continueOnError) return "dead";
  if (again) return "again";
  return hasFailed() ? "dead" : "delivered";
}
