/** The gateway that an attack is made on, and the requests that attacks are made of. */

import { gzipSync } from "node:zlib";
import { assert } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { formatRequest, RawHttpConnection, type RawResponse } from "../support/http/raw_http.ts";
import { TempDir } from "../support/temp_dir.ts";
import { residentBytes, Watch } from "./watch.ts";

/** 1 MiB. */
export const MIB = 1024 * 1024;

/** What the gateway's admin routes ask for. */
export const ADMIN_TOKEN = "only-for-the-attacks";

type Json = Readonly<Record<string, unknown>>;

/** What a gateway is started with. */
export interface VictimOptions {
  readonly webhooks: Json;
  readonly connections?: Json;
  readonly env?: Readonly<Record<string, string>>;
  /** The beginning of the command line. */
  readonly through?: readonly string[];
}

/** The status of an answer and the event's id or the error's code. */
export interface Answer {
  readonly status: number;
  readonly eventId?: string;
  readonly code?: string;
}

/** A gateway with files of its own, that can be ended and started again. */
export class Victim implements AsyncDisposable {
  readonly directory: TempDir;
  readonly #options: VictimOptions;
  #gateway: GatewayProcess | undefined;

  private constructor(directory: TempDir, options: VictimOptions) {
    this.directory = directory;
    this.#options = options;
  }

  /** Starts it and waits until it is ready. */
  static async start(options: VictimOptions): Promise<Victim> {
    await using undo = new AsyncDisposableStack();
    const victim = undo.use(await Victim.prepare(options));
    await victim.restart();
    await victim.gateway.waitUntilReady();
    undo.move();
    return victim;
  }

  /** Writes its files; {@linkcode Victim.restart} starts it. */
  static async prepare(options: VictimOptions): Promise<Victim> {
    const victim = new Victim(await TempDir.create(), options);
    await victim.configure(options.webhooks);
    await victim.directory.writeJson("connections.json", options.connections ?? {});
    return victim;
  }

  get gateway(): GatewayProcess {
    if (this.#gateway === undefined) throw new Error("The gateway is not running");
    return this.#gateway;
  }

  get port(): number {
    return this.gateway.port;
  }

  /** The process that is attacked: the gateway itself also where it runs through another program. */
  get pid(): number {
    return this.gateway.pid;
  }

  /** Resident memory in bytes. */
  get bytes(): number {
    return residentBytes(this.pid);
  }

  /** Whether it runs. */
  get isAlive(): boolean {
    return residentBytes(this.pid) > 0;
  }

  /** Puts other webhooks in the place of those before, as an editor does: by renaming. */
  async configure(webhooks: Json): Promise<void> {
    const next = await this.directory.writeJson("webhooks.next", webhooks);
    await Deno.rename(next, this.directory.file("webhooks.json"));
  }

  /** Starts it, and ends the one before where there is one. It listens, and may not be ready. */
  async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#gateway?.[Symbol.asyncDispose]();
    this.#gateway = undefined;
    this.#gateway = await GatewayProcess.start({
      cwd: this.directory.path,
      env: { ADMIN_TOKEN, SHUTDOWN_GRACE_MS: "0", ...this.#options.env, ...env },
      ...(this.#options.through === undefined ? {} : { through: this.#options.through }),
    });
  }

  /** Asks it to end, and returns its exit code. */
  async stop(): Promise<number> {
    this.gateway.kill("SIGTERM");
    return (await this.gateway.exited).code;
  }

  watch(): Promise<Watch> {
    return Watch.begin(this);
  }

  connect(): Promise<RawHttpConnection> {
    return RawHttpConnection.open(this.port);
  }

  /** Posts an event over a connection of its own. */
  async post(
    webhook: string,
    body: string | Uint8Array<ArrayBuffer> = "{}",
    headers: Readonly<Record<string, string>> = {},
    timeoutMs = 60_000,
  ): Promise<Answer> {
    const target = `/webhook/${webhook}`;
    return answerOf(await this.send(formatRequest("POST", target, { headers, body }), timeoutMs));
  }

  /** Sends these bytes over a connection of its own and returns the answer. */
  async send(bytes: string | Uint8Array, timeoutMs = 60_000): Promise<RawResponse> {
    await using connection = await this.connect();
    // An answer may come, and the connection be closed, before all was taken.
    const [answer] = await Promise.all([
      connection.readResponse({ method: "POST", timeoutMs }),
      connection.write(bytes).catch(() => {}),
    ]);
    return answer;
  }

  /** The value of a metric without labels; of one with labels, the sum of its series. */
  async metric(name: string): Promise<number> {
    const { text } = await this.get("/metrics");
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** Asks any route with the admin's token. */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<RawResponse> {
    const authorization = `Bearer ${ADMIN_TOKEN}`;
    return await this.send(formatRequest("GET", path, { headers: { authorization, ...headers } }));
  }

  /** Every event that was answered 200 has arrived when nothing is pending any more. */
  async drained(timeoutMs = 20_000): Promise<void> {
    await eventually(async () => {
      const pending = await this.metric("cwm_events_pending");
      assert(pending === 0, `${pending} events are pending`);
    }, { timeoutMs, intervalMs: 50 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway?.[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** What the gateway says in an answer of its own. */
export function answerOf({ status, text }: RawResponse): Answer {
  const { event_id: eventId, error } = text === "" ? {} : JSON.parse(text) as {
    readonly event_id?: string;
    readonly error?: { readonly code: string };
  };
  return {
    status,
    ...(eventId === undefined ? {} : { eventId }),
    ...(error === undefined ? {} : { code: error.code }),
  };
}

/** An entry for a webhook that delivers to a server of the test. */
export function httpWebhook(url: string, more: Json = {}, config: Json = {}): Json {
  return {
    module: "http_webhook",
    "module-config": { url, allowed_hosts: ["127.0.0.1"], ...config },
    ...more,
  };
}

/** A policy with which events of a test come again at once, and practically for ever. */
export const RETRY = { max_attempts: 1000, initial_delay: 0.05, max_delay: 0.2 };

/** The smallest form of a body. */
export function gzip(body: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(body, { level: 9 }));
}

/** How often each answer was given, for figures: `200: 3, 503 overloaded: 7`. */
export function countAnswers(answers: readonly Answer[]): string {
  const counts = Map.groupBy(
    answers,
    ({ status, code }) => code === undefined ? `${status}` : `${status} ${code}`,
  );
  return Array.from(counts, ([answer, all]) => `${answer}: ${all.length}`).join(", ");
}

/** For figures: `12 MiB`. */
export function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}
