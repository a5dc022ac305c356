/**
 * Asks a server for access tokens as a client that acts for itself (RFC 6749, section 4.4).
 *
 * @module
 */

import { hash } from "node:crypto";
import { z } from "zod";
import { basicCredentials } from "../../../auth/oauth2/client_credentials.ts";
import { DeliveryError } from "../../../errors.ts";
import { authorityOf } from "../../../io/address.ts";
import { urlField } from "../../../io/destination_fields.ts";
import { ProxyError } from "../../../io/http/proxy.ts";
import { type Destination, type HttpWebhookClient, RefusedAddressError } from "../../../io/http_client.ts";
import { NoAnswerError, type WholeAnswer } from "../../../io/http_exchange.ts";
import { parseRetryAfter } from "../../../io/retry_after.ts";
import { reportAt, secretField } from "../../../schema/fields.ts";
import { pause, verdictError } from "../../verdicts.ts";
import { compileTokenServerTls, type OwnTls, pemField } from "./own_tls.ts";

/** How long a server of tokens may take, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** Longest answer, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** How long a token is good whose server does not say it, in seconds. RFC 6749, section 5.1, leaves that open. */
const DEFAULT_LIFETIME_SECONDS = 300;

/** Longest that a token is used, whatever its server says, in seconds. */
const MAX_LIFETIME_SECONDS = 24 * 3600;

/** What a header can carry behind `Bearer`. */
const TOKEN = /^[\x21-\x7e]+$/;

/** What servers say of their errors (RFC 6749, section 5.2, and RFC 8707). Nothing else of what they say is shown. */
const ERRORS: ReadonlySet<unknown> = new Set([
  "invalid_client",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "invalid_target",
  "unauthorized_client",
  "unsupported_grant_type",
  "access_denied",
  "server_error",
  "temporarily_unavailable",
]);

/** `oauth2` of `auth`. {@linkcode compileTokenClient} judges the address. */
export const oauth2Schema = z.strictObject({
  token_url: urlField(),
  client_id: z.string().min(1),
  client_secret: secretField(),
  client_auth: z.enum(["basic", "post"]).default("basic"),
  scope: z.string().min(1).optional(),
  audience: z.string().min(1).optional(),
  ca: pemField().optional(),
});

/** A token, and how long it is good. */
export interface AccessToken {
  readonly text: string;
  readonly lifetimeSeconds: number;
}

/** Who asks for tokens, and where. */
export class TokenClient {
  /** Equal for clients that get the same tokens, and shows nothing of what they are made of. */
  readonly key: string;
  readonly #server: Destination;
  readonly #authorization: string | undefined;
  readonly #body: Uint8Array<ArrayBuffer>;

  constructor(
    server: Destination,
    { client_id: id, client_secret: secret, client_auth, scope, audience }: z.output<typeof oauth2Schema>,
  ) {
    const { protocol, hostname, port, path, policy, proxy, tls } = server;
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      ...(client_auth === "post" ? { client_id: id, client_secret: secret } : {}),
      ...(scope === undefined ? {} : { scope }),
      ...(audience === undefined ? {} : { audience }),
    });
    this.#server = server;
    this.#authorization = client_auth === "basic" ? basicCredentials(id, secret) : undefined;
    this.#body = new TextEncoder().encode(`${form}`);
    const way = [policy.key, proxy?.hostname, proxy?.port, proxy?.authorization, tls?.key];
    const parts = [protocol, hostname, port, path, ...way, this.#authorization, `${form}`];
    this.key = hash("sha256", JSON.stringify(parts), "hex");
  }

  /** How operators know the server. Path and query stay out, which may hold secrets. */
  get name(): string {
    return `The token server ${authorityOf(this.#server.hostname, this.#server.port)}`;
  }

  /**
   * Asks for a token.
   *
   * @throws {DeliveryError} `output_unavailable`, whatever the reason: it can be put right on the server, so that events
   *   wait for it
   */
  async ask(http: HttpWebhookClient): Promise<AccessToken> {
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), TIMEOUT_MS);
    try {
      return this.#read(await this.#post(http, ending.signal));
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      throw this.#unavailable(ending.signal.aborted ? "did not answer in time" : describe(error), {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #post(http: HttpWebhookClient, signal: AbortSignal): Promise<WholeAnswer> {
    const headers = {
      "user-agent": "core-webhook-module",
      accept: "application/json",
      "accept-encoding": "identity",
      "content-type": "application/x-www-form-urlencoded",
      "content-length": this.#body.byteLength,
      ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
    };
    return http.fetch(this.#server, "POST", headers, this.#body, signal, MAX_ANSWER_BYTES);
  }

  #read({ status, headers, body }: WholeAnswer): AccessToken {
    const answer = jsonObjectIn(body);
    if (status !== 200) {
      const reason = ERRORS.has(answer?.["error"]) ? ` (${answer?.["error"]})` : "";
      const retryAfterSeconds = parseRetryAfter(headers["retry-after"], Date.now());
      throw this.#unavailable(`answered ${status}${reason}`, { retryAfterSeconds });
    }
    const text = answer?.["access_token"];
    if (typeof text !== "string" || !TOKEN.test(text)) {
      throw this.#unavailable("answered without an access_token");
    }
    // Some servers leave it out, though RFC 6749, section 5.1, does not.
    const type = answer?.["token_type"] ?? "Bearer";
    if (String(type).toLowerCase() !== "bearer") {
      throw this.#unavailable("gives tokens of another type than Bearer");
    }
    return { text, lifetimeSeconds: lifetimeIn(answer?.["expires_in"]) };
  }

  #unavailable(what: string, options: ConstructorParameters<typeof DeliveryError>[2] = {}): DeliveryError {
    return verdictError(pause(what), `${this.name} ${what}: see auth.oauth2`, options);
  }
}

/**
 * The destination behind an address; `undefined` where a problem was reported.
 *
 * @param tls of it. @default that of the webhook's destinations; `undefined` for the usual one
 */
export type DestinationParser = (
  address: string,
  key: readonly (string | number)[],
  insteadOfCredentials: string,
  tls?: { readonly of: OwnTls | undefined },
) => Destination | undefined;

/** The client that a configuration describes; `undefined` where a problem was reported. */
export function compileTokenClient(
  given: z.output<typeof oauth2Schema>,
  serverOf: DestinationParser,
  issues: z.RefinementCtx,
): TokenClient | undefined {
  const key = ["auth", "oauth2", "token_url"];
  const tls = { of: compileTokenServerTls(given.ca, issues) };
  const server = serverOf(given.token_url, key, "see client_id and client_secret", tls);
  if (server === undefined) return undefined;
  if (server.protocol === "https:" || server.policy.namesHosts) return new TokenClient(server, given);
  reportAt(issues, key, "Must begin with https: the secret is sent there. Or name the host in allowed_hosts");
  return undefined;
}

/** Some servers write the number as a text. */
function lifetimeIn(expiresIn: unknown): number {
  const seconds = Number(expiresIn ?? DEFAULT_LIFETIME_SECONDS);
  return seconds >= 0 ? Math.min(seconds, MAX_LIFETIME_SECONDS) : DEFAULT_LIFETIME_SECONDS;
}

function jsonObjectIn(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined; // Said by the caller, who knows what is missing then.
  }
}

/** Why there is no answer, in words that hold no secret. */
function describe(error: unknown): string {
  const cause = error instanceof NoAnswerError ? error.cause : error;
  if (cause instanceof ProxyError || cause instanceof DeliveryError) {
    return `cannot be asked: ${cause.message}`;
  }
  if (cause instanceof RefusedAddressError) return `is refused, ${cause.message}`;
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  return `cannot be asked: ${String(code ?? message)}`;
}
