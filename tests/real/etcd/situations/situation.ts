/**
 * What can happen to etcd in production, one situation a test: a cluster of real members, a writer that keeps
 * a ledger, one gateway. At the end every webhook must be open for the token that etcd holds, and for no
 * other. How long the gateway was behind is printed; nothing is decided by it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { EtcdServer, type EtcdServerOptions } from "../../../support/etcd/server.ts";
import { eventually } from "../../../support/eventually.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { keyOf, LedgerWriter, WEBHOOKS } from "./ledger.ts";
import { ObservedGateway } from "./observed_gateway.ts";

/** How long a situation may take that says nothing else, in milliseconds. */
const LIMIT_MS = 150_000;

/** How long after the limit the state may take to be told, in milliseconds. */
const GRACE_MS = 30_000;

/** How long a gateway may take to be in step again, in milliseconds. It only bounds failures. */
const IN_STEP_MS = 90_000;

/** One row of a table of situations. */
export interface Situation {
  /** What happens, and what is expected. */
  readonly name: string;
  /** Members of the cluster. @default 3 */
  readonly members?: 1 | 3;
  /** How the members are started, with files in a folder of the situation's own. @default as they are */
  readonly etcd?: (directory: TempDir) => Promise<EtcdServerOptions>;
  /** Longest duration, in milliseconds. @default 150000 */
  readonly limitMs?: number;
  /** Prepares etcd, before there is a gateway; returns more variables for it. @default nothing */
  readonly prepare?: (world: World) => Promise<Readonly<Record<string, string>>>;
  /** What happens while the gateway runs and the writer writes. */
  readonly act: (world: World) => Promise<void>;
}

/** Everything in a situation. */
export interface World {
  readonly members: EtcdServer[];
  readonly ledger: LedgerWriter;
  readonly gateway: ObservedGateway;
  readonly directory: TempDir;
  /** What it takes in is disposed of at the end, after the gateway. */
  readonly resources: AsyncDisposableStack;
  /** Printed beside the name, such as `lists 1`. */
  readonly figures: string[];
  /** The member that the gateway watches. */
  watched(): EtcdServer;
  /** Waits until each webhook is open for the token that was acknowledged last; returns how long, in ms. */
  inStep(): Promise<number>;
}

/** Registers a test for each situation. */
export function situations(table: readonly Situation[]): void {
  for (const situation of table) {
    const limitMs = situation.limitMs ?? LIMIT_MS;
    Deno.test({ name: situation.name, timeout: limitMs + GRACE_MS, fn: () => run(situation, limitMs) });
  }
}

async function run(situation: Situation, limitMs: number): Promise<void> {
  await using scene = await Scene.create(situation);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`It has taken more than ${limitMs} ms`)), limitMs);
  const work = scene.play(situation);
  try {
    await Promise.race([work, late]);
  } catch (error) {
    work.catch(() => {
      // It ends in the ruins of its world, whose end was decided already.
    });
    const state = await scene.describe();
    throw new Error(`${(error as Error).message}\n${state}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  print(`    ${situation.name}: ${scene.figures.join(", ")}\n`);
}

class Scene implements World, AsyncDisposable {
  readonly members: EtcdServer[];
  readonly ledger: LedgerWriter;
  readonly figures: string[] = [];
  #gateway: ObservedGateway | undefined;
  #longestCatchUpMs = 0;

  private constructor(
    readonly resources: AsyncDisposableStack,
    readonly directory: TempDir,
    members: EtcdServer[],
  ) {
    this.members = members;
    this.ledger = new LedgerWriter(members.map((member) => member.gateway));
  }

  static async create({ members = 3, etcd }: Situation): Promise<Scene> {
    await using undo = new AsyncDisposableStack();
    const directory = undo.use(await TempDir.create());
    const cluster = undo.use(await EtcdServer.startCluster(members, await etcd?.(directory)));
    return new Scene(undo.move(), directory, [...cluster.members]);
  }

  get gateway(): ObservedGateway {
    if (this.#gateway === undefined) throw new Error("There is no gateway yet");
    return this.#gateway;
  }

  watched(): EtcdServer {
    const member = this.members.find(({ port }) => port === this.gateway.watchedPort);
    if (member === undefined) throw new Error(`No member has the port ${this.gateway.watchedPort}`);
    return member;
  }

  async play({ prepare, act }: Situation): Promise<void> {
    await this.ledger.round();
    const env = await prepare?.(this) ?? {};
    this.#gateway = await ObservedGateway.start({
      ETCD_ENDPOINTS: this.members.map(({ endpoint }) => endpoint).join(","),
      ...env,
    }, this.ledger);
    await this.#gateway.process.waitUntilReady({ timeoutMs: 60_000 });
    await this.#gateway.process.waitForLine(/Watching etcd at /);
    this.ledger.pending = [];
    this.ledger.resume();
    await act(this);
    await this.inStep();
    await this.ledger.pause();
    this.#addFigures();
  }

  async inStep(): Promise<number> {
    await this.ledger.pause();
    await this.ledger.round();
    const begun = performance.now();
    await eventually(() => this.#requireWhatEtcdHolds(), { timeoutMs: IN_STEP_MS });
    const tookMs = performance.now() - begun;
    this.#longestCatchUpMs = Math.max(this.#longestCatchUpMs, tookMs);
    this.ledger.resume();
    return tookMs;
  }

  async describe(): Promise<string> {
    const { acknowledged, failed, pending } = this.ledger;
    const ledger = `${acknowledged} puts acknowledged, ${failed} failed, ${pending.length} not applied`;
    const state = await this.#gateway?.describe() ?? "no gateway";
    return [ledger, ...this.figures, state].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.members) member.thaw();
    await this.ledger[Symbol.asyncDispose]();
    await this.#gateway?.[Symbol.asyncDispose]();
    await this.resources[Symbol.asyncDispose]();
  }

  /** Nothing that was acknowledged is lost, and the gateway serves what etcd holds, and nothing else. */
  async #requireWhatEtcdHolds(): Promise<void> {
    const held = await this.ledger.read();
    for (const webhook of WEBHOOKS) {
      const { revision = 0, value = "{}" } = held.get(keyOf(webhook)) ?? {};
      const last = this.ledger.last.get(webhook)!;
      assert(revision >= last.revision, `etcd has lost ${webhook} of revision ${last.revision}`);
      const { authorization = "" } = JSON.parse(value) as { readonly authorization?: string };
      const token = authorization.slice("Bearer ".length);
      assertEquals(await this.gateway.send(webhook, token), 200, `${webhook} with ${token}`);
      assertEquals(await this.gateway.send(webhook, `${token}-of-another`), 401);
    }
  }

  #addFigures(): void {
    const { longestStaleMs } = this.gateway;
    this.figures.unshift(
      `longest stale ${seconds(longestStaleMs)}`,
      `slowest catch-up ${seconds(this.#longestCatchUpMs)}`,
      `${this.ledger.acknowledged} puts`,
    );
  }
}

/** Lets a state of the world last, in milliseconds. */
export async function lasts(ms: number): Promise<void> {
  await sleep(ms);
}

/** A duration for people. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

/** Starts the members with more arguments. */
export function withArguments(...args: readonly string[]): NonNullable<Situation["etcd"]> {
  return () => Promise.resolve({ args });
}
