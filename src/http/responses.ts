/**
 * The forms of answers.
 *
 * @module
 */

import type { ProviderAnswer } from "../auth/challenges/challenge.ts";
import type { Problem } from "../config/problem.ts";
import type { ConfigProvider } from "../config/provider.ts";
import type { FixedResponse } from "../config/compile/response_schema.ts";
import { DeliveryError, ERROR_CATALOGUE, GatewayError } from "../errors.ts";
import type { AnswerSlot, OutputAnswer } from "../event/output_answer.ts";

const JSON_TYPE = "application/json";
const REQUEST_ID = "x-request-id";

/** From this length on an answer is worth compressing, in characters. */
export const LARGE_LENGTH = 4096;

/** What large answers say: to read it back from each answer would make small ones expensive. */
const largeTexts = new WeakMap<Response, string>();

/** A JSON answer. It carries the request's id in a header. */
export function jsonResponse(status: number, body: unknown, requestId: string): Response {
  return textResponse(status, JSON.stringify(body) + "\n", JSON_TYPE, requestId);
}

/** An answer of any type. */
export function textResponse(status: number, body: string, contentType: string, requestId: string): Response {
  // Appending the second header afterwards is measurably cheaper than passing two, or than setting it.
  const response = new Response(body, { status, headers: { "content-type": contentType } });
  response.headers.append(REQUEST_ID, requestId);
  if (body.length >= LARGE_LENGTH) largeTexts.set(response, body);
  return response;
}

/** The text of an answer of {@linkcode textResponse} that is worth compressing; `undefined` of any other. */
export function largeTextOf(response: Response): string | undefined {
  return largeTexts.get(response);
}

/**
 * The answer to an accepted event. Text instead of JSON.stringify: ids need no escaping.
 *
 * @param own the webhook's own answer; `undefined` for the gateway's
 * @param withHeader whether the id is in a header too: a second header costs a tenth of a small request
 */
export function acceptedResponse(
  own: FixedResponse | undefined,
  eventId: string,
  withHeader: boolean,
): Response {
  return ownResponse(own, "Event accepted", eventId, withHeader);
}

function ownResponse(
  own: FixedResponse | undefined,
  message: string,
  eventId: string,
  withHeader: boolean,
): Response {
  if (own !== undefined) return fixedResponse(own, withHeader ? eventId : undefined);
  const response = new Response(`{"message":"${message}","event_id":"${eventId}"}\n`, {
    headers: { "content-type": JSON_TYPE },
  });
  if (withHeader) response.headers.append(REQUEST_ID, eventId);
  return response;
}

/** Statuses of answers that have no body (Fetch standard, 2.2.3), whatever the output has sent. */
const BODILESS: ReadonlySet<number> = new Set([204, 205]);

/**
 * The answer of an output to an event that was delivered; `undefined` where the sender does not want it, or there is
 * none.
 *
 * @param requestId left out of the answer when it is `undefined`
 * @throws {GatewayError} `output_answer_unusable` for one that cannot be passed on
 */
export function answerOfOutput(
  slot: AnswerSlot | undefined,
  requestId: string | undefined,
): Response | undefined {
  const answer = slot?.answer;
  if (typeof answer !== "string") return answer && outputResponse(answer, requestId);
  throw new GatewayError("output_answer_unusable", undefined, { reason: answer });
}

/** What an output has answered to an event that it did not take; `undefined` where the error is the gateway's to say. */
export function refusalOfOutput(
  error: GatewayError,
  slot: AnswerSlot | undefined,
  requestId: string,
): Response | undefined {
  const answer = slot?.answer;
  const isRefusal = error instanceof DeliveryError && typeof answer === "object" && answer.status >= 400;
  return isRefusal ? outputResponse(answer, requestId) : undefined;
}

function outputResponse(
  { status, contentType, body }: OutputAnswer,
  requestId: string | undefined,
): Response {
  const content = body.byteLength === 0 || BODILESS.has(status) ? null : body;
  const headers = contentType === undefined ? undefined : { "content-type": contentType };
  const response = new Response(content, headers === undefined ? { status } : { status, headers });
  if (requestId !== undefined) response.headers.append(REQUEST_ID, requestId);
  return response;
}

/** The answer to a request whose event the webhook does not want. The parameters are those of {@linkcode acceptedResponse}. */
export function filteredResponse(
  own: FixedResponse | undefined,
  eventId: string,
  withHeader: boolean,
): Response {
  return ownResponse(own, "Event filtered", eventId, withHeader);
}

/** @param requestId left out of the answer when it is `undefined` */
function fixedResponse(
  { status, body, contentType }: FixedResponse,
  requestId: string | undefined,
): Response {
  const headers = contentType === undefined ? undefined : { "content-type": contentType };
  const response = new Response(body, headers === undefined ? { status } : { status, headers });
  if (requestId !== undefined) response.headers.append(REQUEST_ID, requestId);
  return response;
}

/**
 * The answer to a probe: 200 and nothing else.
 *
 * @param allowed the webhook's methods, where the probe asks for them
 * @param requestId left out of the answer when it is `undefined`
 */
export function probeResponse(
  allowed: readonly string[] | undefined,
  requestId: string | undefined,
): Response {
  const response = new Response(null);
  if (allowed !== undefined) response.headers.set("allow", allowed.join(", "));
  if (requestId !== undefined) response.headers.append(REQUEST_ID, requestId);
  return response;
}

/**
 * The answer to a question of a provider. Whatever it repeats, no browser takes it for a page.
 *
 * @param requestId left out of the answer when it is `undefined`
 */
export function challengeResponse(
  { status, body, contentType, headers = {} }: ProviderAnswer,
  requestId: string | undefined,
): Response {
  const response = new Response(body, {
    status,
    headers: { ...headers, "x-content-type-options": "nosniff" },
  });
  if (contentType === undefined) response.headers.delete("content-type");
  else response.headers.set("content-type", contentType);
  if (requestId !== undefined) response.headers.append(REQUEST_ID, requestId);
  return response;
}

/** The answer to a failed request: `{"error":{"code":"…","message":"…"}}`, or none where the sender wants none. */
export function errorResponse(error: GatewayError, requestId: string): Response {
  const response = error.isEmpty
    ? new Response(null, { status: error.status, headers: { [REQUEST_ID]: requestId } })
    : jsonResponse(
      error.status,
      { error: { code: error.code, message: publicMessage(error) } },
      requestId,
    );
  const { headers } = error;
  if (headers !== undefined) {
    for (const name of Object.keys(headers)) response.headers.append(name, headers[name]!);
  }
  if (error.retryAfterSeconds !== undefined) {
    response.headers.set("retry-after", String(Math.ceil(error.retryAfterSeconds)));
  }
  return response;
}

/** Outputs name hosts and tables of the private network in their errors: clients get the code's own text. */
function publicMessage(error: GatewayError): string {
  return error instanceof DeliveryError ? ERROR_CATALOGUE[error.code].message : error.message;
}

/** Whatever was thrown, as an error with a code. Anything unexpected is a bug of the gateway. */
export function toGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError
    ? error
    : new GatewayError("internal_error", undefined, { cause: error });
}

/**
 * A problem of the configuration as admin routes show it.
 *
 * @param provider knows where it stands, where there are several places
 */
export function describeProblem(
  { since, ...problem }: Problem,
  provider: Pick<ConfigProvider, "placeOf">,
): unknown {
  // The clock may have been set back.
  const ageSeconds = Math.max(0, Math.round((Date.now() - since) / 1000));
  const place = provider.placeOf?.(problem.key, problem.path);
  return {
    ...problem,
    ...(place === undefined ? {} : { place }),
    since: new Date(since).toISOString(),
    age_seconds: ageSeconds,
  };
}
