/** The server's side of logging in with SASL, for one connection: PLAIN (RFC 4616) and SCRAM (RFC 5802, 7677). */

import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { Buffer } from "node:buffer";

/** Whom a server lets in. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What a server chooses by chance; the RFCs' examples need certain values. */
export interface SaslChance {
  readonly nonce: string;
  readonly salt: Buffer;
}

const HASHES: Readonly<Record<string, string>> = { "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512" };
const ITERATIONS = 4096;

/** The client is not who it should be, or did not follow the protocol. */
export class SaslRefusal extends Error {
  override readonly name = "SaslRefusal";
}

/** One conversation. */
export class SaslServer {
  #firstMessages: string | undefined;
  #isDone = false;

  constructor(
    private readonly mechanism: string,
    private readonly login: Login,
    private readonly chance: SaslChance = {
      nonce: crypto.randomUUID(),
      salt: Buffer.from(crypto.getRandomValues(new Uint8Array(16))),
    },
  ) {}

  /** Whether the client has logged in. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * Answers a message of the client.
   *
   * @throws {SaslRefusal} when the client is to be sent away
   */
  answer(message: string): string {
    if (this.mechanism === "PLAIN") return this.#answerPlain(message);
    return this.#firstMessages === undefined ? this.#answerFirst(message) : this.#answerFinal(message);
  }

  #answerPlain(message: string): string {
    const [, username, password] = message.split("\0");
    if (username !== this.login.username || password !== this.login.password) throw new SaslRefusal();
    this.#isDone = true;
    return "";
  }

  #answerFirst(message: string): string {
    const [, bare = "", username, nonce] = /^n,,(n=([^,]*),r=([^,]+))$/.exec(message) ?? [];
    if (username?.replaceAll("=2C", ",").replaceAll("=3D", "=") !== this.login.username) {
      throw new SaslRefusal();
    }
    const answer = `r=${nonce}${this.chance.nonce},s=${this.chance.salt.toString("base64")},i=${ITERATIONS}`;
    this.#firstMessages = `${bare},${answer}`;
    return answer;
  }

  #answerFinal(message: string): string {
    const [, withoutProof = "", nonce, proof = ""] = /^(c=biws,r=([^,]+)),p=(.+)$/.exec(message) ?? [];
    if (nonce === undefined || !this.#firstMessages!.includes(`,r=${nonce},s=`)) throw new SaslRefusal();
    const signed = `${this.#firstMessages},${withoutProof}`;
    const hash = HASHES[this.mechanism]!;
    const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest();
    const digest = (bytes: Buffer) => createHash(hash).update(bytes).digest();
    const size = digest(Buffer.alloc(0)).length;
    const salted = pbkdf2Sync(this.login.password, this.chance.salt, ITERATIONS, size, hash);
    const storedKey = digest(hmac(salted, "Client Key"));
    const signature = hmac(storedKey, signed);
    const clientKey = Buffer.from(
      Buffer.from(proof, "base64").map((byte, index) => byte ^ signature[index]!),
    );
    if (!digest(clientKey).equals(storedKey)) throw new SaslRefusal();
    this.#isDone = true;
    return `v=${hmac(hmac(salted, "Server Key"), signed).toString("base64")}`;
  }
}
