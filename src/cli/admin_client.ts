/**
 * A client of the admin routes, for commands that ask the gateway that owns the data directory.
 *
 * @module
 */

import { StartupError } from "../errors.ts";
import { escapeUnsafe } from "../observability/safe_text.ts";
import { askLocalGateway, type LocalAnswer, type LocalSettings, localUrl } from "./healthcheck.ts";

/** How long a gateway may take to answer unless somebody knows better, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 60_000;

/** What the gateway says of a request that it refuses. */
interface GatewayProblem {
  readonly code?: string;
  readonly message?: string;
}

/** Asks the admin routes of the gateway that uses the data directory. */
export class AdminClient {
  readonly #settings: LocalSettings;
  readonly #origin: string;
  readonly #token: string;
  readonly #timeoutMs: number;

  /**
   * @param token the gateway's `ADMIN_TOKEN`
   * @param timeoutMs how long the gateway may take to answer, in milliseconds
   */
  constructor(settings: LocalSettings, token: string, timeoutMs: number = ANSWER_TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs;
    this.#settings = settings;
    this.#origin = localUrl(settings);
    this.#token = token;
  }

  /**
   * The answer to a request.
   *
   * @param ifNotFound what to answer instead of failing where there is no such thing
   * @param sent JSON. @default nothing
   * @throws {StartupError} `gateway_unreachable`
   */
  async ask(
    method: "GET" | "POST",
    pathAndQuery: string,
    ifNotFound?: { readonly answer: undefined },
    sent?: string,
  ): Promise<unknown> {
    const { status, body } = await this.#fetch(method, pathAndQuery, sent);
    const answer = parsed(body);
    if (status === 200 && answer !== undefined) return answer;
    const problem = (answer as { readonly error?: GatewayProblem } | undefined)?.error;
    if (ifNotFound !== undefined && status === 404 && problem?.code === "not_found") return ifNotFound.answer;
    throw new StartupError("gateway_unreachable", [this.#describe(status, problem)]);
  }

  #describe(status: number, problem: GatewayProblem | undefined): string {
    if (status === 401) {
      return `The gateway at ${this.#origin} does not accept this ADMIN_TOKEN: set the one that it was started with`;
    }
    if (problem?.message === undefined) {
      return `What answers at ${this.#origin} with status ${status} is not the gateway that uses the data ` +
        "directory: check HOST and PORT";
    }
    return escapeUnsafe(`The gateway at ${this.#origin} answers ${status}: ${problem.message}`);
  }

  async #fetch(method: "GET" | "POST", pathAndQuery: string, sent?: string): Promise<LocalAnswer> {
    try {
      const headers = { "authorization": `Bearer ${this.#token}` };
      const signal = AbortSignal.timeout(this.#timeoutMs);
      return await askLocalGateway(this.#settings, method, pathAndQuery, headers, signal, sent);
    } catch (cause) {
      throw new StartupError("gateway_unreachable", [
        `Cannot reach the gateway that uses the data directory at ${this.#origin}: check HOST and PORT`,
      ], { cause });
    }
  }
}

/** What the JSON says; `undefined` where it is none. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
