/** A real Prometheus and a real Alertmanager with the files of `docker/observability/`, at the pace of a test. */

import { join } from "@std/path";
import { eventually } from "../eventually.ts";
import { ChildProcess } from "../process/child_process.ts";
import { findProgram } from "../process/test_servers.ts";
import { freePort } from "../redis/server.ts";
import { REPOSITORY } from "../repository.ts";
import { TempDir } from "../temp_dir.ts";

/** An alert as Alertmanager sends it to its receiver. */
export interface SentAlert {
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** How long things take in the files, and in a test. */
const PACE: readonly (readonly [usual: RegExp, quick: string])[] = [
  [/\b(scrape|evaluation)_interval: 15s/g, "$1_interval: 200ms"],
  [/\bfor: 5m/g, "for: 0s"],
  [/\bgroup_wait: 30s/g, "group_wait: 0s"],
  [/\bgroup_interval: 5m/g, "group_interval: 200ms"],
];

/** Both programs, and who gets the alerts. */
export class Alerting implements AsyncDisposable {
  /** Alerts that have arrived, as they were sent. */
  readonly alerts: SentAlert[];
  readonly #undo: AsyncDisposableStack;

  private constructor(alerts: SentAlert[], undo: AsyncDisposableStack) {
    this.alerts = alerts;
    this.#undo = undo;
  }

  /** @param gateway where it is scraped, `host:port` */
  static async start(gateway: string): Promise<Alerting> {
    await using undo = new AsyncDisposableStack();
    const received: SentAlert[] = [];
    const receiver = undo.use(
      Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
        const { alerts } = await request.json() as { readonly alerts: readonly SentAlert[] };
        received.push(...alerts);
        return new Response();
      }),
    );
    const directory = undo.use(await TempDir.create());
    const [manager, prometheus] = [freePort(), freePort()];
    await copy(directory, "alertmanager.yaml", ["localhost:9094", `127.0.0.1:${receiver.addr.port}`]);
    await copy(directory, "alerts.yaml");
    await copy(
      directory,
      "prometheus.yaml",
      ["localhost:9093", `127.0.0.1:${manager}`],
      ["localhost:8000", gateway],
    );
    undo.use(ChildProcess.spawn(await program("prometheus-alertmanager"), {
      args: [
        `--config.file=${directory.file("alertmanager.yaml")}`,
        `--storage.path=${directory.file("alertmanager")}`,
        `--web.listen-address=127.0.0.1:${manager}`,
        "--cluster.listen-address=",
      ],
    }));
    undo.use(ChildProcess.spawn(await program("prometheus"), {
      args: [
        `--config.file=${directory.file("prometheus.yaml")}`,
        `--storage.tsdb.path=${directory.file("prometheus")}`,
        `--web.listen-address=127.0.0.1:${prometheus}`,
      ],
    }));
    await ready(`http://127.0.0.1:${manager}/-/ready`);
    await ready(`http://127.0.0.1:${prometheus}/-/ready`);
    return new Alerting(received, undo.move());
  }

  /** The alert of this name, once it has arrived. */
  async sent(name: string, status: SentAlert["status"]): Promise<SentAlert> {
    return await eventually(() => {
      const found = this.alerts.find((alert) =>
        alert.labels["alertname"] === name && alert.status === status
      );
      if (found === undefined) throw new Error(`${name} is not ${status}: ${JSON.stringify(this.alerts)}`);
      return found;
    }, { timeoutMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo[Symbol.asyncDispose]();
  }
}

async function copy(
  directory: TempDir,
  name: string,
  ...changes: readonly (readonly [from: string, to: string])[]
): Promise<void> {
  let text = await Deno.readTextFile(join(REPOSITORY, "docker/observability", name));
  for (const [usual, quick] of PACE) text = text.replace(usual, quick);
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${name} does not hold ${from}`);
    text = text.replace(from, to);
  }
  await directory.writeText(name, text);
}

async function program(name: string): Promise<string> {
  const found = await findProgram(name);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

async function ready(url: string): Promise<void> {
  await eventually(async () => {
    const answer = await fetch(url);
    await answer.body?.cancel();
    return answer.ok;
  }, { timeoutMs: 60_000, intervalMs: 50 });
}
