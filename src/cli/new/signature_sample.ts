/**
 * What a new webhook says of its provider.
 *
 * @module
 */

import { generateKeyPairSync } from "node:crypto";
import { dialogues } from "../../auth/challenges/dialogues.ts";
import type { Provider, ProviderSetting } from "../../auth/providers/provider.ts";
import { providers, schemesOf } from "../../auth/providers/providers.ts";
import { signsUrl } from "../../auth/providers/signing.ts";
import { signatureSchema } from "../../auth/signature/settings.ts";
import { randomText } from "./outputs.ts";

/** The value of `signature`, and what is to be known of it. */
export interface SignatureSample {
  readonly signature: Readonly<Record<string, unknown>>;
  /** The environment variables that it reads, and what is used where they are not set. */
  readonly variables: Readonly<Record<string, string>>;
  /** The secret that `cwm sign` takes until there is another one; `undefined` where there is none. */
  readonly secret: string | undefined;
  /** The address that the provider signs; `undefined` where it does not. */
  readonly publicUrl: string | undefined;
  /** Whether the provider can bring its secret itself, where the webhook has none. */
  readonly isHandshake: boolean;
}

/** Settings that a webhook cannot do without. */
const NEEDED: readonly ProviderSetting[] = ["key", "public_key", "merchant_id", "webhook_id"];

/** Prepares the value for a provider. Secrets are references with a random text for as long as they are not set. */
export function signatureSample(name: string): SignatureSample {
  const provider = providers[name]!;
  const { secret: setting = "secret", settings = [] } = provider;
  const variables: Record<string, string> = {};
  const signature: Record<string, unknown> = { provider: name };
  const refer = (variable: string, text: string) => {
    const full = `${name.toUpperCase().replaceAll("-", "_")}_${variable.toUpperCase()}`;
    variables[full] = text;
    return `{$${full}:${text}}`;
  };
  const isHandshake = setting === "secret" && signatureSchema.safeParse({ provider: name }).success;
  const secret = setting === "none" ? undefined : valueOf(name, provider);
  if (secret !== undefined) signature[setting] = refer(setting, secret);
  for (const each of settings.filter((other) => NEEDED.includes(other))) {
    signature[each] = refer(each, each === "key" ? "app-key" : randomText().slice(0, 16));
  }
  if (dialogues[name]?.questions?.takesToken === true) {
    signature["verify_token"] = refer("verify_token", randomText());
  }
  if (settings.includes("public_keys")) signature["public_keys"] = { "key-1": ecPublicKey() };
  const publicUrl = signsUrl(name) ? `https://hooks.example.com/webhook/${name}` : undefined;
  if (publicUrl !== undefined) signature["public_url"] = refer("url", publicUrl);
  const isShared = setting !== "public_key";
  return { signature, variables, secret: isShared ? secret : undefined, publicUrl, isHandshake };
}

/** A secret, or a public key, in the form of the provider's. */
function valueOf(name: string, provider: Provider): string {
  if (provider.secret === "public_key") return publicKeyOf(name);
  const text = randomText();
  const [scheme] = schemesOf(name);
  if (scheme?.signature.prefix === "Basic ") return `webhook:${text}`;
  const base64 = `whsec_${Uint8Array.fromHex(text).toBase64()}`;
  const isWhsec = name === "stripe" || JSON.stringify(scheme?.key ?? "").includes("whsec_");
  return isWhsec ? base64 : text;
}

/** Nobody has the private key that belongs to it. */
function publicKeyOf(name: string): string {
  const [scheme] = schemesOf(name);
  const isEdwards = scheme?.algorithm === "ed25519";
  const pair = isEdwards
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = pair.publicKey.export({ format: "der", type: "spki" });
  if (!isEdwards) return spki.toString("base64");
  return spki.subarray(-32).toString(scheme?.key === "hex" ? "hex" : "base64");
}

function ecPublicKey(): string {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return publicKey.export({ format: "pem", type: "spki" }).toString();
}
