/**
 * The client's side of logging in: SASL PLAIN (RFC 4616) and SCRAM (RFC 5802, 7677).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { DeliveryError } from "../../../errors.ts";

/** Whom to log in as, and how. */
export interface SaslLogin {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

/** Sends one message of a login to the server and resolves with its answer. */
export type SaslExchange = (message: Uint8Array) => Promise<Uint8Array>;

/** RFC 7677 asks servers for at least as many; Kafka's default is the same. */
const FEWEST_ITERATIONS = 4096;
/** More would keep this machine busy for seconds: no server means well that asks for it. */
const MAX_ITERATIONS = 1_000_000;

const derive = promisify(pbkdf2);

/**
 * Logs in.
 *
 * @throws {DeliveryError} when the server does not prove that it knows the password, or whatever `exchange` throws
 */
export async function logIn(login: SaslLogin, exchange: SaslExchange): Promise<void> {
  if (login.mechanism === "PLAIN") {
    await exchange(Buffer.from(`\0${login.username}\0${login.password}`));
  } else {
    await logInByScram(login, login.mechanism === "SCRAM-SHA-256" ? "sha256" : "sha512", exchange);
  }
}

async function logInByScram(
  login: SaslLogin,
  hash: "sha256" | "sha512",
  exchange: SaslExchange,
): Promise<void> {
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64");
  const name = login.username.replaceAll("=", "=3D").replaceAll(",", "=2C");
  const first = `n=${name},r=${nonce}`;
  const challenge = Buffer.from(await exchange(Buffer.from(`n,,${first}`))).toString();
  const { salt, iterations, serverNonce } = readChallenge(challenge, nonce);
  const withoutProof = `c=biws,r=${serverNonce}`;
  const signed = `${first},${challenge},${withoutProof}`;
  const hmac = (key: Uint8Array, text: string) => createHmac(hash, key).update(text).digest();
  const salted = await derive(login.password, salt, iterations, hash === "sha256" ? 32 : 64, hash);
  const clientKey = hmac(salted, "Client Key");
  const signature = hmac(createHash(hash).update(clientKey).digest(), signed);
  const proof = clientKey.map((byte, index) => byte ^ signature[index]!);
  const final = await exchange(Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString("base64")}`));
  const [, verifier = ""] = /^v=([^,]+)/.exec(Buffer.from(final).toString()) ?? [];
  const expected = hmac(hmac(salted, "Server Key"), signed);
  const received = Buffer.from(verifier, "base64");
  if (received.length !== expected.length || !timingSafeEqual(received, expected)) {
    throw new DeliveryError(
      "output_unavailable",
      "The Kafka broker did not prove that it knows the password",
    );
  }
}

function readChallenge(challenge: string, nonce: string) {
  const [, serverNonce = "", salt = "", iterationText] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(challenge) ?? [];
  const iterations = Number(iterationText);
  const isInOrder = iterations >= FEWEST_ITERATIONS && iterations <= MAX_ITERATIONS;
  if (!isInOrder || !serverNonce.startsWith(nonce) || serverNonce === nonce) {
    throw new DeliveryError(
      "output_unavailable",
      "The Kafka broker's side of the login is not as it must be",
    );
  }
  return { serverNonce, salt: Buffer.from(salt, "base64"), iterations };
}
