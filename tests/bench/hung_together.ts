/**
 * What outputs of every kind that hang at once do to the webhooks beside them: all that `bench hung` knows a server of,
 * the Redis of the channels, and a disk. Each has a webhook with a journal and one without.
 *
 * @module
 */

import { GatewayProcess } from "../support/process/gateway_process.ts";
import { FreezableDisk } from "../support/freezable_disk.ts";
import { RedisServer } from "../support/redis/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { print, progress, row } from "./etcd_report.ts";
import { serversOf } from "./hung.ts";
import { EventSender } from "./hung_load.ts";
import type { Reached } from "./hung_servers.ts";
import { type Answers, probe } from "./probe.ts";

/** Events a second for each webhook whose server hangs: their senders wait for ten seconds, all at the same time. */
const RATE = 8;

const WARM_UP_SECONDS = 3;
const QUIET_SECONDS = 10;

/** The most that a healthy webhook's 99th percentile may grow by. */
const TARGET = 2;

const BODY = '{"number":1}';
const HEALTHY = { printed: { module: "log" }, kept: { module: "log", accept: "durable" } } as const;

/** Something that can hang, by the name of its module. */
interface Kind extends Reached {
  freeze(): unknown;
}

/** What a healthy webhook's senders have seen. */
interface Seen extends Answers {
  readonly refused: number;
}

/**
 * @param seconds how long the servers hang
 * @returns whether the healthy webhooks kept their pace, and none of their requests was refused
 */
export async function benchHungTogether(seconds: number): Promise<boolean> {
  await using resources = new AsyncDisposableStack();
  const channels = resources.use(await RedisServer.start({ persistent: false }));
  const kinds = await startKinds(resources, channels);
  const directory = resources.use(await TempDir.create());
  await directory.writeJson("connections.json", connectionsOf(kinds));
  await directory.writeJson("webhooks.json", { ...HEALTHY, ...webhooksOf(kinds) });
  const gateway = resources.use(
    await GatewayProcess.start({
      cwd: directory.path,
      env: { RELAY_QUEUE: `redis://127.0.0.1:${channels.port}` },
    }),
  );
  await gateway.waitUntilReady();
  const urls = Object.keys(webhooksOf(kinds)).map((id) => `${gateway.url}/webhook/${id}`);
  const others = (duration: number) => measureHealthy(gateway, duration);
  // Their answers come after the servers' time is over, or never.
  using senders = new DisposableStack();
  const sending = { rate: RATE, seconds: WARM_UP_SECONDS + QUIET_SECONDS + seconds };
  for (const url of urls) senders.use(new EventSender({ url, ...sending }));
  progress("quiet");
  await others(WARM_UP_SECONDS);
  const quiet = await others(QUIET_SECONDS);
  progress("hung");
  for (const kind of Object.values(kinds)) await kind.freeze();
  const hung = await others(seconds);
  print(`${Object.keys(kinds).join(", ")} hang for ${seconds} s under ${RATE} events a second each; ms`);
  print(row("", ["quiet p99", "hung p99", "ratio", "answered", "refused", "verdict"]));
  let areKept = true;
  for (const [index, name] of Object.keys(HEALTHY).entries()) {
    const [before, during] = [quiet[index]!, hung[index]!];
    const ratio = during.p99Ms / before.p99Ms;
    const isKept = ratio <= TARGET && during.refused === 0;
    areKept &&= isKept;
    print(row(name, [
      before.p99Ms.toFixed(1),
      during.p99Ms.toFixed(1),
      ratio.toFixed(2),
      String(during.count),
      String(during.refused),
      isKept ? "kept" : "BROKEN",
    ]));
  }
  print(`Targets: ratio at most ${TARGET.toFixed(2)}, none refused`);
  return areKept;
}

/** The healthy webhooks' answers, in the order of {@linkcode HEALTHY}. */
function measureHealthy(gateway: GatewayProcess, seconds: number): Promise<readonly Seen[]> {
  return Promise.all(
    Object.keys(HEALTHY).map(async (id) => {
      let refused = 0;
      const answers = await probe(`${gateway.url}/webhook/${id}`, BODY, seconds, () => refused++);
      return { ...answers, refused };
    }),
  );
}

async function startKinds(
  resources: AsyncDisposableStack,
  channels: RedisServer,
): Promise<Readonly<Record<string, Kind>>> {
  const kinds: Record<string, Kind> = {};
  for (const [name, start] of serversOf()) {
    progress(`starts the server of ${name}`);
    const server = resources.use(await start());
    kinds[name] = { ...server.reachedAt(server.port), freeze: () => server.freeze() };
  }
  const disk = resources.use(await FreezableDisk.mount());
  return {
    ...kinds,
    save_to_disk: {
      webhook: { module: "save_to_disk", "module-config": { base_dir: `${disk.path}/events` } },
      // Thawed before the gateway ends: a process with a call on a frozen disk does not.
      freeze: async () => resources.use(await disk.freeze()),
    },
    webhook_connect: {
      webhook: {
        module: "webhook_connect",
        "module-config": { channel: "inbox", channel_token: "bench-token" },
      },
      freeze: () => channels.freeze(),
    },
  };
}

function connectionsOf(kinds: Readonly<Record<string, Kind>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(kinds).flatMap(([name, { connection }]) =>
      connection === undefined ? [] : [[name, connection]]
    ),
  );
}

function webhooksOf(kinds: Readonly<Record<string, Kind>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(kinds).flatMap(([name, { webhook, connection }]) => {
      const named = connection === undefined ? webhook : { ...webhook, connection: name };
      return ["delivered", "durable"].map((accept) => [`${name}-${accept}`, { ...named, accept }]);
    }),
  );
}
