/** A service account of tests, and who checks its tokens. */

import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { DEBIAN_PYTHON, runPython } from "../python.ts";

/** The project of all tests. */
export const PROJECT = "test-project";

const EMAIL = `gateway@${PROJECT}.iam.gserviceaccount.com`;

type Part = Readonly<Record<string, unknown>>;

/** Headers and claims of a token, and of one that the library has made for the same account. */
export interface CheckedToken {
  readonly header: Part;
  readonly claims: Part;
  readonly own_header: Part;
  readonly own_claims: Part;
}

/** An account with a key of its own. */
export class TestAccount {
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;

  constructor(readonly keyId = "key-1") {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  /** The document of the key's file. @param type `pkcs1` is what Google does not hand out */
  document(type: "pkcs8" | "pkcs1" = "pkcs8"): Record<string, string> {
    return {
      type: "service_account",
      project_id: PROJECT,
      private_key_id: this.keyId,
      private_key: this.#privateKey.export({ type, format: "pem" }).toString(),
      client_email: EMAIL,
      client_id: "1234567890",
      token_uri: "https://oauth2.googleapis.com/token",
    };
  }

  /** A part of the private key that must never be shown. */
  get secret(): string {
    return this.document()["private_key"]!.split("\n")[3]!;
  }

  /** Whether the account has signed a token for Pub/Sub that is good now. */
  accepts(token: string): boolean {
    if (token.split(".").length !== 3) return false;
    const [head = "", claims = "", signature = ""] = token.split(".");
    const isSigned = verify(
      "RSA-SHA256",
      Buffer.from(`${head}.${claims}`),
      this.publicKey,
      bytesOf(signature),
    );
    const { aud, iss, iat, exp } = JSON.parse(bytesOf(claims).toString());
    const now = Date.now() / 1000;
    return isSigned && aud === "https://pubsub.googleapis.com/" && iss === EMAIL && iat <= now && now < exp &&
      exp - iat <= 3600 && JSON.parse(bytesOf(head).toString()).kid === this.keyId;
  }

  /** What Google's library for Python says of a token that it takes, and of its own. */
  async checkWithGoogleAuth(token: string): Promise<CheckedToken> {
    const publicKey = this.publicKey.export({ type: "spki", format: "pem" }).toString();
    const asked = { token, public_key: publicKey, account: this.document() };
    return JSON.parse(await runPython("pubsub/google_auth_token.py", JSON.stringify(asked), DEBIAN_PYTHON));
  }
}

function bytesOf(part: string): Buffer {
  return Buffer.from(part, "base64url");
}

let shared: TestAccount | undefined;

/** One for all tests that need no other: a key takes a while to make. */
export function sharedAccount(): TestAccount {
  return shared ??= new TestAccount();
}
