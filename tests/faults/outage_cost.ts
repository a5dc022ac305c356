import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_TIMING } from "../../src/config/etcd/options.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { TestProvider } from "../support/etcd/test_provider.ts";

const MEASURED_MS = 30_000;

/** Measures how busy the provider is while etcd is away, in cores. Timing is that of production. */
export async function measureOutage(outage: "refused" | "frozen"): Promise<number> {
  await using server = await EtcdServer.start();
  await using _test = await TestProvider.start({
    endpoints: [server.endpoint],
    timing: DEFAULT_TIMING,
    random: Math.random,
  });
  if (outage === "frozen") server.freeze();
  else await server.kill();
  const before = process.cpuUsage();
  await sleep(MEASURED_MS);
  const { user, system } = process.cpuUsage(before);
  if (outage === "frozen") server.thaw();
  return (user + system) / 1000 / MEASURED_MS;
}
