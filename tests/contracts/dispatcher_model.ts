/**
 * The dispatcher with a real journal against a reference model: outputs fail by chance, and the process is
 * killed or drained in between. The model knows no queues, no claims and no order of things in time; it says
 * of each event, from its attempts alone, which attempt may follow and how it must end.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { retryDelayMs, type RetryPolicy } from "../../src/delivery/retry_policy.ts";
import { DeliveryError } from "../../src/errors.ts";
import { SeededRandom } from "../faults/random.ts";
import {
  DispatcherWorld,
  type Plan,
  type SeenAttempt,
  type WorldStore,
} from "../support/journal/dispatcher_world.ts";
import { eventually } from "../support/eventually.ts";

const FAILED = new DeliveryError("output_failed");

const POLICY: RetryPolicy = { maxAttempts: 3, initialDelayMs: 10, maxDelayMs: 15 };

const PLANS: ReadonlyMap<string, Plan> = new Map([
  ["plain", { steps: 1 }],
  ["narrow", { steps: 1, concurrency: 2 }],
  ["ordered", { steps: 1, ordered: true }],
  ["chain", { steps: 3 }],
  ["strict-chain", { steps: 2, continueOnError: false }],
]);

const EVENTS_PER_LIFE = 40;

/** How an event stands. */
type State = "open" | "delivered" | "dead";

interface StepModel {
  readonly attempts: readonly SeenAttempt[];
  readonly state: State;
}

/** Kills, or drains, between the lives of two attempts. */
type EndsBetween = (from: number, to: number, end: "killed" | "drained") => number;

/** Says what one step's attempts amount to, and what is wrong with them. */
function modelStep(attempts: readonly SeenAttempt[], plan: Plan, ends: EndsBetween): StepModel {
  let state: State = "open";
  for (const [index, attempt] of attempts.entries()) {
    const former = attempts[index - 1];
    if (former !== undefined) checkFollows(former, attempt, plan, ends, state);
    else if (plan.steps === 1) assert(attempt.number >= 1 && attempt.number <= 1 + attempt.life);
    const exhausted = attempt.number >= POLICY.maxAttempts;
    const ended = attempt.endedAt !== undefined;
    if (!ended) state = "open";
    else if (attempt.outcome === "delivered") state = "delivered";
    else state = attempt.outcome === "rejected" || exhausted ? "dead" : "open";
  }
  return { attempts, state };
}

function checkFollows(
  former: SeenAttempt,
  next: SeenAttempt,
  plan: Plan,
  ends: EndsBetween,
  state: State,
): void {
  const kills = ends(former.life, next.life, "killed");
  const what = JSON.stringify({ former, next });
  if (kills === 0) {
    assertEquals(state, "open", `No attempt follows an end that was written down: ${what}`);
    assertEquals(next.number, former.number + 1, `Attempts are counted: ${what}`);
    const delayMs = retryDelayMs(POLICY, former.number, FAILED, 1) ?? Infinity;
    // A drain keeps the time at which the next attempt is due, but not that of an ordered event.
    if (former.life === next.life || plan.ordered !== true) {
      const waited = next.beganAt - former.endedAt!;
      // Two clocks are read, one of them in whole milliseconds.
      assert(waited >= delayMs - 2, `An attempt waits ${delayMs} ms, not ${waited}: ${what}`);
    }
  } else if (plan.steps === 1) {
    const skipped = next.number - former.number - 1;
    assert(skipped >= 0 && skipped <= kills, `Attempts are recorded before they are made: ${what}`);
  }
}

/** Says how an event must have ended. */
function modelEvent(attempts: readonly SeenAttempt[], plan: Plan, ends: EndsBetween): State {
  const steps = Array.from(
    { length: plan.steps },
    (_, step) => modelStep(attempts.filter((attempt) => attempt.step === step), plan, ends),
  );
  for (const [index, { attempts: own }] of steps.entries()) {
    const before = steps[index - 1];
    if (before === undefined || own.length === 0) continue;
    const begun = own[0]!.beganAt;
    const ended = before.attempts.some(({ endedAt, outcome, number }) =>
      endedAt !== undefined && endedAt <= begun &&
      (outcome === "delivered" || outcome === "rejected" || number >= POLICY.maxAttempts)
    );
    assert(ended, `Step ${index} begins when the one before has ended: ${own[0]!.id}`);
  }
  const failed = steps.findIndex(({ state }) => state === "dead");
  if (failed === -1) return steps.every(({ state }) => state === "delivered") ? "delivered" : "open";
  if (plan.continueOnError === false) {
    const end = steps[failed]!.attempts.at(-1)!.beganAt;
    const later = steps.slice(failed + 1).flatMap((step) => step.attempts);
    // A kill may have forgotten that the step had been delivered before.
    assert(later.every(({ beganAt }) => beganAt < end), `The chain has ended: ${JSON.stringify(attempts)}`);
    return "dead";
  }
  return steps.some(({ state }) => state === "open") ? "open" : "dead";
}

/** Within a life, an ordered event is begun when all before it have ended. */
function checkOrder(attempts: readonly SeenAttempt[]): void {
  const begun: string[] = [];
  for (const { id } of attempts) if (!begun.includes(id)) begun.push(id);
  for (const [index, attempt] of attempts.entries()) {
    const former = attempts[index - 1];
    if (former === undefined || former.life !== attempt.life || former.id === attempt.id) continue;
    const again = former.outcome === "failed" && former.number < POLICY.maxAttempts;
    assert(
      !again,
      `An event that failed goes again before the next one: ${JSON.stringify([former, attempt])}`,
    );
    assert(former.endedAt !== undefined && former.endedAt <= attempt.beganAt, "One is under way at once");
  }
}

/** Sends, kills and drains, and lets everything come to its end. */
async function live(world: DispatcherWorld, random: SeededRandom): Promise<void> {
  const webhooks = [...PLANS.keys()];
  for (let life = 0; life < 4; life++) {
    await world.begin();
    for (let sent = 0; sent < EVENTS_PER_LIFE; sent++) world.send(random.pick(webhooks));
    if (random.next() < 0.7) {
      world.journal.dieAfter(random.between(1, 250));
      await Promise.race([world.journal.died, untilNothingIsPending(world)]);
      await world.kill();
    } else {
      await eventually(() => assert(world.attempts.some((attempt) => attempt.life === life)));
      assert(await world.drain(), "What is under way ends in time");
    }
  }
  await world.begin();
  // What earlier lives have left may come only now, to a journal that others share.
  await eventually(() => {
    const attempted = new Set(world.attempts.map(({ id }) => id));
    for (const id of world.accepted) {
      assert(attempted.has(id), `Event ${id} was accepted and never attempted`);
    }
  });
  await untilNothingIsPending(world);
}

async function untilNothingIsPending(world: DispatcherWorld): Promise<void> {
  const { life } = world;
  await eventually(async () => {
    if (life !== world.life) return;
    const lanes = await world.journal.lanes();
    if (life === world.life) assertEquals(lanes, []);
  }, { timeoutMs: 20_000 });
}

async function checkEnds(world: DispatcherWorld): Promise<void> {
  const letters = new Map<string, number>();
  let cursor: string | undefined;
  do {
    const page = await world.journal.deadLetters.list({}, 1000, cursor);
    for (const { id, attempts } of page.letters) letters.set(id, attempts);
    cursor = page.cursor;
  } while (cursor !== undefined);
  const ends: EndsBetween = (from, to, end) => world.ends.slice(from, to).filter((e) => e === end).length;
  const byId = Map.groupBy(world.attempts, ({ id }) => id);
  for (const id of world.accepted) assert(byId.has(id), `Event ${id} was accepted and never attempted`);
  for (const [id, attempts] of byId) {
    const last = attempts.at(-1)!;
    const state = modelEvent(attempts, PLANS.get(last.webhook)!, ends);
    assertEquals(
      letters.has(id) ? "dead" : "delivered",
      state,
      `How ${id} ended: ${JSON.stringify(attempts)}`,
    );
    if (state === "dead" && PLANS.get(last.webhook)!.steps === 1) assertEquals(letters.get(id), last.number);
  }
}

/** Registers a test for each seed. `openStore` makes a new store. */
export function testDispatcherModel(
  name: string,
  seeds: readonly number[],
  openStore: () => Promise<WorldStore>,
): void {
  for (const seed of seeds) {
    Deno.test(`${name}: events end as the reference model says, over kills and restarts (${seed})`, async () => {
      await using world = DispatcherWorld.create(PLANS, POLICY, seed, await openStore());
      await live(world, new SeededRandom(seed + 1000));
      await checkEnds(world);
      checkOrder(world.attempts.filter(({ webhook }) => webhook === "ordered"));
      assert((world.mostUnderWay.get("narrow") ?? 0) <= 2, "No more are under way than the webhook allows");
    });
  }
}
