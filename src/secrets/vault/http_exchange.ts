/**
 * One HTTP request to one address of Vault.
 *
 * Every request has a connection of its own, so that it is sent once: each use of a token, secret id or wrapping token
 * may be the only one that it has.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { RequestOptions } from "node:https";
import { urlToHttpOptions } from "node:url";
import { exchange, type ExchangeOptions, NoAnswerError } from "../../io/http_exchange.ts";
import { configurationNames } from "../../io/name_lookups.ts";
import { PemFileError, readPemFiles } from "../../io/tls.ts";
import type { VaultSettings } from "../../settings/vault.ts";
import { VaultFailure } from "./failure.ts";

/** Longest answer that is read, in bytes. Vault stores no value over 1 MiB. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** What is sent. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; left out for none. */
  readonly body?: string;
}

/** What came back. */
export interface HttpAnswer {
  /** The address that answered, without path. */
  readonly origin: string;
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  readonly text: string;
}

/** There is no answer. The message names the server and nothing of the request. */
export class NoAnswer extends VaultFailure {
  /** @param sent whether the server may have seen the request */
  constructor(readonly sent: boolean, reason: string, options?: ErrorOptions) {
    super("unavailable", reason, options);
  }
}

/** Sends requests, over TLS as the settings say. */
export class HttpExchange {
  readonly #tls: VaultSettings["tls"];
  /** The authorities of `caFile`, until a connection fails: the file may have been replaced. */
  #ca: string | undefined;

  constructor(tls: VaultSettings["tls"]) {
    this.#tls = tls;
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * @throws {NoAnswer} also when the signal aborts
   */
  async send(url: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const tls = url.protocol === "https:" ? await this.#tlsOptions(signal) : {};
    try {
      const { status, headers, body } = await exchange(
        optionsOf(url, request, tls),
        request.body,
        MAX_ANSWER,
        signal,
      );
      const text = new TextDecoder().decode(body);
      return {
        origin: url.origin,
        status,
        retryAfter: headers["retry-after"],
        location: headers.location,
        text,
      };
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      this.#ca = undefined;
      const { isSent, cause } = error;
      const what = isSent ? "did not answer" : "cannot be reached";
      throw new NoAnswer(isSent, `Vault at ${url.host} ${what}: ${describeCause(cause)}`, { cause });
    }
  }

  async #tlsOptions(signal: AbortSignal): Promise<RequestOptions> {
    const { verify, caFile } = this.#tls;
    if (caFile === undefined) return { rejectUnauthorized: verify };
    this.#ca ??= await readAuthorities(caFile, signal);
    return { rejectUnauthorized: verify, ca: this.#ca };
  }
}

function optionsOf(url: URL, { method, headers, body }: HttpRequest, tls: RequestOptions): ExchangeOptions {
  return {
    ...urlToHttpOptions(url),
    ...tls,
    protocol: url.protocol === "https:" ? "https:" : "http:",
    method,
    agent: false,
    lookup: configurationNames.lookup,
    headers: {
      ...headers,
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    },
  };
}

async function readAuthorities(file: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await readPemFiles({ ca: file }, { ca: "VAULT_VERIFY" }, { signal })).ca;
  } catch (error) {
    if (!(error instanceof PemFileError)) throw error;
    throw new NoAnswer(false, error.message, { cause: error.cause });
  }
}

/** Codes of certificates whose authority is not trusted (OpenSSL's X509_V_ERR). */
const UNKNOWN_AUTHORITY = /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;

/** The system's or TLS's code where there is one: it is what operators search for. */
function describeCause(error: Error): string {
  if (error.name === "TimeoutError") return "it took too long";
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== "string") return error.message;
  return UNKNOWN_AUTHORITY.test(code) ? `${code} (VAULT_VERIFY names the authorities to trust)` : code;
}
