/**
 * A gateway as its operator and its senders see it: metrics, health, and which token opens which webhook.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { GatewayProcess } from "../../../support/process/gateway_process.ts";
import type { LedgerWriter } from "./ledger.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-situations";

/** From one look at the metrics to the next, in milliseconds. */
const LOOK_INTERVAL_MS = 100;

/** Another checkout whose gateway is put into the situations, for figures of a build before. */
const AGAINST = Deno.env.get("CWM_AGAINST");

/** The gateway of a situation. Disposal kills it. */
export class ObservedGateway implements AsyncDisposable {
  /** The longest time that an acknowledged put was not applied, in milliseconds. */
  longestStaleMs = 0;
  readonly #looking = new AbortController();
  readonly #looks: Promise<void>;

  private constructor(readonly process: GatewayProcess, ledger: LedgerWriter) {
    this.#looks = this.#look(ledger);
  }

  /** Starts it; it need not be ready. */
  static async start(env: Readonly<Record<string, string>>, ledger: LedgerWriter): Promise<ObservedGateway> {
    const process = await GatewayProcess.start({
      env: { CONFIG_BACKEND: "etcd", ADMIN_TOKEN, LOG_LEVEL: "info", ...env },
      ...(AGAINST === undefined ? {} : { repository: AGAINST }),
    });
    return new ObservedGateway(process, ledger);
  }

  /** The port of the member that it watches, or has watched last. */
  get watchedPort(): number | undefined {
    const lines = this.process.lines.flatMap(({ text }) =>
      /Watching etcd at \S*?:(\d+) /.exec(text)?.[1] ?? []
    );
    return lines.length === 0 ? undefined : Number(lines.at(-1));
  }

  /** The sum of a metric over the labels that contain a text, 0 for one that is not there. */
  async metric(name: string, label = ""): Promise<number> {
    return sumOf(await this.#get("/metrics"), name, label);
  }

  /** `/health` or `/admin/config`. */
  async json(path: string): Promise<Record<string, unknown>> {
    return JSON.parse(await this.#get(path)) as Record<string, unknown>;
  }

  /** The status that a sender with this token gets. */
  async send(webhook: string, token: string): Promise<number> {
    const answer = await fetch(`${this.process.url}/webhook/${webhook}`, {
      method: "POST",
      body: "{}",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(20_000),
    });
    await answer.body?.cancel();
    return answer.status;
  }

  /** What an operator would look at first. */
  async describe(): Promise<string> {
    const report = await this.#get("/admin/config").catch(String);
    const log = this.process.lines.map(({ text }) => text).filter((text) => /etcd/i.test(text)).slice(-15);
    return [`watched port: ${this.watchedPort}`, report, ...log].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#looking.abort();
    await this.#looks;
    await this.process[Symbol.asyncDispose]();
  }

  async #look(ledger: LedgerWriter): Promise<void> {
    const { signal } = this.#looking;
    while (!signal.aborted) {
      try {
        const askedAt = performance.now();
        const applied = await this.metric("cwm_etcd_last_applied_revision");
        ledger.pending = ledger.pending.filter(({ revision }) => revision > applied);
        // What was acknowledged since may well be applied since.
        const staleMs = askedAt - (ledger.pending[0]?.at ?? askedAt);
        this.longestStaleMs = Math.max(this.longestStaleMs, staleMs);
        await sleep(LOOK_INTERVAL_MS, undefined, { signal });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #get(path: string): Promise<string> {
    const answer = await fetch(`${this.process.url}${path}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      signal: AbortSignal.any([this.#looking.signal, AbortSignal.timeout(20_000)]),
    });
    return await answer.text();
  }
}

/** The sum of the samples of a metric in Prometheus' text format. */
export function sumOf(text: string, name: string, label = ""): number {
  return text.split("\n")
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
