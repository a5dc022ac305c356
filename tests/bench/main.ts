/**
 *     deno task bench accept [--seconds 5] [--rounds 3] [--connections 32]
 *     deno task bench answers [--seconds 5] [--rounds 3] [--connections 32]
 *     deno task bench auth [METHOD ...] [--seconds 5] [--rounds 3] [--connections 32]
 *     deno task bench durable [--seconds 5] [--rounds 3]
 *     deno task bench durable --journal postgres [--seconds 5] [--rounds 3]
 *     deno task bench memory
 *     deno task bench memory outputs [rabbitmq ...]
 *     deno task bench fairness
 *     deno task bench backlog [--seconds 5] [--rounds 3] [--connections 32]
 *     deno task bench cluster [--seconds 20] [--rounds 3]
 *     deno task bench etcd [--keys 25000,250000] [--rounds 3] [--only load|policy|blocks|routable|event]
 *     deno task bench outputs [kafka|mqtt|nats|zeromq|rabbitmq|activemq|gcp_pubsub|aws_sqs|s3|websocket|redis|redis_stream|task_queue|
 *         clickhouse|postgresql|mysql|disk|http ...] [--seconds 5] [--rounds 3] [--connections 32]
 *     deno task bench outputs http [--beside benthos] (built from its Go module, where there is Go)
 *     deno task bench files [--keys 100000]
 *     deno task bench filter
 *     deno task bench hung [kafka|mqtt|redis_rq|… ...|together] [--seconds 30]
 *     deno task bench pull [--rounds 3]
 *     deno task bench relay [--rounds 3]
 *     deno task bench restart [--rounds 3] [--against REV]
 *     deno task bench start [--rounds 3]
 *
 * `--against REV` compares this build with another revision instead, in 7 rounds unless `--rounds` says
 * otherwise, and exits with 1 when this build is slower: accept, durable, outputs, hung, fairness, etcd and
 * relay.
 *
 *     deno task bench accept --against v0.1.0
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { benchAccept } from "./accept.ts";
import { benchAnswers } from "./answers.ts";
import { benchAuth } from "./auth.ts";
import { benchCluster } from "./cluster.ts";
import { benchDurable } from "./durable.ts";
import { benchDurablePostgres } from "./durable_postgres.ts";
import { benchBacklog } from "./backlog.ts";
import { benchEtcd } from "./etcd.ts";
import { benchFairness } from "./fairness.ts";
import { benchMemory } from "./memory.ts";
import { benchOutputMemory } from "./memory_outputs.ts";
import { benchFiles } from "./files.ts";
import { benchFilter } from "./filter.ts";
import { benchHung } from "./hung.ts";
import { benchHungTogether } from "./hung_together.ts";
import { benchOutputs } from "./outputs.ts";
import { benchPull } from "./pull.ts";
import { benchRelay } from "./relay.ts";
import { benchRestart } from "./restart.ts";
import { benchStart } from "./start.ts";
import { benchAgainst, COMPARISON_ROUNDS } from "./against/main.ts";
import { V8_FLAGS } from "../support/v8_flags.ts";

const options = parseArgs(Deno.args, {
  string: ["seconds", "rounds", "connections", "keys", "only", "against", "beside", "journal"],
});
const load = {
  seconds: Number(options["seconds"] ?? 5),
  rounds: Number(options["rounds"] ?? 3),
  connections: Number(options["connections"] ?? 32),
};

const sizes = String(options["keys"] ?? "25000,250000").split(",").map(Number);

const only = options["only"] === undefined ? undefined : String(options["only"]);

const beside = options["beside"] === undefined ? undefined : String(options["beside"]);

const benchmarks: Readonly<Record<string, () => Promise<void>>> = {
  accept: () => benchAccept(load),
  answers: () => benchAnswers(load),
  auth: async () => {
    if (!await benchAuth(load, options._.slice(1).map(String))) Deno.exitCode = 1;
  },
  cluster: async () => {
    const seconds = Number(options["seconds"] ?? 20);
    if (!await benchCluster({ ...load, seconds })) Deno.exitCode = 1;
  },
  durable: () => options["journal"] === "postgres" ? benchDurablePostgres(load) : benchDurable(load),
  memory: async () => {
    const [kind, ...names] = options._.slice(1).map(String);
    if (kind !== "outputs") return await benchMemory();
    if (!await benchOutputMemory(names)) Deno.exitCode = 1;
  },
  backlog: () => benchBacklog(load),
  fairness: () => benchFairness(),
  etcd: () => benchEtcd({ sizes, rounds: load.rounds, only }),
  files: () => benchFiles(Number(options["keys"] ?? 100_000)),
  filter: async () => {
    if (!await benchFilter()) Deno.exitCode = 1;
  },
  outputs: () => benchOutputs(options._.slice(1).map(String), { ...load, beside }),
  hung: async () => {
    const systems = options._.slice(1).map(String);
    const seconds = Number(options["seconds"] ?? 30);
    if (systems[0] !== "together") return await benchHung(systems, seconds);
    if (!await benchHungTogether(seconds)) Deno.exitCode = 1;
  },
  pull: () => benchPull({ rounds: load.rounds }),
  relay: () => benchRelay({ rounds: load.rounds }),
  start: async () => {
    if (!await benchStart({ rounds: load.rounds })) Deno.exitCode = 1;
  },
};

// For all programs that are measured, floors as well as gateways.
Deno.env.set("DENO_V8_FLAGS", V8_FLAGS);

const against = options["against"] === undefined ? undefined : String(options["against"]);

// It prints both builds, where others judge by ratios.
if (options._[0] === "restart") Deno.exit(await benchRestart({ rounds: load.rounds, against }));

if (against !== undefined) {
  Deno.exit(
    await benchAgainst(String(options._[0]), against, {
      ...load,
      rounds: Number(options["rounds"] ?? COMPARISON_ROUNDS),
      systems: options._.slice(1).map(String),
      keys: sizes[0]!,
    }),
  );
}

const run = benchmarks[String(options._[0])];
if (run === undefined) {
  const names = [...Object.keys(benchmarks), "restart"].join("|");
  Deno.stderr.writeSync(new TextEncoder().encode(`Usage: deno task bench ${names}\n`));
  Deno.exit(2);
}
await run();
