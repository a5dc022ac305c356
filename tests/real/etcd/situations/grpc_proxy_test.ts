/** Behind `etcd grpc-proxy`, which passes no request for progress on. */

import { assert, assertEquals } from "@std/assert";
import { ChildProcess } from "../../../support/child_process.ts";
import { eventually } from "../../../support/eventually.ts";
import { lasts, type Situation, situations, type World } from "./situation.ts";

/** What the proxy writes for each request for progress, with a stack. */
const COMPLAINT = /not supported request type/;

/** How long the gateway is watched for what it costs the proxy, in milliseconds. */
const WATCHED_MS = 40_000;

/** Requests for progress that are made to find out that none is answered, with some to spare. */
const MOST_COMPLAINTS = 5;

/** An `etcd grpc-proxy`, restarted on the same port at will. */
class GrpcProxy implements AsyncDisposable {
  #process: ChildProcess | undefined;

  private constructor(private readonly port: number, private readonly behind: string) {}

  static async start(behind: string): Promise<GrpcProxy> {
    using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const proxy = new GrpcProxy(free.addr.port, behind);
    free.close();
    await proxy.restart();
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get complaints(): number {
    return this.#process!.lines.filter(({ text }) => COMPLAINT.test(text)).length;
  }

  async restart(): Promise<void> {
    const address = `127.0.0.1:${this.port}`;
    this.#process = ChildProcess.spawn("etcd", {
      args: [
        ...["grpc-proxy", "start", "--endpoints", this.behind],
        // It calls itself there, and ends when it gets no answer.
        ...["--listen-addr", address, "--advertise-client-url", address],
      ],
    });
    await eventually(async () => {
      (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
    });
  }

  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

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
function behindProxy(
  name: string,
  act: (world: World, proxy: GrpcProxy) => Promise<void>,
): Situation {
  let proxy: GrpcProxy;
  return {
    name: `grpc-proxy ${name}`,
    members: 1,
    prepare: async ({ members, resources }) => {
      proxy = resources.use(await GrpcProxy.start(members[0]!.endpoint));
      return { ETCD_ENDPOINTS: proxy.endpoint };
    },
    act: (world) => act(world, proxy),
  };
}

const TABLE: readonly Situation[] = [
  behindProxy(
    "with changes of other prefixes for 40 s: its log does not grow, no watch ends",
    async (world, proxy) => {
      await world.inStep();
      await world.ledger.pause();
      const until = performance.now() + WATCHED_MS;
      while (performance.now() < until) {
        await world.members[0]!.gateway.put("/elsewhere", "x");
        await lasts(1_000);
      }
      world.figures.push(`${proxy.complaints} complaints in the proxy's log`);
      assert(proxy.complaints <= MOST_COMPLAINTS, `${proxy.complaints} complaints`);
      assertEquals(await world.gateway.metric("cwm_etcd_disconnects_total"), 0);
    },
  ),
  behindProxy("frozen for 14 s: the gateway notices, and follows again", async (world, proxy) => {
    proxy.freeze();
    await lasts(14_000);
    assertEquals((await world.gateway.json("/admin/config"))["connected"], false);
    proxy.thaw();
    await world.inStep();
  }),
  behindProxy("restarted, history compacted meanwhile: everything is listed again", async (world, proxy) => {
    await proxy.kill();
    await lasts(1_000);
    const etcd = world.members[0]!.gateway;
    await etcd.compact(await etcd.revision());
    await proxy.restart();
    await world.inStep();
    assertEquals(await world.gateway.metric("cwm_etcd_relists_total", `"compacted"`), 1);
  }),
];

situations(TABLE);
