/**
 * Whether a build is slower than another one. Both run in turn, several rounds, the order turned each time:
 * a machine that drifts then changes both, and what is judged is the median of the rounds' ratios. Servers that can
 * run at the same time are loaded in turn for a second each, since a machine may drift by a third within ten.
 *
 * @module
 */

import { judge, judgeLeast, print, progress, quantile, row } from "../etcd_report.ts";
import type { Build } from "./build.ts";

/** What is measured of one build in one round. */
export interface Figures {
  /** Requests, events or keys a second. */
  readonly rate: number;
  /** 99th percentile in milliseconds; `NaN` where nothing of the kind is measured. */
  readonly p99Ms: number;
  /** CPU time in seconds for 10,000 of them. */
  readonly cpuPer10k: number;
}

/** What the new build is held to. */
export interface Bounds {
  /** The least ratio of rates, new to old. */
  readonly rate: number;
  /** The greatest ratio of CPU time, new to old. */
  readonly cpu: number;
}

/** Not slower: a build with less of the other's rate, or with more of its CPU time, is. */
const NOT_SLOWER: Bounds = { rate: 0.95, cpu: 1.03 };

const WITHOUT_BOUNDS: Bounds = { rate: 0, cpu: Infinity };

/** How much better a situation has become since a revision, or than it was there. */
export interface Gain extends Bounds {
  /** The abbreviated hash of the commit. */
  readonly since: string;
}

interface Situation {
  readonly name: string;
  /**
   * What the new build is held to where the two do different work, when it is compared with the revision whose
   * abbreviated hash this is; otherwise it is held to nothing. @default it is not slower
   */
  readonly bounds?: Gain;
  /** What must have been gained, judged when it is compared with that revision. */
  readonly gain?: Gain;
}

/** A situation in which the builds are measured one at a time. */
export interface MeasuredAlone extends Situation {
  /** Starts the build's program, measures it once and stops it. */
  measure(build: Build): Promise<Figures>;
}

/** A situation in which both builds run, and one rests while the other is measured. */
export interface MeasuredInTurn extends Situation {
  /** How often each build is measured in a round. */
  readonly turns: number;
  /** Starts the build's program, beside that of the other one. */
  start(build: Build): Promise<MeasuredProgram>;
}

/** A program that runs until it is disposed. */
export interface MeasuredProgram extends AsyncDisposable {
  measure(): Promise<Figures>;
}

/** One situation in which both builds are measured. */
export type Comparable = MeasuredAlone | MeasuredInTurn;

/** The two builds of a comparison. */
export interface Builds {
  readonly before: Build;
  readonly after: Build;
}

type Which = keyof Builds;

/** The figures of both builds, round by round. */
export interface Rounds {
  readonly before: readonly Figures[];
  readonly after: readonly Figures[];
}

/** How the new build compares with the old one. */
export interface Judgement {
  /** Median of the rounds' ratios of rates, new to old. */
  readonly rate: number;
  /** Median of the rounds' ratios of CPU time, new to old. */
  readonly cpu: number;
  readonly isSlower: boolean;
}

/**
 * Measures both builds in every situation and prints a table of each, and at the end which are slower, or
 * have not gained what they must.
 *
 * @returns whether there is any such situation
 */
export async function compareBuilds(
  comparables: readonly Comparable[],
  builds: Builds,
  rounds: number,
): Promise<boolean> {
  const slower: string[] = [];
  const missed: string[] = [];
  for (const comparable of comparables) {
    const measured = await measureRounds(comparable, builds, rounds);
    const bounds = boundsOf(comparable, builds);
    const judgement = judgeRounds(measured, bounds);
    if (judgement.isSlower) slower.push(comparable.name);
    const gain = gainSince(builds.before, comparable.gain);
    if (gain !== undefined && !hasGained(judgement, gain)) missed.push(comparable.name);
    printComparison(comparable.name, builds, measured, judgement, bounds);
    if (gain !== undefined) printGain(judgement, gain);
    print();
  }
  print(slower.length === 0 ? "Not slower in any situation" : `Slower in: ${slower.join("; ")}`);
  if (missed.length > 0) print(`Gained too little in: ${missed.join("; ")}`);
  return slower.length + missed.length > 0;
}

function boundsOf({ bounds }: Situation, { before: { commit = "" } }: Builds): Bounds {
  if (bounds === undefined) return NOT_SLOWER;
  return commit.startsWith(bounds.since) ? bounds : WITHOUT_BOUNDS;
}

/** What is to be gained against a build, if anything is. */
function gainSince({ commit = "" }: Build, gain: Gain | undefined): Gain | undefined {
  return gain !== undefined && commit.startsWith(gain.since) ? gain : undefined;
}

/** Whether a build is as much better as it must be. Figures that are missing prove nothing. */
export function hasGained({ rate, cpu }: Pick<Judgement, "rate" | "cpu">, gain: Gain): boolean {
  return rate >= gain.rate && cpu <= gain.cpu;
}

async function measureRounds(
  comparable: Comparable,
  builds: Builds,
  rounds: number,
): Promise<Rounds> {
  const measured = { before: [] as Figures[], after: [] as Figures[] };
  for (let round = 0; round < rounds; round++) {
    progress(`${comparable.name}, round ${round + 1} of ${rounds}`);
    const order: readonly Which[] = round % 2 === 0 ? ["before", "after"] : ["after", "before"];
    const figures = "turns" in comparable
      ? await measureInTurn(comparable, builds, order)
      : await measureAlone(comparable, builds, order);
    for (const which of order) measured[which].push(figures[which]!);
  }
  return measured;
}

type FiguresOfBoth = Partial<Record<Which, Figures>>;

async function measureAlone(
  comparable: MeasuredAlone,
  builds: Builds,
  order: readonly Which[],
): Promise<FiguresOfBoth> {
  const figures: FiguresOfBoth = {};
  for (const which of order) figures[which] = await comparable.measure(builds[which]);
  return figures;
}

async function measureInTurn(
  comparable: MeasuredInTurn,
  builds: Builds,
  order: readonly Which[],
): Promise<FiguresOfBoth> {
  await using resources = new AsyncDisposableStack();
  const programs: Partial<Record<Which, MeasuredProgram>> = {};
  for (const which of order) {
    programs[which] = resources.use(await comparable.start(builds[which]));
  }
  const measured = { before: [] as Figures[], after: [] as Figures[] };
  for (let turn = 0; turn < comparable.turns; turn++) {
    for (const which of turn % 2 === 0 ? order : order.toReversed()) {
      measured[which].push(await programs[which]!.measure());
    }
  }
  return { before: together(measured.before), after: together(measured.after) };
}

/** What turns of the same length come to. */
function together(turns: readonly Figures[]): Figures {
  const rates = turns.reduce((sum, { rate }) => sum + rate, 0);
  return {
    rate: rates / turns.length,
    p99Ms: quantile(turns.map(({ p99Ms }) => p99Ms), 0.5),
    cpuPer10k: turns.reduce((sum, { rate, cpuPer10k }) => sum + rate * cpuPer10k, 0) / rates,
  };
}

/**
 * Judges by the ratios of the rounds, in each of which both builds ran side by side.
 *
 * @param bounds @default not slower
 */
export function judgeRounds({ before, after }: Rounds, bounds = NOT_SLOWER): Judgement {
  const ratio = (figure: "rate" | "cpuPer10k") =>
    quantile(after.map((figures, round) => figures[figure] / (before[round]?.[figure] ?? NaN)), 0.5);
  const rate = ratio("rate");
  const cpu = ratio("cpuPer10k");
  // Figures that are missing prove nothing: a comparison with NaN counts as slower.
  return { rate, cpu, isSlower: !(rate >= bounds.rate && cpu <= bounds.cpu) };
}

function printComparison(
  name: string,
  builds: Builds,
  measured: Rounds,
  { rate, cpu, isSlower }: Judgement,
  bounds: Bounds,
): void {
  print(row(name, ["", "25 %", "median", "75 %"]));
  for (const which of ["before", "after"] as const) {
    printFigures(`  ${builds[which].name}`, measured[which]);
  }
  print(
    `  rate ${rate.toFixed(3)} (at least ${bounds.rate}), CPU ${cpu.toFixed(3)} (at most ${bounds.cpu}): ` +
      (isSlower ? "SLOWER" : "not slower"),
  );
}

function printGain({ rate, cpu }: Judgement, gain: Gain): void {
  print(`  gained since ${gain.since}: rate ${judgeLeast(rate, gain.rate)}, CPU ${judge(cpu, gain.cpu)}`);
}

function printFigures(name: string, all: readonly Figures[]): void {
  const quartiles = (figure: keyof Figures, digits: number) =>
    [0.25, 0.5, 0.75].map((share) => quantile(all.map((figures) => figures[figure]), share).toFixed(digits));
  print(row(name, ["per second", ...quartiles("rate", 0)]));
  if (all.some(({ p99Ms }) => !Number.isNaN(p99Ms))) print(row("", ["p99 ms", ...quartiles("p99Ms", 2)]));
  print(row("", ["CPU s/10,000", ...quartiles("cpuPer10k", 4)]));
}
