/**
 * What a webhook may say about the answer to accepted events.
 *
 * @module
 */

import { z } from "zod";
import type { ProviderAnswer } from "../../auth/challenges/challenge.ts";
import { oneOfField } from "../../schema/fields.ts";

/** Largest `body`, in bytes of UTF-8. */
const MAX_BODY_BYTES = 8 * 1024;

/** Longest `content_type`, in characters. */
const MAX_CONTENT_TYPE = 200;

/** `media-type` of RFC 9110, section 8.3.1. It holds no character that could end the header. */
const MEDIA_TYPE =
  /^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+(?:[ \t]*;[ \t]*[!#$%&'*+.^_`|~\w-]+=(?:[!#$%&'*+.^_`|~\w-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e]*"))*$/;

/** Of a `body` without a `content_type`. */
const DEFAULT_CONTENT_TYPE = "text/plain; charset=utf-8";

const encoder = new TextEncoder();

/** `response` of a webhook. */
export const responseSchema = z.strictObject({
  status: oneOfField([200, 201, 202, 204]).default(200).meta({ description: "The status of the answer." }),
  body: z.string().refine((body) => encoder.encode(body).byteLength <= MAX_BODY_BYTES, {
    error: `The body is larger than ${MAX_BODY_BYTES} bytes`,
  }).default("").meta({
    description: "The body of the answer, at most 8 KiB, for example `<Response/>`. With 204 there is none.",
  }),
  content_type: z.string().max(MAX_CONTENT_TYPE).regex(MEDIA_TYPE, "Not a media type, such as 'text/xml'")
    .optional().meta({
      description: "Its `Content-Type`. Default: `text/plain; charset=utf-8`, or none without a body.",
    }),
}).refine(
  ({ status, body, content_type: type }) => status !== 204 || (body === "" && type === undefined),
  { error: "An answer with status 204 has neither 'body' nor 'content_type'" },
);

type ResponseConfig = z.infer<typeof responseSchema>;

/** An answer that is the same for every event of a webhook. Immutable. */
export interface FixedResponse {
  readonly status: number;
  /** `null` where there is none. */
  readonly body: string | null;
  /** `undefined` where the answer has none. */
  readonly contentType: string | undefined;
}

/** One object for all webhooks of a provider. */
const providerResponses = new WeakMap<ProviderAnswer, FixedResponse>();

/** The answer that comes with the webhook's provider; `undefined` for the gateway's own. */
export function providerResponse(answer: ProviderAnswer | undefined): FixedResponse | undefined {
  if (answer === undefined) return undefined;
  let response = providerResponses.get(answer);
  if (response === undefined) {
    const { status, body, contentType } = answer;
    providerResponses.set(answer, response = { status, body, contentType });
  }
  return response;
}

/** Prepares the answer that a webhook asks for. */
export function compileResponse({ status, body, content_type: type }: ResponseConfig): FixedResponse {
  const isEmpty = body === "";
  return {
    status,
    body: isEmpty ? null : body,
    contentType: type ?? (isEmpty ? undefined : DEFAULT_CONTENT_TYPE),
  };
}
