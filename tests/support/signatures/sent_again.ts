/** Events of every provider as it sends them: one, the same one again, and another one. */

import { createHmac, generateKeyPairSync, hash, sign } from "node:crypto";
import { crc32 } from "node:zlib";
import { providers, schemesOf } from "../../../src/auth/providers/providers.ts";
import type { Scheme } from "../../../src/auth/signature/scheme.ts";
import { signRequest } from "../../../src/auth/signature/sign.ts";
import type { CapturedRequest } from "../../../src/cli/signatures/captured.ts";
import { JsonPointer } from "../../../src/json/pointer.ts";
import { TEST_CERTIFICATE } from "../http/test_certificate.ts";
import { settingsOf, type SignatureCase } from "./cases.ts";

/** What is signed of an event, and what is not, differ as the name says. */
export interface SentEvents {
  /** Settings beside the provider. */
  readonly config: Readonly<Record<string, unknown>>;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly first: CapturedRequest;
  /** The first one, with whatever may change about it: its unsigned id, or time and attempt of one whose id is signed. */
  readonly again: CapturedRequest;
  /** Another event, with the unsigned id of the first one. */
  readonly other: CapturedRequest;
}

const NOW = Date.UTC(2026, 10, 30, 12);
const TIME = String(NOW / 1000);
const URL_OF_WEBHOOK = "https://hooks.example.com/in";
const SECRET = "whsec_b25l";

/** @param cases of the providers whose own libraries have signed */
export function sentEvents(preset: string, cases: readonly SignatureCase[]): SentEvents {
  const made = MADE[preset];
  if (made !== undefined) return made();
  const [scheme] = schemesOf(preset);
  return scheme === undefined ? recorded(preset, cases) : signedByScheme(preset, scheme);
}

function signedByScheme(preset: string, scheme: Scheme): SentEvents {
  const { id = "" } = scheme;
  const inHeader = id !== "" && !id.startsWith("/");
  const isSigned = scheme.algorithm !== "equal" &&
    (inHeader ? [scheme.content].flat().every((content) => content.includes("{id}")) : id !== "");
  const { signing, config } = secretsOf(preset, scheme);
  const send = (event: number, attempt: number, header: number): CapturedRequest => {
    const document = withId(inHeader || id === "" ? [] : JsonPointer.parse(id)!.keys, `evt_${event}`);
    const body = bytesOf({ ...document, number: event, attempt });
    const now = NOW + (isSigned ? attempt * 1000 : 0);
    const request = { method: "POST", url: URL_OF_WEBHOOK, body, now, id: `msg_${header}` };
    const topic = scheme.topic === undefined ? {} : { [scheme.topic]: "orders/paid" };
    const { headers } = signRequest(scheme, signing, request, "name");
    return captured(body, { ...topic, ...headers });
  };
  const first = send(1, 0, 1);
  if (isSigned) return { config, now: NOW, first, again: send(1, 1, 1), other: send(2, 0, 2) };
  // A nonce is signed, and an id beside the signature is not.
  const [again, other] = inHeader ? [send(1, 0, 2), send(2, 0, 1)] : [send(1, 0, 1), send(2, 0, 2)];
  return { config, now: NOW, first, again, other };
}

function withId(keys: readonly string[], id: string): Readonly<Record<string, unknown>> {
  const [key, ...rest] = keys;
  return key === undefined ? {} : { [key]: rest.length === 0 ? id : withId(rest, id) };
}

function secretsOf(preset: string, scheme: Scheme) {
  if (providers[preset]!.secret === "public_key") return keyPairFor(scheme);
  const isHex = JSON.stringify(scheme.key).includes("hex");
  const secret = isHex ? "0123456789abcdef" : SECRET;
  const settings = providers[preset]!.settings ?? [];
  const further = {
    ...settings.includes("key") ? { key: "name" } : {},
    ...settings.includes("secondary_secret") ? { secondary_secret: "second" } : {},
  };
  return { signing: secret, config: { secret, ...further } };
}

function keyPairFor({ algorithm, key }: Scheme) {
  const { publicKey, privateKey } = algorithm === "ed25519"
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ format: "der", type: "spki" });
  const bytes = algorithm === "ed25519" ? spki.subarray(-32) : spki;
  return {
    signing: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    config: { public_key: bytes.toString(key === "hex" ? "hex" : "base64") },
  };
}

/** Two recorded requests with one configuration and different bodies. */
function recorded(preset: string, cases: readonly SignatureCase[]): SentEvents {
  const valid = cases.filter((each) => each.preset === preset && each.valid);
  for (const one of valid) {
    const other = valid.find(({ config, request }) => {
      return JSON.stringify(config) === JSON.stringify(one.config) &&
        request.method === one.request.method && request.bodyBase64 !== one.request.bodyBase64;
    });
    if (other === undefined) continue;
    const headers = { ...one.request.headers, "X-Delivery-Id": "another" };
    return {
      config: settingsOf(one.config),
      now: one.now * 1000,
      first: one.request,
      again: { ...one.request, headers },
      other: other.request,
    };
  }
  throw new Error(`There are no two requests of ${preset} with one secret`);
}

/** Providers whose proof stands in the body or in a token, and which no library has signed for. */
const MADE: Readonly<Record<string, () => SentEvents>> = {
  figma: () => inBody((event) => bytesOf({ passcode: SECRET, webhook_id: "1", event })),
  msgraph: () =>
    inBody((event) => bytesOf({ value: [{ clientState: SECRET, resource: `messages/${event}` }] })),
  mailgun: () =>
    inBody((event) => {
      const token = `token_${event}`;
      const signature = { timestamp: TIME, token, signature: hmac(TIME + token) };
      return bytesOf({ signature, "event-data": { event: "delivered" } });
    }),
  linear: () =>
    inHeader("Linear-Signature", (event) => {
      return bytesOf({ webhookTimestamp: NOW, data: { event } });
    }, "Linear-Delivery"),
  plain: () =>
    inHeader("plain-request-signature", (event) => {
      return bytesOf({
        id: `evt_${event}`,
        webhookMetadata: { webhookDeliveryAttemptTimestamp: new Date(NOW).toISOString() },
      });
    }),
  fusionauth: () =>
    inToken("X-FusionAuth-Signature-JWT", (event) => bytesOf({ event: { id: `evt_${event}` } }), (body) => ({
      request_body_sha256: hash("sha256", body, "base64"),
    })),
  vonage: () =>
    inToken("Authorization", (event) => bytesOf({ event }), (body) => ({
      payload_hash: hash("sha256", body, "hex"),
    }), "Bearer "),
  ebay: () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const sent = (event: number, space?: number) => {
      const document = { notification: { notificationId: `evt_${event}` } };
      const signature = sign("sha1", bytesOf(document), privateKey).toString("base64");
      const header = btoa(JSON.stringify({ alg: "ecdsa", kid: "one", signature, digest: "SHA1" }));
      return captured(new TextEncoder().encode(JSON.stringify(document, null, space)), {
        "X-EBAY-SIGNATURE": header,
      });
    };
    const keys = { one: publicKey.export({ format: "pem", type: "spki" }).toString() };
    return { config: { public_keys: keys }, now: NOW, first: sent(1), again: sent(1, 2), other: sent(2) };
  },
  netlify: () =>
    inToken("X-Webhook-Signature", (event) => bytesOf({ id: "site", state: `state_${event}` }), (body) => ({
      iss: "netlify",
      sha256: hash("sha256", body, "hex"),
    })),
  transloadit: () =>
    inBody((event) => {
      const content = JSON.stringify({ assembly_id: event });
      return formOf({ transloadit: content, signature: `sha256:${hmac(content)}` });
    }, { "Content-Type": "multipart/form-data; boundary=limit" }),
  "dropbox-sign": () =>
    inBody((event) => {
      const type = "signature_request_viewed";
      // Both of the same second, and of the same type.
      const signed = { event_time: TIME, event_type: type, event_hash: hmac(TIME + type) };
      return formOf({ json: JSON.stringify({ event: signed, signature_request: { event } }) });
    }, { "Content-Type": "multipart/form-data; boundary=limit" }),
  "atlassian-connect": () => {
    const qsh = hash("sha256", "POST&/in&", "hex");
    // Both of the same second.
    return inToken(
      "Authorization",
      (event) => bytesOf({ event }),
      () => ({ qsh, exp: NOW / 1000 + 60 }),
      "JWT ",
    );
  },
  braintree: () => {
    const key = hash("sha1", SECRET, "buffer");
    const sent = (payload: string, signed: string) => {
      const signature = createHmac("sha1", key).update(signed).digest("hex");
      const form = new URLSearchParams({ bt_signature: `public|${signature}`, bt_payload: payload });
      return captured(new TextEncoder().encode(form.toString()));
    };
    return {
      config: { private_key: SECRET, public_key: "public", merchant_id: "shop" },
      now: NOW,
      first: sent("b25l\n", "b25l\n"),
      // It has lost its line feed on the way.
      again: sent("b25l", "b25l\n"),
      other: sent("dHdv\n", "dHdv\n"),
    };
  },
  adyen: () => {
    const secret = "0123456789abcdef";
    const item = (reference: string) => {
      const content = `${reference}::Shop:1:100:EUR:AUTHORISATION:true`;
      const key = Uint8Array.fromHex(secret);
      return {
        NotificationRequestItem: {
          pspReference: reference,
          merchantAccountCode: "Shop",
          merchantReference: "1",
          amount: { value: 100, currency: "EUR" },
          eventCode: "AUTHORISATION",
          success: "true",
          additionalData: { hmacSignature: createHmac("sha256", key).update(content).digest("base64") },
        },
      };
    };
    const sent = (...references: string[]) => captured(bytesOf({ notificationItems: references.map(item) }));
    return {
      config: { secret },
      now: NOW,
      first: sent("a", "b"),
      again: sent("b", "a", "b"),
      other: sent("c"),
    };
  },
  paypal: () => {
    const url = "https://api.paypal.com/v1/notifications/certs/1";
    const sent = (event: number) => {
      const body = bytesOf({ event });
      const content = ["transmission", "time", "WH-1", crc32(body)].join("|");
      return captured(body, {
        "Paypal-Transmission-Id": "transmission",
        "Paypal-Transmission-Time": "time",
        "Paypal-Transmission-Sig": sign("sha256", new TextEncoder().encode(content), TEST_CERTIFICATE.key)
          .toString("base64"),
        "Paypal-Cert-Url": url,
      });
    };
    const config = { webhook_id: "WH-1", certificates: { [url]: TEST_CERTIFICATE.cert } };
    return { config, now: NOW, first: sent(1), again: sent(1), other: sent(2) };
  },
};

function inBody(
  bodyOf: (event: number) => Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): SentEvents {
  const sent = (event: number, id: string) => captured(bodyOf(event), { ...headers, "X-Delivery-Id": id });
  return {
    config: { secret: SECRET },
    now: NOW,
    first: sent(1, "1"),
    again: sent(1, "2"),
    other: sent(2, "1"),
  };
}

function inHeader(
  header: string,
  bodyOf: (event: number) => Uint8Array<ArrayBuffer>,
  idHeader = "X-Delivery-Id",
): SentEvents {
  const sent = (event: number, id: string) => {
    const body = bodyOf(event);
    return captured(body, { [header]: hmac(body), [idHeader]: id });
  };
  return {
    config: { secret: SECRET },
    now: NOW,
    first: sent(1, "1"),
    again: sent(1, "2"),
    other: sent(2, "1"),
  };
}

function inToken(
  header: string,
  bodyOf: (event: number) => Uint8Array<ArrayBuffer>,
  claimsOf: (body: Uint8Array) => Readonly<Record<string, unknown>>,
  word = "",
): SentEvents {
  const sent = (event: number) => {
    const body = bodyOf(event);
    const parts = [{ alg: "HS256", typ: "JWT" }, claimsOf(body)];
    const signed = parts.map((part) => base64url(JSON.stringify(part))).join(".");
    const signature = createHmac("sha256", SECRET).update(signed).digest("base64url");
    return captured(body, { [header]: `${word}${signed}.${signature}` });
  };
  return { config: { secret: SECRET }, now: NOW, first: sent(1), again: sent(1), other: sent(2) };
}

function captured(
  body: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): CapturedRequest {
  return { method: "POST", url: URL_OF_WEBHOOK, headers, bodyBase64: body.toBase64() };
}

function formOf(fields: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const parts = Object.entries(fields).map(([name, value]) => {
    return `--limit\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  });
  return new TextEncoder().encode(`${parts.join("")}--limit--\r\n`);
}

function bytesOf(document: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(document));
}

function hmac(content: string | Uint8Array): string {
  return createHmac("sha256", SECRET).update(content).digest("hex");
}

function base64url(text: string): string {
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
}
