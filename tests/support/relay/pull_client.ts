import type { PulledEvent } from "../../../src/relay/pull/pulled_event.ts";
import { patience } from "../patience.ts";

/** An answer to a request of a pulling consumer. */
export interface PullAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Which channel, by which token. */
export interface PullClientOptions {
  /** @default "inbox" */
  readonly channel?: string;
  readonly token: string;
  /** How long an answer may take, in milliseconds. @default 60000 */
  readonly timeoutMs?: number;
}

/** A consumer's requests to `/pull/{channel}/…`, one call each. */
export class PullClient {
  readonly #url: string;
  readonly #token: string;
  readonly #timeoutMs: number;

  constructor(origin: string, { channel = "inbox", token, timeoutMs = 60_000 }: PullClientOptions) {
    this.#timeoutMs = timeoutMs;
    this.#url = `${origin}/pull/${channel}`;
    this.#token = token;
  }

  async send(action: string, body: unknown, signal?: AbortSignal): Promise<PullAnswer> {
    const late = patience(this.#timeoutMs);
    const response = await fetch(`${this.#url}/${action}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: JSON.parse(text) };
  }

  /** @throws {Error} for any answer but 200 */
  async receive(
    request: { readonly n?: number; readonly wait?: number; readonly lease?: number } = {},
    signal?: AbortSignal,
  ): Promise<readonly PulledEvent[]> {
    const { events } = await this.#ask("receive", request, signal);
    return events as readonly PulledEvent[];
  }

  ack(...events: readonly Pick<PulledEvent, "handle">[]): Promise<PullAnswer["json"]> {
    return this.#ask("ack", { handles: handlesOf(events) });
  }

  release(events: readonly Pick<PulledEvent, "handle">[], delay = 0): Promise<PullAnswer["json"]> {
    return this.#ask("release", { handles: handlesOf(events), delay });
  }

  extend(events: readonly Pick<PulledEvent, "handle">[], lease: number): Promise<PullAnswer["json"]> {
    return this.#ask("extend", { handles: handlesOf(events), lease });
  }

  reject(events: readonly Pick<PulledEvent, "handle">[], reason: string): Promise<PullAnswer["json"]> {
    return this.#ask("reject", { handles: handlesOf(events), reason });
  }

  async #ask(action: string, body: unknown, signal?: AbortSignal): Promise<PullAnswer["json"]> {
    const { status, json } = await this.send(action, body, signal);
    if (status !== 200) throw new Error(`The gateway answered ${status} ${JSON.stringify(json)}`);
    return json;
  }
}

function handlesOf(events: readonly Pick<PulledEvent, "handle">[]): string[] {
  return events.map(({ handle }) => handle);
}
