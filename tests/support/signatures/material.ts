/**
 * Secrets and keys of every preset, for webhooks and for those who send to them.
 *
 * @module
 */

import { assert } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import type { Provider } from "../../../src/auth/providers/provider.ts";
import { schemesOf } from "../../../src/auth/providers/providers.ts";
import type { SigningKey } from "../../../src/auth/providers/signing.ts";
import { TempDir } from "../temp_dir.ts";

/** What a webhook has, and what its sender signs with. */
export interface Material {
  readonly key: SigningKey;
  readonly config: Readonly<Record<string, unknown>>;
}

/** A secret in the form of the provider's, and the settings of a webhook that has it. @param text makes the secret */
export async function materialOf(preset: string, provider: Provider, text: string): Promise<Material> {
  if ("keyed" in provider) return await publishedKeyOf(preset);
  const { secret: setting = "secret", settings = [] } = provider;
  if (setting === "public_key") return keyPairOf(preset);
  const isHex = preset === "adyen" || JSON.stringify(schemesOf(preset)[0]?.key ?? "").includes("hex");
  const bytes = new TextEncoder().encode(text.padEnd(32, "."));
  const secret = isHex || preset === "contentful" ? bytes.toHex() : `whsec_${bytes.toBase64()}`;
  const publicKey = settings.includes("public_key") ? { public_key: "key-1", merchant_id: "shop" } : {};
  return {
    key: { secret, keyName: "name", settings: publicKey },
    config: {
      ...(settings.includes("key") ? { key: "name" } : {}),
      ...(settings.includes("secondary_secret") ? { secondary_secret: "second" } : {}),
      ...publicKey,
      [setting]: secret,
    },
  };
}

function keyPairOf(preset: string): Material {
  const isEdwards = schemesOf(preset)[0]!.algorithm === "ed25519";
  const { publicKey, privateKey } = isEdwards
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ format: "der", type: "spki" });
  const bytes = isEdwards ? spki.subarray(-32) : spki;
  return {
    key: { secret: privateKey.export({ format: "pem", type: "pkcs8" }).toString() },
    config: { public_key: bytes.toString(preset === "discord" ? "hex" : "base64") },
  };
}

async function publishedKeyOf(preset: string): Promise<Material> {
  if (preset === "ebay") {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
    const settings = { public_keys: { "key-1": pem } };
    return {
      key: { secret: privateKey.export({ format: "pem", type: "pkcs8" }).toString(), settings },
      config: settings,
    };
  }
  const { key, certificate } = await makeCertificate();
  const url = preset === "sns"
    ? "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
    : "https://api.paypal.com/v1/notifications/certs/CERT-1";
  const settings = {
    certificates: { [url]: certificate },
    ...(preset === "paypal" ? { webhook_id: "WH-1" } : {}),
  };
  return { key: { secret: key, settings }, config: settings };
}

/** A key and its certificate, made by openssl. */
async function makeCertificate(): Promise<{ readonly key: string; readonly certificate: string }> {
  await using directory = await TempDir.create();
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    "/CN=test",
    "-days",
    "2",
  ];
  args.push("-keyout", "key.pem", "-out", "cert.pem");
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd: directory.path }).output();
  assert(success, new TextDecoder().decode(stderr));
  return {
    key: await Deno.readTextFile(directory.file("key.pem")),
    certificate: await Deno.readTextFile(directory.file("cert.pem")),
  };
}
