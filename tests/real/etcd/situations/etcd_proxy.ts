/**
 * The two proxies that etcd brings along, and the faults that both of them stand in the middle of.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ChildProcess, type OutputLine } from "../../../support/process/child_process.ts";
import type { EtcdServer } from "../../../support/etcd/server.ts";
import { eventually } from "../../../support/eventually.ts";
import { isLeader } from "./cluster.ts";
import { lasts, type Situation, type World } from "./situation.ts";

/** As subcommands of `etcd`: one that knows what it passes on, and one for TCP. */
export type EtcdProxyKind = "grpc-proxy" | "gateway";

/** A proxy in front of members, restarted on the same port at will. Disposal kills it. */
export class EtcdProxy implements AsyncDisposable {
  #process: ChildProcess | undefined;

  private constructor(
    private readonly kind: EtcdProxyKind,
    private readonly port: number,
    private readonly behind: readonly EtcdServer[],
  ) {}

  /** Starts it and waits until it accepts connections. */
  static async start(kind: EtcdProxyKind, behind: readonly EtcdServer[]): Promise<EtcdProxy> {
    using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const proxy = new EtcdProxy(kind, free.addr.port, behind);
    free.close();
    await proxy.restart();
    return proxy;
  }

  /** What clients are configured with. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it has printed since its last start. */
  get lines(): readonly OutputLine[] {
    return this.#process?.lines ?? [];
  }

  /** Starts it again, where it is not running, and waits until it accepts connections. */
  async restart(): Promise<void> {
    const address = `127.0.0.1:${this.port}`;
    const endpoints = this.behind.map(({ endpoint }) => endpoint).join(",");
    this.#process = ChildProcess.spawn("etcd", {
      args: [
        ...[this.kind, "start", "--endpoints", endpoints, "--listen-addr", address],
        // It calls itself there, and ends when it gets no answer.
        ...(this.kind === "grpc-proxy" ? ["--advertise-client-url", address] : []),
      ],
    });
    await eventually(async () => {
      (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
    });
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Freezes it: its sockets stay open and nothing passes. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** A situation with a proxy as the only endpoint. */
export function behindProxy(
  kind: EtcdProxyKind,
  name: string,
  act: (world: World, proxy: EtcdProxy) => Promise<void>,
  members: 1 | 3 = 1,
): Situation {
  let proxy: EtcdProxy;
  return {
    name: `etcd ${kind} ${name}`,
    members,
    prepare: async ({ members, resources }) => {
      proxy = resources.use(await EtcdProxy.start(kind, members));
      return { ETCD_ENDPOINTS: proxy.endpoint };
    },
    act: (world) => act(world, proxy),
  };
}

/** What happens to either proxy, and behind it. */
export function sameFaults(kind: EtcdProxyKind): readonly Situation[] {
  return [
    behindProxy(
      kind,
      "before a leader that is killed and history that is compacted: followed",
      async (world) => {
        const leader = await leaderOf(world);
        await leader.kill();
        await world.inStep();
        const etcd = world.members.find((member) => member !== leader)!.gateway;
        await etcd.compact(await etcd.revision());
        await world.inStep();
        await leader.restart();
      },
      3,
    ),
    behindProxy(kind, "frozen for 14 s: the gateway notices, and follows again", async (world, proxy) => {
      proxy.freeze();
      await lasts(14_000);
      assertEquals((await world.gateway.json("/admin/config"))["connected"], false);
      proxy.thaw();
      await world.inStep();
    }),
    behindProxy(
      kind,
      "restarted, history compacted meanwhile: everything is listed again",
      async (world, proxy) => {
        await proxy.kill();
        await lasts(1_000);
        const etcd = world.members[0]!.gateway;
        await etcd.compact(await etcd.revision());
        await proxy.restart();
        await world.inStep();
        assertEquals(await world.gateway.metric("cwm_etcd_relists_total", `"compacted"`), 1);
      },
    ),
  ];
}

async function leaderOf({ members }: World): Promise<EtcdServer> {
  for (const member of members) {
    if (await isLeader(member)) return member;
  }
  throw new Error("No member leads the cluster");
}
