/**
 * What a ClickHouse server that hangs for 30 seconds under load costs the other webhooks of the gateway, and
 * whether everything that was confirmed is in the table afterwards.
 *
 *     deno run --allow-all tests/bench/outputs_clickhouse_hang.ts
 *
 * @module
 */

import { ClickhouseServer } from "../support/clickhouse_server.ts";
import { GatewayProcess } from "../support/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { print, progress, quantile, row } from "./etcd_report.ts";

const WARM_UP_MS = 3_000;
const MEASURED_MS = 30_000;
/**
 * How often the two webhooks get an event, whether the one before was answered or not. Senders that wait for
 * the whole time must fit into MAX_INFLIGHT.
 */
const ORDERS_INTERVAL_MS = 10;
const OTHER_INTERVAL_MS = 2;
/** The most that the other webhook's 99th percentile may grow by. */
const TARGET = 2;

interface Load {
  /** Times from request to answer, in milliseconds. */
  readonly times: number[];
  /** Ids of events that were answered with 200. */
  readonly confirmed: string[];
  readonly failed: { count: number };
}

async function main(): Promise<void> {
  await using directory = await TempDir.create();
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using gateway = await startGateway(directory, server);
  const measure = async (durationMs: number) => {
    const loads = { orders: newLoad(), other: newLoad() };
    const orders = send(`${gateway.url}/webhook/orders`, loads.orders, ORDERS_INTERVAL_MS, durationMs);
    await send(`${gateway.url}/webhook/other`, loads.other, OTHER_INTERVAL_MS, durationMs);
    return { ...loads, answered: orders };
  };
  await (await measure(WARM_UP_MS)).answered;
  progress("quiet");
  const quiet = await measure(MEASURED_MS);
  await quiet.answered;
  progress("hanging");
  server.freeze();
  const hanging = await measure(MEASURED_MS);
  server.thaw();
  await hanging.answered;
  const { orders: afterwards, answered } = await measure(WARM_UP_MS);
  await answered;
  const confirmed = [quiet.orders, hanging.orders, afterwards].flatMap((load) => load.confirmed);
  const stored = new Set((await server.rows("webhook_logs")).map(({ id }) => id));
  print(row("", ["answered", "failed", "p50 ms", "p99 ms"]));
  printLoad("ClickHouse works: the other webhook", quiet.other);
  printLoad("ClickHouse hangs: the other webhook", hanging.other);
  printLoad("ClickHouse works: its own webhook", quiet.orders);
  printLoad("ClickHouse hangs: its own webhook", hanging.orders);
  printLoad("ClickHouse works again: its own webhook", afterwards);
  const ratio = quantile(hanging.other.times, 0.99) / quantile(quiet.other.times, 0.99);
  print(`p99 of the other webhook, hanging to quiet: ${ratio.toFixed(2)} (at most ${TARGET})`);
  const missing = confirmed.filter((id) => !stored.has(id)).length;
  print(`Confirmed events that are not in the table: ${missing} of ${confirmed.length}`);
}

async function startGateway(directory: TempDir, server: ClickhouseServer): Promise<GatewayProcess> {
  await directory.writeJson("webhooks.json", {
    orders: { module: "clickhouse", accept: "delivered" },
    other: { module: "log" },
  });
  await directory.writeJson("connections.json", {
    main: { type: "clickhouse", host: "127.0.0.1", http_port: server.port },
  });
  const gateway = await GatewayProcess.start({ cwd: directory.path });
  await gateway.waitUntilReady();
  return gateway;
}

function newLoad(): Load {
  return { times: [], confirmed: [], failed: { count: 0 } };
}

/** Sends events at a steady rate, and returns when the last one was answered. */
async function send(url: string, load: Load, intervalMs: number, durationMs: number): Promise<void> {
  const start = performance.now();
  const underway: Promise<void>[] = [];
  for (let number = 0; number * intervalMs < durationMs; number++) {
    const waitMs = start + number * intervalMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    underway.push(sendOne(url, load));
  }
  await Promise.all(underway);
}

async function sendOne(url: string, load: Load): Promise<void> {
  const start = performance.now();
  const response = await fetch(url, { method: "POST", body: '{"order":1}' });
  const { event_id } = await response.json();
  load.times.push(performance.now() - start);
  if (response.status === 200) load.confirmed.push(event_id);
  else load.failed.count++;
}

function printLoad(name: string, { times, confirmed, failed }: Load): void {
  print(row(name, [
    String(confirmed.length),
    String(failed.count),
    quantile(times, 0.5).toFixed(1),
    quantile(times, 0.99).toFixed(1),
  ]));
}

if (import.meta.main) await main();
