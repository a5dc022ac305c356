/** Destinations that fail and come back, over and over. */

import { assert } from "@std/assert";
import { type Answer, HttpTarget } from "../../support/http/target.ts";
import type { Attack } from "../attack.ts";
import { p99 } from "../refused_load.ts";
import { httpWebhook, RETRY, Victim } from "../victim.ts";

/** How long a target flaps, in seconds: `FLAPPING_SECONDS=300 deno task test:attacks flapping` for five minutes. */
const SECONDS = Number(Deno.env.get("FLAPPING_SECONDS") ?? "15");
const QUIET_SECONDS = Math.min(SECONDS, 30);
const WARM_UP_SECONDS = 3;

/** Events a second to the webhook whose target flaps, and to the one beside it. */
const RATE = 200;
const RATE_BESIDE = 50;

/** How long a target stays as it is, in milliseconds. */
const LEAST_MS = 200;
const MOST_MS = 2_000;

/** How a target is when it is not well; what hangs is given up by the webhook's time-out of a second. */
const FAILURES: readonly Answer[] = ["drop", "hang", { status: 500 }, { status: 503 }, {
  status: 503,
  headers: { "retry-after": "1" },
}];

const flapping: Attack = {
  name: "flapping-target",
  behaviour: "a target that fails and comes back over and over loses nothing and holds up no other webhook",
  async run() {
    await using first = await TakingTarget.start();
    await using second = await TakingTarget.start();
    await using other = await TakingTarget.start();
    const config = { targets: [first.url, second.url], url: undefined, timeout: 1 };
    await using victim = await Victim.start({
      webhooks: {
        flapping: httpWebhook("", { retry: RETRY }, config),
        calm: httpWebhook(other.url, { accept: "delivered" }),
      },
    });
    await bothPaced(victim, WARM_UP_SECONDS);
    const quiet = await bothPaced(victim, QUIET_SECONDS);
    const flaps = flap(first, SECONDS);
    const beside = await bothPaced(victim, SECONDS);
    const changes = await flaps;
    await victim.drained(60_000);
    const sent = [...quiet.flapping.accepted, ...beside.flapping.accepted];
    const lost = sent.filter((body) => !first.taken.has(body) && !second.taken.has(body));
    const twice = sent.filter((body) => first.taken.has(body) && second.taken.has(body));
    const [quietMs, besideMs] = [p99(quiet.calm.waits), p99(beside.calm.waits)];
    const seen = `${changes} changes, ${sent.length} events, ${lost.length} lost, ${twice.length} at both, ` +
      `${second.taken.size} at the second; p99 of another webhook ${quietMs.toFixed(1)} ms quiet, ` +
      `${besideMs.toFixed(1)} ms beside`;
    const refused = beside.calm.refused + beside.flapping.refused;
    assert(lost.length === 0 && refused === 0, `${refused} refused: ${seen}`);
    assert(second.taken.size > 0, seen);
    assert(besideMs <= 2 * quietMs, `held up: ${seen}`);
    return seen;
  },
};

/** Attacks by what destinations do. */
export const targetAttacks: readonly Attack[] = [flapping];

/** A target that knows what it has taken. */
class TakingTarget implements AsyncDisposable {
  readonly taken = new Set<string>();
  failure: Answer | undefined;
  readonly #server: HttpTarget;

  private constructor(server: HttpTarget) {
    this.#server = server;
    server.answer(({ text }) => {
      // What it remembers of requests is its own: they would be many.
      server.requests.length = 0;
      if (this.failure !== undefined) return this.failure;
      this.taken.add(text);
      return { status: 200 };
    });
  }

  static async start(): Promise<TakingTarget> {
    return new TakingTarget(await HttpTarget.start());
  }

  get url(): string {
    return this.#server.url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/** Has a target fail and come back in turn. Returns how often it has changed. It is well in the end. */
async function flap(target: TakingTarget, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let changes = 0;
  while (performance.now() < end) {
    target.failure = changes % 2 === 1 ? undefined : FAILURES[Math.floor(Math.random() * FAILURES.length)];
    changes++;
    // How long it stays so.
    await sleep(LEAST_MS + Math.random() * (MOST_MS - LEAST_MS));
  }
  target.failure = undefined;
  return changes;
}

/** What a sender that keeps its pace has seen. */
interface Paced {
  /** Bodies that were answered 200. */
  readonly accepted: readonly string[];
  readonly refused: number;
  /** In milliseconds from when each request was due, shortest first. */
  readonly waits: readonly number[];
}

async function bothPaced(victim: Victim, seconds: number): Promise<{ flapping: Paced; calm: Paced }> {
  const [flapping, calm] = await Promise.all([
    paced(victim, "flapping", RATE, seconds),
    paced(victim, "calm", RATE_BESIDE, seconds),
  ]);
  return { flapping, calm };
}

/** Sends so many events a second, however late the answers are. */
async function paced(victim: Victim, webhook: string, rate: number, seconds: number): Promise<Paced> {
  const url = `http://127.0.0.1:${victim.port}/webhook/${webhook}`;
  const begun = performance.now();
  const accepted: string[] = [];
  const waits: number[] = [];
  const send = async (due: number): Promise<void> => {
    const body = crypto.randomUUID();
    const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    await response.body?.cancel();
    waits.push(performance.now() - due);
    if (response.status === 200) accepted.push(JSON.stringify(body));
  };
  const sent: Promise<void>[] = [];
  for (let number = 0; number < rate * seconds; number++) {
    const due = begun + number * 1000 / rate;
    // The pace of the load.
    await sleep(Math.max(0, due - performance.now()));
    sent.push(send(due));
  }
  await Promise.all(sent);
  return { accepted, refused: sent.length - accepted.length, waits: waits.sort((one, other) => one - other) };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
