/**
 * Tokens for requests to Pub/Sub: signed by the gateway itself with the key of a service account, which Google takes
 * without having been asked for one (https://google.aip.dev/auth/4111), or asked for from the metadata server where the
 * gateway runs at Google.
 *
 * @module
 */

import { sign } from "node:crypto";
import { z } from "zod";
import { DeliveryError } from "../../errors.ts";
import { outputFiles } from "../../io/blocking_calls.ts";
import { unreachable } from "../../io/connection.ts";
import { ANY_DESTINATION } from "../../io/destination_policy.ts";
import type { Destination, HttpWebhookClient } from "../../io/http_client.ts";
import { NoAnswerError } from "../../io/http_exchange.ts";
import { readSmallFile, unreadableReason } from "../../io/small_file.ts";
import { parseServer } from "../../schema/addresses.ts";
import type { PubsubConnection } from "./connection.ts";
import { readServiceAccount, type ServiceAccount } from "./credentials.ts";

/** Whom tokens are for. A regional endpoint takes the same. */
const AUDIENCE = "https://pubsub.googleapis.com/";

/** How long a token is good for: the longest that Google takes, in seconds. */
const TOKEN_SECONDS = 3600;

/** How long before its end a token is no longer used, in milliseconds. */
const EARLY_MS = 10 * 60_000;

/** A tenth of that for tokens of the metadata server, which may have little time left. */
const METADATA_EARLY_MS = 60_000;

/** How often the file of a key is looked at, in milliseconds. */
const FILE_CHECK_MS = 5_000;

const METADATA_PORT = 80;
const METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token";
const MAX_METADATA_BYTES = 64 * 1024;

const metadataAnswer = z.looseObject({ access_token: z.string().min(1), expires_in: z.number() });

/** Who asks. */
export interface Authorization {
  /** The value of the header. */
  readonly header: string;
  /** What the credentials say of their project. */
  readonly projectId: string | undefined;
}

interface Token extends Authorization {
  /** By `performance.now()`. */
  readonly until: number;
}

/** Tokens of one connection. */
export class Tokens {
  readonly #connection: PubsubConnection;
  readonly #http: HttpWebhookClient;
  #token: Token | undefined;
  /** The text of the key's file, when it was read last, by `performance.now()`, and what it says. */
  #file: { readonly text: string; readonly readAt: number; readonly account: ServiceAccount } | undefined;

  constructor(connection: PubsubConnection, http: HttpWebhookClient) {
    this.#connection = connection;
    this.#http = http;
  }

  /**
   * A token that can be used.
   *
   * @throws {DeliveryError} `output_unavailable` when there is none
   */
  async get(signal: AbortSignal): Promise<Authorization> {
    const { account, credentialsPath } = this.#connection;
    if (credentialsPath !== undefined) await this.#readFile(credentialsPath, signal);
    if (this.#token !== undefined && performance.now() < this.#token.until) return this.#token;
    const signer = account ?? this.#file?.account;
    return this.#token = signer === undefined ? await this.#askMetadata(signal) : selfSigned(signer);
  }

  /** The last one was refused: the next request has another, and the file is read before. */
  forget(): void {
    this.#token = undefined;
    if (this.#file !== undefined) this.#file = { ...this.#file, readAt: -Infinity };
  }

  async #readFile(path: string, signal: AbortSignal): Promise<void> {
    if (this.#file !== undefined && performance.now() < this.#file.readAt + FILE_CHECK_MS) return;
    let text: string;
    try {
      text = await readSmallFile(path, { among: outputFiles, signal });
    } catch (error) {
      throw new DeliveryError(
        "output_unavailable",
        `Cannot read ${path}, the file of credentials_path: ${unreadableReason(error)}`,
      );
    }
    const readAt = performance.now();
    if (this.#file?.text === text) {
      this.#file = { ...this.#file, readAt };
      return;
    }
    const account = readServiceAccount(text);
    if ("problem" in account) {
      throw new DeliveryError(
        "output_unavailable",
        `${path}, the file of credentials_path: ${account.problem}`,
      );
    }
    this.#file = { text, readAt, account };
    this.#token = undefined;
  }

  async #askMetadata(signal: AbortSignal): Promise<Token> {
    const { metadataHost } = this.#connection;
    const name = `The metadata server ${metadataHost}`;
    const { host, port } = parseServer(metadataHost, METADATA_PORT)!; // The schema has read it.
    const destination: Destination = {
      protocol: "http:",
      hostname: host,
      port,
      path: METADATA_PATH,
      policy: ANY_DESTINATION,
    };
    const headers = { "metadata-flavor": "Google" };
    const askedAt = performance.now();
    const answer = await this.#http
      .fetch(destination, "GET", headers, new Uint8Array(), signal, MAX_METADATA_BYTES)
      .catch((error) => {
        throw unreachable(`${name}, which is asked where there are no credentials,`, causeOf(error));
      });
    const token = answer.status === 200 ? parseToken(answer.body) : undefined;
    if (token === undefined) {
      throw new DeliveryError("output_unavailable", `${name} gives no token: it answered ${answer.status}`);
    }
    return {
      header: `Bearer ${token.access_token}`,
      projectId: undefined,
      until: askedAt + token.expires_in * 1000 - METADATA_EARLY_MS,
    };
  }
}

/** A token as `google-auth` makes it. */
function selfSigned({ email, keyId, key, projectId }: ServiceAccount): Token {
  const signedAt = performance.now();
  const issuedAt = Math.floor(Date.now() / 1000);
  const head = { alg: "RS256", typ: "JWT", kid: keyId };
  const claims = { iss: email, sub: email, aud: AUDIENCE, iat: issuedAt, exp: issuedAt + TOKEN_SECONDS };
  const text = [head, claims].map((part) => encoded(new TextEncoder().encode(JSON.stringify(part)))).join(
    ".",
  );
  const signature = encoded(sign("RSA-SHA256", new TextEncoder().encode(text), key));
  return {
    header: `Bearer ${text}.${signature}`,
    projectId,
    until: signedAt + TOKEN_SECONDS * 1000 - EARLY_MS,
  };
}

function encoded(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function parseToken(body: Uint8Array): z.output<typeof metadataAnswer> | undefined {
  try {
    return metadataAnswer.parse(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return undefined; // What is wrong with it would show it.
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof NoAnswerError ? error.cause : error;
}
