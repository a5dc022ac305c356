/**
 * Fresh secrets and keys in the form that each provider's have.
 *
 * @module
 */

import { generateKeyPairSync } from "node:crypto";
import { providers, schemesOf } from "../../../src/auth/providers/providers.ts";
import type { Scheme } from "../../../src/auth/signature/scheme.ts";
import type { SignatureCase } from "../../support/signatures/cases.ts";
import type { Draw } from "./draw.ts";

/** What a webhook is configured with, and what its provider signs with. */
export interface FreshKeys {
  readonly config: SignatureCase["config"];
  /** The secret, or the private key in PEM. */
  readonly signing: string;
}

/** Makes keys for a preset. @param template settings that a secret has beside it, such as its name */
export async function freshKeys(
  preset: string,
  template: SignatureCase["config"],
  draw: Draw,
): Promise<FreshKeys> {
  if (preset === "sns") return await snsKeys(draw);
  if (preset === "ebay") return ebayKeys(draw);
  if (preset === "braintree") {
    const signing = draw.letters(32).toLowerCase();
    return { config: { ...template, privateKey: signing }, signing };
  }
  const provider = providers[preset]!;
  const [scheme] = schemesOf(preset);
  if (provider.secret === "public_key") return publicKeys(scheme!);
  const signing = secretOf(preset, scheme, draw);
  return { config: { ...template, secret: signing }, signing };
}

function secretOf(preset: string, scheme: Scheme | undefined, draw: Draw): string {
  if (preset === "inngest") return `signkey-prod-${draw.bytes(32).toHex()}`;
  if (preset === "contentful") return draw.letters(64);
  const rules = JSON.stringify(scheme?.key ?? "text");
  if (preset === "adyen" || rules.includes("hex")) return draw.bytes(32).toHex().toUpperCase();
  if (rules.includes("whsec_")) return `whsec_${draw.bytes(24).toBase64()}`;
  // Normalised by EasyPost, and as it is for all others.
  return draw.letters(32) + (rules.includes("nfkd") ? "ﬁé" : "");
}

function publicKeys({ algorithm, key }: Scheme): FreshKeys {
  const { publicKey, privateKey } = algorithm === "ed25519"
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ format: "der", type: "spki" });
  const bytes = algorithm === "ed25519" ? spki.subarray(-32) : spki;
  return {
    config: { publicKey: bytes.toString(key === "hex" ? "hex" : "base64") },
    signing: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

function ebayKeys(draw: Draw): FreshKeys {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString().replaceAll("\n", "");
  return {
    config: { publicKeys: { [draw.letters(12)]: pem } },
    signing: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

async function snsKeys(draw: Draw): Promise<FreshKeys> {
  const { stdout } = await new Deno.Command("openssl", {
    args: ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sns.amazonaws.com", "-keyout", "-"],
    stderr: "null",
  }).output();
  const both = new TextDecoder().decode(stdout);
  const certificate = both.slice(both.indexOf("-----BEGIN CERTIFICATE"));
  const url = `https://sns.us-east-1.amazonaws.com/SimpleNotificationService-${draw.letters(20)}.pem`;
  return {
    config: { certificates: { [url]: certificate } },
    signing: both.slice(0, both.indexOf("-----BEGIN CERT")),
  };
}
