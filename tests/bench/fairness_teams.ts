/**
 * What other teams feel of one that sends ten times what the policy lets its namespace have: the answers to their
 * requests beside it, against quiet ones, in rounds of both. None of theirs may be refused.
 *
 * @module
 */

import { EtcdServer } from "../support/etcd/server.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { judge, median, print, progress, row } from "./etcd_report.ts";
import { type Answers, flood, probe } from "./probe.ts";

const ROUNDS = 5;
const SECONDS = 3;
const WARM_UP_SECONDS = 2;
const BODY = JSON.stringify({ action: "push", repository: { id: 12345, name: "myapp" }, number: 1234 });

/** Requests a second that a team may send. */
const LIMIT = 300;
/** With 32 connections, about ten times as many. */
const PAUSE_MS = 10;
const TARGET = 2;

const POLICY = { namespaces: { "team-*": { limits: { rate: `${LIMIT}/1`, inflight: 64 } } } };
const WEBHOOK = { module: "log", auth: "none" };

/** Prints the medians of the rounds. */
export async function printTeams(): Promise<void> {
  await using etcd = await EtcdServer.start();
  const put = (key: string, value: unknown) => etcd.ctl("put", `/cwm/${key}`, JSON.stringify(value));
  await put("global/policy", POLICY);
  for (const team of ["team-a", "team-b"]) await put(`${team}/webhooks/log`, WEBHOOK);
  await using gateway = await GatewayProcess.start({
    env: { CONFIG_BACKEND: "etcd", ETCD_ENDPOINTS: etcd.endpoint, CONFIG_SNAPSHOT_FILE: "none" },
  });
  await gateway.waitUntilReady();
  const url = (team: string) => `${gateway.url}/webhook/${team}/log`;
  await probe(url("team-b"), BODY, WARM_UP_SECONDS);
  const quiet: Answers[] = [];
  const flooded: Answers[] = [];
  const rates: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`teams, round ${round} of ${ROUNDS}`);
    quiet.push(await probe(url("team-b"), BODY, SECONDS));
    // The first answer that is not 200 ends the benchmark.
    await using flooding = await flood(url("team-a"), BODY, SECONDS, PAUSE_MS);
    flooded.push(await probe(url("team-b"), BODY, SECONDS));
    rates.push(await flooding.requestsPerSecond);
  }
  const p99 = (all: readonly Answers[]) => median(all.map(({ p99Ms }) => p99Ms));
  const p50 = (all: readonly Answers[]) => median(all.map(({ p50Ms }) => p50Ms));
  print(row("a team, quiet", ["", p50(quiet).toFixed(1), p99(quiet).toFixed(1), ""]));
  print(row(`  beside one far over its ${LIMIT}/s`, [
    median(rates).toFixed(0),
    p50(flooded).toFixed(1),
    `${p99(flooded).toFixed(1)} (${judge(p99(flooded) / p99(quiet), TARGET)})`,
    "",
  ]));
}
