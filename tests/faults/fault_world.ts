/** A cluster, the network before it, a provider, and what a schedule knows about them. */

import { assertInStep, assertOrderedAndUnique } from "../support/etcd/assertions.ts";
import { EtcdGateway, type EtcdOperation } from "../support/etcd/gateway.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { PREFIX, TestProvider } from "../support/etcd/test_provider.ts";
import { eventually } from "../support/eventually.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { SeededRandom } from "./random.ts";

/** What kind of etcd a schedule runs against: one server, one that asks for users, or three members. */
export type WorldKind = "single" | "auth" | "cluster";

/** No schedule changes this key, so it must be served at any time. */
const CANARY = "default/webhooks/canary";
const KEYS = 40;
const ROOT = { name: "root", password: "root" } as const;

/** How long the provider may take to be in step once all faults are mended, in milliseconds. */
const CONVERGENCE_MS = 15_000;

interface Parts {
  readonly kind: WorldKind;
  readonly random: SeededRandom;
  readonly servers: readonly EtcdServer[];
  /** Where the provider reaches the servers, in their order. */
  readonly doors: readonly TcpProxy[];
  readonly test: TestProvider;
}

/** Everything of one schedule. */
export class FaultWorld implements AsyncDisposable {
  readonly kind: WorldKind;
  readonly random: SeededRandom;
  readonly servers: readonly EtcdServer[];
  readonly doors: readonly TcpProxy[];
  readonly test: TestProvider;
  /** Set once a backup is restored: revisions repeat after that. */
  wasRestored = false;
  readonly #resources: AsyncDisposableStack;
  readonly #gateways: readonly EtcdGateway[];
  #isLoaded = false;
  #isCanaryLost = false;
  #version = 0;

  private constructor({ kind, random, servers, doors, test }: Parts, resources: AsyncDisposableStack) {
    this.kind = kind;
    this.random = random;
    this.servers = servers;
    this.doors = doors;
    this.test = test;
    this.#resources = resources;
    this.#gateways = servers.map(({ port }) => {
      return new EtcdGateway(`http://127.0.0.1:${port}`, kind === "auth" ? ROOT : undefined);
    });
  }

  static async create(kind: WorldKind, random: SeededRandom): Promise<FaultWorld> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await TempDir.create());
    const args = kind === "auth" ? ["--auth-token-ttl", "1", "--bcrypt-cost", "4"] : [];
    const cluster = resources.use(await EtcdServer.startCluster(kind === "cluster" ? 3 : 1, { args }));
    const doors = cluster.members.map(({ port }) => resources.use(TcpProxy.start({ port })));
    const test = resources.use(TestProvider.create({
      endpoints: doors.map(({ address }) => address),
      snapshot: { file: directory.file("snapshot.json"), makesDirectory: false },
      random: () => random.next(),
      ...(kind === "auth"
        ? { credentials: { username: { text: "reader" }, password: { text: "reader" } } }
        : {}),
    }));
    const world = new FaultWorld({ kind, random, servers: cluster.members, doors, test }, resources.move());
    try {
      await world.#begin();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Writes, deletes, or does several of these in one transaction, at whichever server takes it. */
  async change(): Promise<void> {
    const operations = Array.from({ length: this.random.pick([1, 1, 1, 2, 8]) }, () => this.#operation());
    // A transaction may name each key once only.
    const distinct = new Map(
      operations.map((operation) => ["put" in operation ? operation.put : operation.delete, operation]),
    );
    await this.#atAnyServer((etcd) => etcd.transact([...distinct.values()]));
  }

  /** Asks whichever server answers. */
  async revision(): Promise<number> {
    return await this.#atAnyServer((etcd) => etcd.revision());
  }

  async compact(revision: number): Promise<void> {
    await this.#atAnyServer((etcd) => etcd.compact(revision));
  }

  /** Undoes every fault and waits until the provider is in step, and live. */
  async settle(): Promise<void> {
    for (const door of this.doors) {
      door.thaw();
      door.shape({});
      door.accept();
    }
    for (const server of this.servers) await server.ensureRunning();
    await eventually(() => this.#assertSettled(), { timeoutMs: CONVERGENCE_MS, intervalMs: 50 });
    await this.change();
    await eventually(() => this.#assertSettled(), { timeoutMs: CONVERGENCE_MS, intervalMs: 20 });
    if (!this.wasRestored) assertOrderedAndUnique(this.test.sink);
    if (this.#isCanaryLost) throw new Error("A key that nobody has deleted was not served for a while");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const door of this.doors) door.thaw();
    await this.#resources.disposeAsync();
  }

  async #begin(): Promise<void> {
    if (this.kind === "auth") await this.servers[0]!.addUsers(PREFIX);
    await this.#gateways[0]!.putJson(`${PREFIX}${CANARY}`, { module: "log" });
    for (let writes = 0; writes < 30; writes++) await this.change();
    this.#watchCanary();
    await this.test.start();
    this.#isLoaded = true;
  }

  #watchCanary(): void {
    const { sink } = this.test;
    const apply = sink.apply.bind(sink);
    sink.apply = (changes) => {
      apply(changes);
      if (this.#isLoaded && sink.json("webhook default/canary") === undefined) this.#isCanaryLost = true;
    };
  }

  #operation(): EtcdOperation {
    const key = `${PREFIX}default/webhooks/w${this.random.between(0, KEYS)}`;
    if (this.random.next() < 0.25) return { delete: key };
    return { put: key, value: JSON.stringify({ "x-version": this.#version++ }) };
  }

  async #atAnyServer<Result>(action: (etcd: EtcdGateway) => Promise<Result>): Promise<Result> {
    return await eventually(async () => {
      let failure: unknown;
      for (const etcd of this.#gateways) {
        try {
          return await action(etcd);
        } catch (error) {
          failure = error;
        }
      }
      throw failure;
    }, { timeoutMs: 20_000, intervalMs: 50 });
  }

  async #assertSettled(): Promise<void> {
    await assertInStep(this.test.sink, this.#gateways[0]!, PREFIX);
    const { connected, degraded } = this.test.provider.status();
    if (!connected || degraded) {
      throw new Error(`The provider is ${connected ? "degraded" : "not connected"}`);
    }
  }
}
