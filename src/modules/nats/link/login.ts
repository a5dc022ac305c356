/**
 * How the gateway shows a server who it is. Files are read again for each connection.
 *
 * @module
 */

import {
  type Authenticator,
  credsAuthenticator,
  jwtAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core/internal";
import { DeliveryError } from "../../../errors.ts";
import { outputFiles } from "../../../io/blocking_calls.ts";
import { readSmallFile, unreadableReason } from "../../../io/small_file.ts";
import type { NatsLogin } from "../connection.ts";

const encoder = new TextEncoder();

/** What stands for the text that a server wants to have signed. */
const ANY_NONCE = "nonce";

/**
 * What a login makes of the text that the server wants to have signed; `undefined` where nobody logs in.
 *
 * @throws {DeliveryError} `output_unavailable` when a file or a key is not in order
 */
export async function authenticatorOf(
  login: NatsLogin,
  signal: AbortSignal,
): Promise<Authenticator | undefined> {
  switch (login.kind) {
    case "none":
      return undefined;
    case "password":
      return usernamePasswordAuthenticator(login.username, login.password);
    case "token":
      return tokenAuthenticator(login.token);
    case "nkey": {
      const seed = encoder.encode(login.seed);
      const authenticator = login.jwt === undefined
        ? nkeyAuthenticator(seed)
        : jwtAuthenticator(login.jwt, seed);
      return checked(authenticator, "nkey_secret is not the seed of a user's NKey");
    }
    case "file": {
      const text = await readCredentials(login.path, signal);
      return checked(credsAuthenticator(encoder.encode(text)), `${login.path} has no JWT with its seed`);
    }
  }
}

async function readCredentials(path: string, signal: AbortSignal): Promise<string> {
  try {
    return await readSmallFile(path, { among: outputFiles, signal });
  } catch (cause) {
    signal.throwIfAborted();
    const message = `Cannot read ${path}, the file of credentials_file: ${unreadableReason(cause)}`;
    throw new DeliveryError("output_unavailable", message, { cause });
  }
}

/** Signs something now: the library would find out in the middle of connecting, and say less. */
function checked(authenticator: Authenticator, problem: string): Authenticator {
  try {
    authenticator(ANY_NONCE);
  } catch {
    // The error may show a part of the key.
    throw new DeliveryError("output_unavailable", problem);
  }
  return authenticator;
}
