/**
 * Keys of Google's service accounts: files in JSON, as the console hands them out.
 *
 * @module
 */

import { createPrivateKey, type KeyObject } from "node:crypto";
import { z } from "zod";

/** Who signs tokens. */
export interface ServiceAccount {
  readonly email: string;
  readonly keyId: string;
  readonly key: KeyObject;
  readonly projectId: string | undefined;
}

const fields = z.looseObject({
  type: z.string(),
  client_email: z.string().min(1),
  private_key_id: z.string().min(1),
  private_key: z.string().min(1),
  project_id: z.string().min(1).optional(),
});

/** The form of keys that OpenSSL made before, which is not what Google hands out. */
const PKCS1 = "BEGIN RSA PRIVATE KEY";

const PEM = "BEGIN PRIVATE KEY";

/**
 * Reads a key.
 *
 * @param value the file's document, or its text
 * @returns the account, or one sentence about what is wrong with it, which shows nothing of it
 */
export function readServiceAccount(value: unknown): ServiceAccount | { readonly problem: string } {
  const document = typeof value === "string" ? parsed(value) : value;
  if (document === undefined) {
    return { problem: "Not a document in JSON: give the whole key file of the account" };
  }
  const result = fields.safeParse(document);
  if (!result.success) {
    const names = result.error.issues.map(({ path }) => path.join(".")).filter((path) => path !== "");
    return {
      problem: `Not the key of a service account${
        names.length === 0 ? "" : `: ${names.join(", ")} is missing`
      }`,
    };
  }
  const { type, client_email: email, private_key_id: keyId, private_key, project_id: projectId } =
    result.data;
  if (type !== "service_account") {
    return { problem: "Only keys of service accounts are taken here, whose type is service_account" };
  }
  const key = readKey(private_key);
  return "problem" in key ? key : { email, keyId, key: key.key, projectId };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // What is wrong with it would quote it.
  }
}

function readKey(text: string): { readonly key: KeyObject } | { readonly problem: string } {
  // Environment variables often have two characters for a line's end.
  const pem = text.replaceAll("\\n", "\n");
  if (pem.includes(PKCS1)) {
    return {
      problem:
        `private_key is in PKCS#1 (${PKCS1}): convert it with openssl pkcs8 -topk8 -nocrypt, to ${PEM}`,
    };
  }
  try {
    const key = createPrivateKey({ key: pem, format: "pem" });
    if (pem.includes(PEM) && key.asymmetricKeyType === "rsa") return { key };
  } catch {
    // Said below: what the library says may quote the key.
  }
  return { problem: `private_key is not the key of an RSA pair in PKCS#8 (${PEM})` };
}
