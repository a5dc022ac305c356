/**
 * The one way in which verifiers ask other servers: those that know tokens, publish keys or judge captchas. Addresses
 * are judged by the destination's policy, redirects are not followed, and every call has bounds: its time, the length
 * of its answer, and how many there are at once.
 *
 * @module
 */

import type { OutgoingHttpHeaders } from "node:http";
import { authorityOf } from "../../io/address.ts";
import { BlockingCalls, TooManyCallsError } from "../../io/blocking_calls.ts";
import type { RequestTraces } from "../../io/http/request_traces.ts";
import { type Destination, HttpWebhookClient, RefusedAddressError } from "../../io/http_client.ts";
import { NoAnswerError, type WholeAnswer } from "../../io/http_exchange.ts";
import type { Resolver } from "../../io/name_lookups.ts";
import type { Counter, Family, Metrics } from "../../observability/metrics.ts";
import { FairTurns } from "./fair_turns.ts";
import { type Shared, SharedValues } from "./shared_values.ts";
import { ServerUnavailableError } from "./unavailable.ts";

/** How long a sender may have to wait for a server, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Longest answer, in bytes. */
const MAX_ANSWER_BYTES = 256 * 1024;

/**
 * Most calls at once, to all servers and to each of them; 1,024 more of each wait for a place. Those about what
 * strangers sent have places of their own, so that they keep no others from being made.
 */
const MAX_CALLS = { total: 256, perKey: 64 } as const;

/** Most calls of a server about what strangers sent that wait for a place: in turns of who sent it. */
const MOST_WAITING = 256;

/** A server whose calls take longer gets one at a time for a minute, in milliseconds. */
const SLOW_AFTER_MS = 4_000;

/** What a server is asked. */
export interface Question {
  readonly destination: Destination;
  readonly method: "GET" | "POST";
  /** Besides `User-Agent`, `Accept-Encoding` and `Content-Length`. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array;
  /** Whether it is about credentials that were good a moment ago, or that nobody has vouched for. @default "known" */
  readonly about?: "known" | "unknown";
  /** Whose request it is about, where it is about something unknown: clients take turns. @default nobody's */
  readonly from?: string;
}

/** How servers are asked. */
export interface AuthServersOptions {
  /** Finds addresses. @default the system's resolver */
  readonly resolve?: Resolver;
  /** Certificate authorities in PEM. @default those that the runtime trusts */
  readonly ca?: string;
  /** Makes calls parts of the traces of the requests that they are about. @default none are recorded */
  readonly traces?: RequestTraces | undefined;
  /** Where calls are counted. @default nowhere */
  readonly metrics?: Metrics;
  /** How long a call may take, the wait for a place included, in milliseconds. @default 5000 */
  readonly timeoutMs?: number;
}

/** Asks servers on behalf of the verifiers of one gateway. */
export class AuthServers implements AsyncDisposable {
  readonly #client: HttpWebhookClient;
  readonly #timeoutMs: number;
  readonly #calls = {
    known: new BlockingCalls({ ...MAX_CALLS, slowAfterMs: SLOW_AFTER_MS }),
    unknown: new BlockingCalls({ ...MAX_CALLS, slowAfterMs: SLOW_AFTER_MS }),
  };
  /** By server. */
  readonly #turns = new Map<string, FairTurns>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  readonly #shared = new SharedValues<Disposable>();
  readonly #counters: Family<Counter, readonly ["server", "outcome"]> | undefined;

  constructor({ timeoutMs = TIMEOUT_MS, metrics, ...client }: AuthServersOptions = {}) {
    this.#timeoutMs = timeoutMs;
    this.#counters = metrics?.counter(
      "cwm_auth_server_calls_total",
      "Calls of verifiers to servers that know credentials or publish keys, by whether there was an answer.",
      ["server", "outcome"],
    );
    this.#client = new HttpWebhookClient(client);
  }

  /**
   * Asks a server and returns its answer, whatever the status.
   *
   * @param signal ends the call before its time
   * @throws {ServerUnavailableError} when there is no whole answer in time
   */
  async ask(question: Question, signal?: AbortSignal): Promise<WholeAnswer> {
    const ending = new AbortController();
    const end = () => ending.abort();
    const timer = setTimeout(end, this.#timeoutMs);
    const signals = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal];
    for (const each of signals) each.addEventListener("abort", end);
    if (signals.some(({ aborted }) => aborted)) end();
    const asking = this.#ask(question, ending.signal);
    this.#underWay.add(asking);
    try {
      const answer = await asking;
      this.#count(question, "answered");
      return answer;
    } catch (error) {
      this.#count(question, "failed");
      throw unavailable(error, question.destination, ending.signal.aborted);
    } finally {
      this.#underWay.delete(asking);
      clearTimeout(timer);
      for (const each of signals) each.removeEventListener("abort", end);
    }
  }

  #count({ destination }: Question, outcome: "answered" | "failed"): void {
    this.#counters?.with(nameOf(destination), outcome).increment();
  }

  /**
   * Holds what all verifiers share that name the same thing, such as the keys behind an address.
   *
   * @param key equal for those that may share one, and unlike those of other kinds of things
   * @param make the value, for its first holder
   */
  share<Value extends Disposable>(key: string, make: () => Value): Shared<Value> {
    return this.#shared.hold(key, make) as Shared<Value>;
  }

  #ask(question: Question, signal: AbortSignal): Promise<WholeAnswer> {
    return question.about === "unknown" ? this.#askInTurn(question, signal) : this.#call(question, signal);
  }

  async #askInTurn(question: Question, signal: AbortSignal): Promise<WholeAnswer> {
    const server = nameOf(question.destination);
    let turns = this.#turns.get(server);
    if (turns === undefined) this.#turns.set(server, turns = new FairTurns(MAX_CALLS.perKey, MOST_WAITING));
    try {
      return await turns.run(question.from ?? "", signal, () => this.#call(question, signal));
    } finally {
      if (turns.isIdle && this.#turns.get(server) === turns) this.#turns.delete(server);
    }
  }

  #call(
    { destination, method, headers, body = NO_BODY, about = "known" }: Question,
    signal: AbortSignal,
  ): Promise<WholeAnswer> {
    const sent = {
      "user-agent": "core-webhook-module",
      "accept-encoding": "identity",
      ...headers,
      ...(method === "POST" ? { "content-length": body.byteLength } : {}),
    };
    return this.#calls[about].run(
      nameOf(destination),
      signal,
      () => this.#client.fetch(destination, method, sent, body, signal, MAX_ANSWER_BYTES),
    );
  }

  /** Ends what is under way and closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#shared[Symbol.dispose]();
    await Promise.allSettled(this.#underWay);
    this.#client[Symbol.dispose]();
  }
}

const NO_BODY = new Uint8Array();

/** How operators know a server. Path and query stay out, which may hold secrets. */
export function nameOf({ hostname, port }: Destination): string {
  return authorityOf(hostname, port);
}

/** Why there is no answer, in words that hold no secret. */
function unavailable(error: unknown, destination: Destination, isLate: boolean): ServerUnavailableError {
  const server = `The server ${nameOf(destination)}`;
  if (isLate) return new ServerUnavailableError(`${server} did not answer in time`);
  const cause = error instanceof NoAnswerError ? error.cause : error;
  return new ServerUnavailableError(`${server} ${describe(cause)}`, { cause });
}

function describe(cause: unknown): string {
  if (cause instanceof RefusedAddressError) return `is refused, ${cause.message}: see allowed_hosts`;
  if (cause instanceof TooManyCallsError) return "has too many calls waiting";
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  return `cannot be asked: ${String(code ?? message)}`;
}
