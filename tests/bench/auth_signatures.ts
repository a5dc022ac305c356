import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { schemesOf } from "../../src/auth/providers/providers.ts";
import { signRequest } from "../../src/auth/signature/sign.ts";
import type { Sender } from "../contracts/sender.ts";

/** A provider whose signatures are measured. */
interface SignedBy {
  readonly provider: string;
  /** Follows the provider's name in the table. */
  readonly kind?: string;
  /** At least this share of the processor's time that a request takes without authentication. */
  readonly least?: number;
  /** What the webhook is configured with, and what signs. */
  readonly keys: () => { readonly setting: Readonly<Record<string, string>>; readonly signing: string };
}

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const shared = () => ({ setting: { secret: SECRET }, signing: SECRET });

const PROVIDERS: readonly SignedBy[] = [
  { provider: "github", least: 0.75, keys: shared },
  { provider: "stripe", least: 0.75, keys: shared },
  { provider: "standard", least: 0.75, keys: shared },
  { provider: "discord", kind: "Ed25519", keys: ed25519Keys },
  { provider: "sendgrid", kind: "ECDSA", keys: ecdsaKeys },
];

/** Where events go: each kind of acceptance with its own price. */
const OUTPUTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "to log": { module: "log" },
  durable: { module: "null_durable" },
};

/** One provider and one kind of acceptance. */
export interface SignatureCase {
  readonly name: string;
  readonly least: number | undefined;
  /** What the webhook has in any case, also without authentication. */
  readonly webhook: Readonly<Record<string, string>>;
  open(): Promise<Sender>;
}

/** Every provider with every kind of acceptance. */
export const signatureRows: readonly SignatureCase[] = PROVIDERS.flatMap((signedBy) =>
  Object.entries(OUTPUTS).map(([output, webhook]): SignatureCase => ({
    name: ["signature", signedBy.provider, signedBy.kind, output].filter((part) => part !== undefined).join(
      " ",
    ),
    least: signedBy.least,
    webhook,
    open: () => Promise.resolve(senderOf(signedBy)),
  }))
);

/** Signs a new event each time, as a repeat is answered without being accepted. */
function senderOf({ provider, keys }: SignedBy): Sender {
  const { setting, signing } = keys();
  const [scheme] = schemesOf(provider);
  let made = 0;
  return {
    webhook: { signature: { provider, ...setting } },
    passesOnce: true,
    sign: ({ method, url, headers, body }) => {
      const id = `evt_${String(made++).padStart(9, "0")}`;
      const event = new TextEncoder().encode(
        JSON.stringify({ id, ...JSON.parse(new TextDecoder().decode(body)) }),
      );
      const signed = signRequest(scheme!, signing, { method, url, body: event, now: Date.now(), id });
      return { method, url, headers: [...headers, ...Object.entries(signed.headers)], body: event };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function ed25519Keys() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const spki = publicKey.export({ format: "der", type: "spki" });
  return { setting: { public_key: spki.subarray(-32).toString("hex") }, signing: pemOf(privateKey) };
}

function ecdsaKeys() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ format: "der", type: "spki" });
  return { setting: { public_key: spki.toString("base64") }, signing: pemOf(privateKey) };
}

function pemOf(key: KeyObject): string {
  return key.export({ format: "pem", type: "pkcs8" }).toString();
}
