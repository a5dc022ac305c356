/**
 * Questions in the body of a request that was verified: nobody but the provider can ask them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { equalText } from "../crypto/constant_time.ts";
import { HmacDigest } from "../crypto/hmac_digest.ts";
import type { Finding, RequestToVerify } from "../verifier.ts";
import { EMPTY_ANSWER, jsonAnswer, NO_CONTENT, noChallenge, repeated } from "./answers.ts";
import { Challenge, type ProviderAnswer } from "./challenge.ts";
import type { ProviderQuestions } from "./questions.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Document = Readonly<Record<string, unknown>>;

/** Largest body that may be a question, in bytes. A larger one is an event, without being looked at. */
const MAX_BYTES = 8 * 1024;

/** What Zoom has signed. It has no colon, with which the content of an event's signature begins: `v0:`. */
const ZOOM_TOKEN = /^[A-Za-z0-9+/=_-]{1,256}$/;

/** Slack repeats a text, and tries slash commands with a form. */
export const slackQuestions: ProviderQuestions = {
  description:
    "A signed `url_verification` gets its `challenge` back, and a signed form with `ssl_check=1` an " +
    "empty 200.",
  prepare: () => ({
    inBody: (_request, body) => {
      if (holds(body, "ssl_check=1") && new URLSearchParams(textOf(body)).get("ssl_check") === "1") {
        return answeredBy(EMPTY_ANSWER);
      }
      const { type, challenge } = holds(body, "url_verification") ? documentIn(body) : NO_DOCUMENT;
      return type === "url_verification" ? new Challenge(() => repeated(textIn(challenge))) : undefined;
    },
  }),
};

/** Discord pings before it saves an address: interactions by type 1, events of webhooks by type 0. */
export const discordQuestions: ProviderQuestions = {
  description:
    'A signed PING of interactions (type 1) gets `{"type":1}`, one of webhook events (type 0) 204.',
  prepare: () => ({
    inBody: (_request, body) => {
      const { type, event } = holds(body, '"type"') ? documentIn(body) : NO_DOCUMENT;
      if (event !== undefined) return undefined;
      if (type === 1) return answeredBy(jsonAnswer({ type: 1 }));
      return type === 0 ? answeredBy(NO_CONTENT) : undefined;
    },
  }),
};

/** Twitch repeats a text for each subscription. */
export const twitchQuestions: ProviderQuestions = {
  description: "A signed `webhook_callback_verification` gets its `challenge` back.",
  prepare: () => ({
    inBody: ({ headers }, body) => {
      if (headers.get("twitch-eventsub-message-type") !== "webhook_callback_verification") return undefined;
      const { challenge } = documentIn(body);
      // The header is not signed: what has no challenge is not made one by it.
      return typeof challenge === "string" ? new Challenge(() => repeated(challenge)) : undefined;
    },
  }),
};

/** Zoom has a text signed with the secret that its events are signed with, once in 72 hours. */
export const zoomQuestions: ProviderQuestions = {
  description: "A signed `endpoint.url_validation` gets its `plainToken` signed. It may have 256 letters, " +
    "digits and `+/=_-`: never a colon, with which what is signed of an event begins.",
  prepare: ({ secrets }) => {
    const digests = secrets.map((secret) => new HmacDigest("sha256", encoder.encode(secret)));
    return {
      inBody: (request, body) => {
        const { event, payload } = holds(body, "endpoint.url_validation") ? documentIn(body) : NO_DOCUMENT;
        if (event !== "endpoint.url_validation") return undefined;
        return new Challenge(() => {
          const plainToken = textIn((payload as Document | undefined)?.["plainToken"]) ?? "";
          if (!ZOOM_TOKEN.test(plainToken)) {
            return noChallenge("plainToken has not the form that Zoom gives it");
          }
          const encryptedToken = signerOf(request, body, digests).hex(encoder.encode(plainToken));
          return jsonAnswer({ plainToken, encryptedToken });
        });
      },
    };
  },
};

/** While a secret is changed, the answer is signed with the one that the question is signed with. */
function signerOf({ headers }: RequestToVerify, body: Bytes, digests: readonly HmacDigest[]): HmacDigest {
  const head = encoder.encode(`v0:${headers.get("x-zm-request-timestamp")}:`);
  const content = new Uint8Array(Buffer.concat([head, body]));
  const signature = headers.get("x-zm-signature") ?? "";
  return digests.find((digest) => equalText(signature, `v0=${digest.hex(content)}`)) ?? digests[0]!;
}

/** Xero sends no events, some of them signed wrongly, to see whether that is noticed. */
export const xeroQuestions: ProviderQuestions = {
  description: "The intent to receive, a signed document without events, gets an empty 200, and one with a " +
    "wrong signature an empty 401.",
  prepare: () => ({
    inBody: (_request, body) => {
      const { events } = holds(body, "entropy") ? documentIn(body) : NO_DOCUMENT;
      return Array.isArray(events) && events.length === 0 ? answeredBy(EMPTY_ANSWER) : undefined;
    },
  }),
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const NO_DOCUMENT: Document = {};

function answeredBy(answer: ProviderAnswer): Finding {
  return new Challenge(() => answer);
}

/** Whether a body is so small that it may be a question, and holds a text: parsing every event would cost more. */
function holds(body: Bytes, text: string): boolean {
  if (body.length > MAX_BYTES) return false;
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(text);
}

/** The object that a small body holds; an empty one where it holds none. */
function documentIn(body: Bytes): Document {
  if (body.length > MAX_BYTES) return NO_DOCUMENT;
  try {
    const value: unknown = JSON.parse(textOf(body));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Document
      : NO_DOCUMENT;
  } catch {
    // Not JSON.
    return NO_DOCUMENT;
  }
}

function textOf(body: Bytes): string {
  return decoder.decode(body);
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
