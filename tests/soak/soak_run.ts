/**
 * One soak: a gateway that serves good senders, first alone, then beside failing destinations and hostile
 * senders for as long as is asked, and the judgement of its memory, its answers and what has arrived. The good
 * senders and their destination are in this process, all others in one of their own with the least priority.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { ADMIN_TOKEN, MIB, mib, Victim } from "../attacks/victim.ts";
import { quantile } from "../bench/etcd_report.ts";
import { SeededRandom } from "../faults/random.ts";
import { eventually } from "../support/eventually.ts";
import { Crowd } from "./crowd.ts";
import { SoakJournal } from "./soak_journal.ts";
import { SoakLedger } from "./soak_ledger.ts";
import { SoakReceiver } from "./soak_receiver.ts";
import { failingWebhooks, goodWebhooks, hostileWebhooks } from "./soak_webhooks.ts";
import { SteadySenders } from "./steady_senders.ts";

const MAX_INFLIGHT_BYTES = 64 * MIB;

/** How much more memory it may take at its worst than when it served good senders alone. */
const MAX_MORE_BYTES = 192 * MIB;

/** How much the lowest memory of a minute may rise from the first third of the time to the last. */
const MAX_GROWTH_BYTES = 24 * MIB;

/** How many more files and sockets it may have open at its worst in the last third of the time than in the first. */
const MAX_MORE_DESCRIPTORS = 50;

/** How much slower good senders may be answered than alone. */
const MAX_SLOWER = 3;

const SAMPLE_MS = 200;
const GOOD_PACE_MS = 10;

/** Fewer hostile requests a second would not be a soak. */
const LEAST_HOSTILE_RATE = 3;

const DRAIN_TIMEOUT_MS = 120_000;

/** What is soaked how long. */
export interface SoakOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Where the journal is: a file, or a PostgreSQL of the soak's own. @default "sqlite" */
  readonly journal?: "sqlite" | "postgres";
  /** Called about every minute with how far it is. */
  readonly onProgress?: (line: string) => void;
}

/** How it went. */
export interface SoakReport {
  /** Broken promises; empty when all were kept. */
  readonly violations: readonly string[];
  readonly figures: readonly string[];
}

/** One minute: memory in bytes, and open files and sockets at its end. */
interface Minute {
  readonly lowest: number;
  readonly highest: number;
  readonly descriptors: number;
}

/** Runs it. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const run = new SoakRun(options);
  return await run.run();
}

class SoakRun {
  readonly #options: SoakOptions;
  readonly #ledger = new SoakLedger();
  readonly #violations: string[] = [];
  readonly #figures: string[] = [];
  #journal: SoakJournal | undefined;

  constructor(options: SoakOptions) {
    this.#options = options;
  }

  async run(): Promise<SoakReport> {
    const { seed, seconds, journal } = this.#options;
    await using well = await SoakReceiver.start(new SeededRandom(seed + 1));
    await using crowd = await Crowd.start(seed);
    crowd.onNoted = (webhook, noted) => this.#ledger.note(webhook, noted);
    const good = goodWebhooks(well.url);
    const failing = failingWebhooks(crowd.failingUrl);
    const hostile = hostileWebhooks(crowd.attackedUrl);
    await using resources = new AsyncDisposableStack();
    if (journal === "postgres") this.#journal = resources.use(await SoakJournal.start());
    await using victim = await Victim.start({
      webhooks: { ...good, ...failing, ...hostile },
      env: {
        MAX_INFLIGHT_BYTES: String(MAX_INFLIGHT_BYTES),
        BODY_TIMEOUT_MS: "2000",
        ...this.#journal?.environment,
      },
    });
    await using watch = await victim.watch();
    const senders = this.#steady(victim, Object.keys(good));
    const quietSeconds = Math.min(120, seconds / 4);
    await this.#minutes(victim, quietSeconds / 4, "warming up");
    this.#ledger.turnPage();
    const alone = await this.#minutes(victim, quietSeconds, "good senders alone");
    const quiet = this.#ledger.turnPage();

    await crowd.begin(victim.port);
    const minutes = await this.#minutes(victim, seconds, "all together");
    const busy = this.#ledger.turnPage();
    const { sent, longest } = await crowd.stop();
    await senders.stop();
    const { longestSilenceMs, longestBusyMs } = await watch.observe();
    this.#expect(
      sent >= seconds * LEAST_HOSTILE_RATE,
      `hostile requests: ${sent}; the longest took ${(longest.ms / 1000).toFixed(1)} s (${longest.name})`,
    );
    this.#figures.push(
      `/livez was silent for ${longestSilenceMs.toFixed(0)} ms at most; the gateway computed for ` +
        `${longestBusyMs.toFixed(0)} ms of one silence at most`,
    );

    this.#judgeMemory(alone, minutes);
    this.#judgeDescriptors(minutes);
    for (const [isKept, figure] of this.#journal?.judge() ?? []) this.#expect(isKept, figure);
    this.#judgePace(Object.keys(good), quiet, busy);
    this.#judgeAnswers(Object.keys(good));
    await crowd.behave();
    await this.#judgeArrivals(victim, async () => [well.taken, await crowd.end()]);
    await this.#judgeRest(victim, alone);
    return { violations: this.#violations, figures: this.#figures };
  }

  #steady(victim: Victim, webhooks: readonly string[]): SteadySenders {
    return new SteadySenders({
      origin: victim.gateway.url,
      webhooks,
      paceMs: GOOD_PACE_MS,
      random: new SeededRandom(this.#options.seed + 5),
      onAnswer: (webhook, answer) => this.#ledger.note(webhook, answer),
    });
  }

  /** Lets time pass, a minute at a time, and watches the memory. */
  async #minutes(victim: Victim, seconds: number, phase: string): Promise<Minute[]> {
    const minutes: Minute[] = [];
    const length = Math.min(60, seconds / 6) * 1000;
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end && victim.isAlive) {
      const samples: number[] = [];
      const until = Math.min(end, performance.now() + length);
      while (performance.now() < until) {
        samples.push(victim.bytes);
        await sleep(SAMPLE_MS);
      }
      const minute = {
        lowest: Math.min(...samples),
        highest: Math.max(...samples),
        descriptors: await openDescriptors(victim.gateway.pid),
      };
      minutes.push(minute);
      const { accepted } = this.#ledger;
      const stored = await this.#journal?.sample();
      this.#options.onProgress?.(
        `${phase}: ${mib(minute.lowest)} to ${
          mib(minute.highest)
        }, ${minute.descriptors} files and sockets, ` +
          `${accepted.size} events accepted${stored === undefined ? "" : `; ${stored}`}`,
      );
    }
    if (!victim.isAlive) {
      throw new Error(`The gateway has ended:\n${victim.gateway.process.output.slice(-5000)}`);
    }
    return minutes;
  }

  #judgeMemory(alone: readonly Minute[], minutes: readonly Minute[]): void {
    const ordinary = Math.max(...alone.map(({ highest }) => highest));
    const peak = Math.max(...minutes.map(({ highest }) => highest));
    this.#expect(
      peak - ordinary <= MAX_MORE_BYTES,
      `memory: ${mib(ordinary)} alone, ${mib(peak)} at its worst`,
    );
    const third = Math.ceil(minutes.length / 3);
    const first = middle(minutes.slice(0, third).map(({ lowest }) => lowest));
    const last = middle(minutes.slice(-third).map(({ lowest }) => lowest));
    this.#expect(
      last - first <= MAX_GROWTH_BYTES,
      `lowest memory of a minute: ${mib(first)} in the first third, ${mib(last)} in the last`,
    );
  }

  #judgeDescriptors(minutes: readonly Minute[]): void {
    const third = Math.ceil(minutes.length / 3);
    const most = (some: readonly Minute[]) => Math.max(...some.map(({ descriptors }) => descriptors));
    const [first, last] = [most(minutes.slice(0, third)), most(minutes.slice(-third))];
    this.#expect(
      last - first <= MAX_MORE_DESCRIPTORS,
      `files and sockets: ${first} at most in the first third, ${last} in the last`,
    );
  }

  #judgePace(
    good: readonly string[],
    quiet: ReadonlyMap<string, readonly number[]>,
    busy: ReadonlyMap<string, readonly number[]>,
  ): void {
    for (const webhook of good) {
      const [alone, beside] = [quiet, busy].map((page) => quantile(page.get(webhook) ?? [], 0.99));
      this.#expect(
        beside! <= MAX_SLOWER * alone!,
        `${webhook}: p99 ${alone!.toFixed(1)} ms alone, ${beside!.toFixed(1)} ms beside the others: ` +
          `ratio ${(beside! / alone!).toFixed(1)} of at most ${MAX_SLOWER}`,
      );
    }
  }

  #judgeAnswers(good: readonly string[]): void {
    for (const [webhook, { accepted, refusals }] of this.#ledger.sheets) {
      const all = Array.from(refusals, ([what, count]) => `${count} x ${what}`).join(", ");
      const figure = `${webhook}: ${accepted} accepted${all === "" ? "" : `; ${all}`}`;
      this.#expect(!good.includes(webhook) || all === "", figure);
    }
  }

  /** Every event that was answered 200 has arrived, or is a dead letter. */
  async #judgeArrivals(
    victim: Victim,
    endOf: () => Promise<readonly ReadonlySet<string>[]>,
  ): Promise<void> {
    const begun = performance.now();
    while (await victim.metric("cwm_events_pending") > 0 && performance.now() - begun < DRAIN_TIMEOUT_MS) {
      await sleep(SAMPLE_MS);
    }
    const letters = await deadLetters(victim);
    const { accepted } = this.#ledger;
    const taken = await endOf();
    const missing = [...accepted].filter((id) => !taken.some((ids) => ids.has(id)) && !letters.has(id));
    const pending = await victim.metric("cwm_events_pending");
    this.#expect(
      missing.length === 0 && pending === 0,
      `${accepted.size} events answered 200, ${letters.size} dead letters, ${missing.length} missing ` +
        `${missing.slice(0, 3)}, ${pending} pending after ${
          ((performance.now() - begun) / 1000).toFixed(0)
        } s`,
    );
  }

  async #judgeRest(victim: Victim, alone: readonly Minute[]): Promise<void> {
    const ordinary = Math.max(...alone.map(({ highest }) => highest));
    const kept = await eventually(() => {
      const more = victim.bytes - ordinary;
      if (more > 30 * MIB) throw new Error(mib(more));
      return more;
    }, { timeoutMs: 30_000, intervalMs: 200 }).catch(() => victim.bytes - ordinary);
    this.#expect(kept <= 30 * MIB, `half a minute later: ${mib(kept)} more than alone`);
    const bad = victim.gateway.lines.filter(({ text }) => /uncaught|unhandled/i.test(text));
    this.#expect(bad.length === 0, `${bad.length} unhandled rejections ${bad[0]?.text.slice(0, 300) ?? ""}`);
    this.#expect(await victim.stop() === 0, "it ends in good order when it is told to");
  }

  #expect(isKept: boolean, figure: string): void {
    (isKept ? this.#figures : this.#violations).push(figure);
  }
}

async function deadLetters(victim: Victim): Promise<Set<string>> {
  const ids = new Set<string>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await fetch(`${victim.gateway.url}/admin/dead-letters?limit=1000${query}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const page = await answer.json() as {
      readonly dead_letters: readonly { readonly id: string; readonly event_id?: string }[];
      readonly cursor: string | null;
    };
    for (const { id, event_id } of page.dead_letters) ids.add(event_id ?? id);
    cursor = page.cursor;
  }
  return ids;
}

async function openDescriptors(pid: number): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
