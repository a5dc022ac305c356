/**
 * Signs as providers do whose scheme is no data, from what their documentation says.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac, sign } from "node:crypto";
import type { CapturedRequest } from "../../../src/cli/signatures/captured.ts";
import type { FreshKeys } from "./keys.ts";

/** What is signed. */
export interface RequestToMake {
  /** A request that the provider could have sent. */
  readonly template: CapturedRequest;
  /** A text for the body; `undefined` for an empty body. */
  readonly note: string | undefined;
  readonly keys: FreshKeys;
  /** In seconds since 1970. */
  readonly now: number;
  readonly id: string;
}

/** Makes a signed request; `undefined` where the provider sends none like that. */
export type CodedSigner = (request: RequestToMake) => CapturedRequest | undefined;

/** Signers by the names of presets. */
export const codedSigners: Readonly<Record<string, CodedSigner>> = {
  twilio: (request) => {
    if (request.note === undefined) return undefined;
    const form = formWith(request, "Body");
    const content = request.template.url + sortedPairs(form).map(([name, value]) => name + value).join("");
    return sent(request, form.toString(), {
      "X-Twilio-Signature": hmac("sha1", request.keys.signing, content, "base64"),
    });
  },
  plivo: (request) => {
    if (request.note === undefined) return undefined;
    const form = formWith(request, "Text");
    const [base] = request.template.url.split("?");
    const pairs = sortedPairs(form).map(([name, value]) => name + value).join("");
    return sent(
      { ...request, template: { ...request.template, url: base! } },
      form.toString(),
      {
        "X-Plivo-Signature-V3-Nonce": request.id,
        "X-Plivo-Signature-V3": hmac(
          "sha256",
          request.keys.signing,
          `${base}?${pairs}.${request.id}`,
          "base64",
        ),
      },
    );
  },
  contentful: (request) => {
    const { template, keys, now } = request;
    const body = bodyWith(request);
    const url = template.url.split("?")[0]!;
    const names = [
      "content-type",
      "x-contentful-signed-headers",
      "x-contentful-timestamp",
      "x-contentful-topic",
    ];
    const headers = {
      "content-type": "application/json",
      "x-contentful-topic": "ContentManagement.Entry.publish",
      "x-contentful-signed-headers": names.join(","),
      "x-contentful-timestamp": String(now * 1000),
    };
    const listed = names.map((name) => `${name}:${headers[name as keyof typeof headers]}`).join(";");
    const target = encodeURI(url.slice(new URL(url).origin.length));
    const content = [template.method, target, listed, body].join("\n");
    const signature = hmac("sha256", keys.signing, content, "hex");
    return {
      method: template.method,
      url,
      headers: { ...headers, "x-contentful-signature": signature },
      bodyBase64: encoded(body),
    };
  },
  inngest: (request) => {
    if (request.note === undefined) return undefined;
    const body = bodyWith(request);
    const canonical = JSON.stringify(sorted(JSON.parse(body))) + request.now;
    const key = request.keys.signing.replace(/^signkey-\w+-/, "");
    return sent(request, body, {
      "X-Inngest-Signature": `t=${request.now}&s=${hmac("sha256", key, canonical, "hex")}`,
    });
  },
  qstash: (request) =>
    withToken(request, "Upstash-Signature", "", ({ body, url }) => ({
      iss: "Upstash",
      sub: url,
      body: sha256(body, "base64url"),
    })),
  livekit: (request) => {
    if (request.note === undefined) return undefined;
    return withToken(request, "Authorization", "", ({ body }) => ({
      iss: request.keys.config["key"],
      sha256: sha256(body, "base64"),
    }));
  },
  vonage: (request) =>
    withToken(request, "Authorization", "Bearer ", ({ body }) => ({
      iat: request.now,
      jti: request.id,
      payload_hash: sha256(body, "hex"),
    })),
  messagebird: (request) =>
    withToken(request, "MessageBird-Signature-JWT", "", ({ body, url }) => ({
      iss: "MessageBird",
      jti: request.id,
      url_hash: sha256(url, "hex"),
      payload_hash: sha256(body, "hex"),
    })),
  "atlassian-connect": (request) => {
    const url = request.template.url.split("?")[0]!;
    const made = { ...request, template: { ...request.template, url } };
    return withToken(made, "Authorization", "JWT ", () => ({
      iss: "client",
      iat: request.now,
      qsh: sha256([request.template.method, new URL(url).pathname, ""].join("&"), "hex"),
    }));
  },
  adyen: (request) => {
    if (request.note === undefined) return undefined;
    const item = {
      pspReference: request.id,
      originalReference: "",
      merchantAccountCode: "Shop",
      merchantReference: request.note,
      amount: { value: request.now, currency: "EUR" },
      eventCode: "AUTHORISATION",
      success: "true",
    };
    const content = [
      item.pspReference,
      item.originalReference,
      item.merchantAccountCode,
      item.merchantReference,
      item.amount.value,
      item.amount.currency,
      item.eventCode,
      item.success,
    ].join(":");
    const key = Uint8Array.fromHex(request.keys.signing);
    const hmacSignature = hmac("sha256", key, content, "base64");
    const body = {
      live: "false",
      notificationItems: [{ NotificationRequestItem: { ...item, additionalData: { hmacSignature } } }],
    };
    return sent(request, JSON.stringify(body), {});
  },
  "dropbox-sign": (request) => {
    if (request.note === undefined) return undefined;
    const event = {
      event_time: String(request.now),
      event_type: "signature_request_signed",
      event_hash: hmac("sha256", request.keys.signing, `${request.now}signature_request_signed`, "hex"),
      event_metadata: { reported_for_account_id: request.id },
    };
    const boundary = `----${request.id}`;
    const json = JSON.stringify({ event, note: request.note.replaceAll(/[\r\n]/g, "") });
    const head = 'Content-Disposition: form-data; name="json"';
    const body = `--${boundary}\r\n${head}\r\n\r\n${json}\r\n--${boundary}--\r\n`;
    return sent(request, body, { "Content-Type": `multipart/form-data; boundary=${boundary}` });
  },
  braintree: (request) => {
    if (request.note === undefined) return undefined;
    const before = new URLSearchParams(textOf(request.template)).get("bt_payload") ?? "";
    const key = createHash("sha1").update(request.keys.signing).digest();
    const signature = `${request.keys.config["publicKey"]}|${hmac("sha1", key, before, "hex")}`;
    const form = new URLSearchParams({ bt_signature: signature, bt_payload: before });
    return sent(request, form.toString(), {});
  },
  sns: (request) => {
    if (request.note === undefined) return undefined;
    const [url] = Object.keys(request.keys.config["certificates"] as Record<string, string>);
    const message = {
      Message: request.note || "empty",
      MessageId: request.id,
      Timestamp: new Date(request.now * 1000).toISOString(),
      TopicArn: "arn:aws:sns:us-east-1:123456789012:orders",
      Type: "Notification",
    };
    const content = Object.entries(message).map(([name, value]) => `${name}\n${value}\n`).join("");
    const Signature = sign("sha256", new TextEncoder().encode(content), request.keys.signing).toString(
      "base64",
    );
    const body = { ...message, SignatureVersion: "2", Signature, SigningCertURL: url };
    return sent(request, JSON.stringify(body), {});
  },
  ebay: (request) => {
    if (request.note === undefined) return undefined;
    const body = JSON.stringify(JSON.parse(bodyWith(request)));
    const [kid] = Object.keys(request.keys.config["publicKeys"] as Record<string, string>);
    const signature = sign("sha1", new TextEncoder().encode(body), request.keys.signing).toString("base64");
    const header = btoa(JSON.stringify({ alg: "ecdsa", kid, signature, digest: "SHA1" }));
    return sent(request, body, { "X-EBAY-SIGNATURE": header });
  },
};

/** The template with another body and other headers. */
export function sent(
  { template }: Pick<RequestToMake, "template">,
  body: string,
  headers: CapturedRequest["headers"],
): CapturedRequest {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const kept = Object.entries(template.headers).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...template, headers: { ...Object.fromEntries(kept), ...headers }, bodyBase64: encoded(body) };
}

/** The body of the template with the note in it. */
export function bodyWith({ template, note }: Pick<RequestToMake, "template" | "note">): string {
  if (note === undefined) return "";
  const text = textOf(template);
  if (!/^[[{]/.test(text.trim())) return `${text}&Note=${encodeURIComponent(note)}`;
  // The rest stays as it is written: to some SDKs 1.0 and 1 are not the same.
  const [, start = "", end = ""] = /^(.*?)\s*([}\]])\s*$/s.exec(text) ?? [];
  const added = JSON.stringify(note);
  return end === "}" ? `${start},"note":${added}}` : `${start},{"note":${added}}]`;
}

/** A token whose claims are those of the request, good for a minute. */
function withToken(
  request: RequestToMake,
  header: string,
  word: string,
  claimsOf: (request: { readonly body: string; readonly url: string }) => Readonly<Record<string, unknown>>,
): CapturedRequest {
  const body = bodyWith(request);
  const claims = {
    nbf: request.now,
    exp: request.now + 60,
    ...claimsOf({ body, url: request.template.url }),
  };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  const token = `${signed}.${hmac("sha256", request.keys.signing, signed, "base64url")}`;
  return sent(request, body, { [header]: word + token });
}

function formWith({ template, note = "" }: RequestToMake, name: string): URLSearchParams {
  const form = new URLSearchParams(textOf(template));
  form.set(name, note);
  return form;
}

function sortedPairs(form: URLSearchParams): readonly (readonly [string, string])[] {
  return [...form].sort(([a, first], [b, second]) => compare(a, b) || compare(first, second));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function textOf({ bodyBase64 }: CapturedRequest): string {
  return Buffer.from(bodyBase64, "base64").toString();
}

function encoded(body: string): string {
  return Buffer.from(body).toString("base64");
}

function hmac(
  algorithm: string,
  key: string | Uint8Array,
  content: string,
  encoding: "hex" | "base64" | "base64url",
): string {
  return createHmac(algorithm, key).update(content).digest(encoding);
}

function sha256(text: string, encoding: "hex" | "base64" | "base64url"): string {
  return createHash("sha256").update(text).digest(encoding);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => compare(a, b)).map(([name, each]) => [name, sorted(each)]),
  );
}
