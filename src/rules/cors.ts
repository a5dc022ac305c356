/**
 * `cors` of a webhook: which pages of browsers may send to it, and read the answers (the CORS protocol of the Fetch
 * Standard, https://fetch.spec.whatwg.org/#http-cors-protocol).
 *
 * @module
 */

import { HEADER_NAME, headerNameField } from "../schema/header_names.ts";
import { z } from "zod";
import { GatewayError } from "../errors.ts";
import { isOrigin } from "../schema/addresses.ts";
import { booleanField, integerField } from "../schema/fields.ts";

/** `token` of RFC 9110, section 5.6.2. */

const DAY_SECONDS = 86_400;

/** What pages may send without a word of it in the configuration. */
const USUAL_HEADERS = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "X-API-Key",
  "X-Recaptcha-Token",
  "X-Requested-With",
];

/** What pages may read of an answer beside what they always may. */
const EXPOSED_HEADERS = "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id";

const originField = z.string().refine(isOrigin, {
  error: "Must be an origin such as https://shop.example: scheme, host, and a port that is not the usual one",
});

/** `cors` of a webhook. */
export const corsSchema = z.strictObject({
  origins: z.array(originField).max(100).meta({
    description:
      "The origins of pages that may send, such as `https://shop.example`, in the place of `CORS_ALLOWED_ORIGINS`. An empty list: none.",
  }),
  credentials: booleanField().default(false).meta({
    description: "Whether pages may send cookies and what else the browser knows of its user.",
  }),
  headers: z.array(headerNameField()).max(100).default(
    [],
  )
    .meta({
      description:
        "Headers that pages may send, besides the usual ones and those that the webhook's other keys name.",
    }),
  max_age: integerField(0, DAY_SECONDS).default(600).meta({
    description: "How long a browser may keep the answer to its question, in seconds.",
  }),
});

/** What a webhook has to do with pages of browsers. Immutable. */
export interface CorsPolicy {
  readonly origins: ReadonlySet<string>;
  readonly hasCredentials: boolean;
  /** Headers of the answer to a page that asks whether it may send. */
  readonly preflight: Readonly<Record<string, string>>;
}

/** What of a webhook its policy follows from. */
export interface CorsContext {
  readonly methods: readonly string[];
  /** Origins that may send to all webhooks. */
  readonly allOrigins: readonly string[];
}

/** The policy of a webhook; `undefined` where no page has ever been spoken of. */
export function compileCors(
  config: z.output<typeof corsSchema> | undefined,
  webhook: Readonly<Record<string, unknown>>,
  { methods, allOrigins }: CorsContext,
): CorsPolicy | undefined {
  if (config === undefined && allOrigins.length === 0) return undefined;
  const { origins, credentials, headers, max_age: maxAge } = config ??
    { origins: allOrigins, credentials: false, headers: [], max_age: 600 };
  return policyOf(origins, credentials, {
    "access-control-allow-methods": methods.join(", "),
    "access-control-allow-headers": allowedHeaders([...headers, ...namedHeaders(webhook)]),
    "access-control-max-age": String(maxAge),
  });
}

/** The policy of answers to requests for webhooks that do not exist. */
export function generalCors(allOrigins: readonly string[]): CorsPolicy | undefined {
  return allOrigins.length === 0 ? undefined : policyOf(allOrigins, false, {});
}

/** Policies that are shared; past it they are forgotten, and equal ones are shared from then on. */
const MAX_SHARED = 1_000;

const shared = new Map<string, CorsPolicy>();

function policyOf(
  origins: readonly string[],
  hasCredentials: boolean,
  preflight: Readonly<Record<string, string>>,
): CorsPolicy {
  const text = JSON.stringify([origins, hasCredentials, preflight]);
  let known = shared.get(text);
  if (known === undefined) {
    if (shared.size >= MAX_SHARED) shared.clear();
    shared.set(text, known = { origins: new Set(origins), hasCredentials, preflight });
  }
  return known;
}

/** Each name once, whatever its case. */
function allowedHeaders(further: readonly string[]): string {
  const names = new Map(USUAL_HEADERS.map((name) => [name.toLowerCase(), name]));
  for (const name of further) if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name);
  return [...names.values()].join(", ");
}

/** Keys in which others than this one name a header that they read. */
const NAMING_KEYS = ["header", "header_name", "token_field"];

function namedHeaders(webhook: Readonly<Record<string, unknown>>): string[] {
  return Object.values(webhook).flatMap((value) =>
    typeof value === "object" && value !== null
      ? NAMING_KEYS.map((key) => (value as Record<string, unknown>)[key])
      : []
  ).filter((name): name is string => typeof name === "string" && HEADER_NAME.test(name));
}

/** Whether a request is a browser's question whether a page may send. */
export function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

/** @throws {GatewayError} `forbidden` when the page that a request comes from may not send */
export function requireOrigin({ origins }: CorsPolicy, { headers }: Request): void {
  if (origins.has(headers.get("origin") ?? "")) return;
  const reason = "The page's origin is neither in 'cors' of the webhook nor in CORS_ALLOWED_ORIGINS";
  throw new GatewayError("forbidden", undefined, { reason });
}

/** Adds to an answer that a page may read it, if it may; and that another page would get another answer. */
export function addCors(response: Response, policy: CorsPolicy, request: Request): void {
  const { headers } = response;
  headers.append("vary", "Origin");
  const origin = request.headers.get("origin");
  if (origin === null || !policy.origins.has(origin)) return;
  headers.set("access-control-allow-origin", origin);
  if (policy.hasCredentials) headers.set("access-control-allow-credentials", "true");
  if (!headers.has("access-control-allow-methods")) {
    headers.set("access-control-expose-headers", EXPOSED_HEADERS);
  }
}
