/**
 * Credentials that the operator gives: texts of the environment, or files that somebody else keeps up to date.
 *
 * @module
 */

import { readSmallFile, unreadableReason } from "../../io/small_file.ts";
import type { VaultCredential } from "../../settings/vault.ts";
import { bodyOf, cannotBeAsked, isObject } from "./answer.ts";
import { LoginRefused, VaultFailure } from "./failure.ts";
import type { VaultClient } from "./vault_client.ts";

/** Longest credential, in bytes: tokens of Kubernetes with many claims have some thousand. */
const MAX_CREDENTIAL = 64 * 1024;

/** Tokens of Vault since 1.10 and 0.11, and of OpenBao. A secret id is a UUID. */
const TOKEN_FORM = /^(?:hv[sbr]|[sbr])\./;

/**
 * Reads a credential. White space around a file's content is dropped.
 *
 * @param name what messages call it, for example `VAULT_TOKEN_FILE`
 * @param signal ends the wait for a file that does not answer
 * @throws {VaultFailure} `unavailable` when the file cannot be read or holds no credential
 */
export async function readCredential(
  credential: VaultCredential,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  if ("value" in credential) return credential.value;
  const text = await readText(credential.file, name, signal);
  if (text === "") throw new VaultFailure("unavailable", `The file of ${name} is empty: ${credential.file}`);
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new VaultFailure(
      "unavailable",
      `The file of ${name} holds more than a credential: ${credential.file}`,
    );
  }
  return text;
}

async function readText(path: string, name: string, signal: AbortSignal): Promise<string> {
  try {
    return (await readSmallFile(path, { maxBytes: MAX_CREDENTIAL, signal })).trim();
  } catch (cause) {
    const message = `Cannot read ${path}, the file of ${name}: ${unreadableReason(cause)}`;
    throw new VaultFailure("unavailable", message, { cause });
  }
}

/**
 * Unwraps credentials that came as wrapping tokens. Any other use, a refused read as well, would spend a wrapping
 * token, so every text that may be one is looked at first, which spends nothing.
 */
export class Unwrapper {
  readonly #client: VaultClient;
  /** The last text and what it stands for: a wrapping token can be unwrapped but once. */
  #last: { readonly text: string; readonly credential: string } | undefined;

  constructor(client: VaultClient) {
    this.#client = client;
  }

  /**
   * The credential itself.
   *
   * @param field the field of `data` that a wrapped credential stands in; a wrapped token stands in `auth`
   * @throws {LoginRefused} when the wrapping token was used already, or has expired
   * @throws {VaultFailure} when Vault cannot be asked
   */
  async unwrap(text: string, field: "secret_id" | "token", signal: AbortSignal): Promise<string> {
    if (this.#last?.text === text) return this.#last.credential;
    this.#client.secrets.add(text);
    const isWrapping = TOKEN_FORM.test(text) && await this.#isWrappingToken(text, signal);
    const credential = isWrapping ? await this.#unwrapOnce(text, field, signal) : text;
    this.#last = { text, credential };
    return credential;
  }

  async #isWrappingToken(token: string, signal: AbortSignal): Promise<boolean> {
    const path = this.#client.systemPath("wrapping/lookup");
    const answer = await this.#client.ask({ method: "POST", path, body: { token } }, signal);
    if (cannotBeAsked(answer)) {
      throw this.#client.failure("unavailable", "The token cannot be looked at", answer);
    }
    const data = bodyOf(answer)?.["data"];
    return answer.status === 200 && isObject(data) && "creation_path" in data;
  }

  async #unwrapOnce(token: string, field: "secret_id" | "token", signal: AbortSignal): Promise<string> {
    const path = this.#client.systemPath("wrapping/unwrap");
    const answer = await this.#client.ask(
      { method: "POST", path, token, body: {}, repeatable: false },
      signal,
    );
    const body = bodyOf(answer);
    if (cannotBeAsked(answer) || body === undefined) {
      throw this.#client.failure("unavailable", "The wrapping token cannot be unwrapped", answer);
    }
    const { auth, data } = body;
    const credential = isObject(auth) ? auth["client_token"] : isObject(data) ? data[field] : undefined;
    if (answer.status !== 200 || typeof credential !== "string") {
      throw new LoginRefused(
        `The wrapping token holds no ${field} any more: ${this.#client.describe(answer)}`,
      );
    }
    this.#client.secrets.add(credential);
    return credential;
  }
}
