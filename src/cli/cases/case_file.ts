/**
 * Files of cases: what they may say, and where in them something is wrong.
 *
 * @module
 */

import { z } from "zod";
import { describeIssues } from "../../config/compile/describe_issues.ts";
import { followPath } from "../../json/dotted_path.ts";
import { describeErrorPosition, forEachDuplicateKey } from "../../json/text.ts";
import { parseExact } from "./exact_json.ts";

/** Largest file of cases, in bytes. */
export const MAX_CASE_FILE_BYTES = 16 * 1024 * 1024;

const BYTE_ORDER_MARK = /^\ufeff/;

const texts = z.record(z.string(), z.string());

/** A header that is to have this value, or `null` for one that is not to be there. */
const expectedHeaders = z.record(z.string(), z.string().nullable());

const paths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((given) => [given].flat());

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** In milliseconds since 1970. */
const time = z.union([
  z.string().regex(TIME, "Must be a time such as 2026-01-31T12:00:00Z, or seconds since 1970").transform(
    Date.parse,
  ),
  z.number().min(0).transform((seconds) => seconds * 1000),
], { error: "Must be a time such as 2026-01-31T12:00:00Z, or seconds since 1970" })
  .refine((milliseconds) => Number.isFinite(milliseconds), { error: "There is no such day" });

/** How a request is signed. */
export const signSchema = z.strictObject({
  event: z.string().min(1).optional().meta({
    description: "The type of the event, such as `push`: put where the provider names it.",
  }),
  age: z.number().optional().meta({ description: "How long ago it was signed, in seconds. Default: now." }),
  id: z.string().min(1).optional().meta({
    description:
      "Tells the delivery from others, where the provider signs an id. Default: another one each time.",
  }),
  secret: z.string().min(1).optional().meta({
    description: "Another secret than the webhook's, for a request that is to be refused.",
  }),
  private_key: z.string().min(1).optional().meta({
    description: "In PEM, where the provider signs with a private key, whose public key the webhook has.",
  }),
  key: z.string().min(1).optional().meta({
    description: "What requests call the key, where they name it. Default: as the webhook does.",
  }),
  url: z.url({ protocol: /^https?$/ }).optional().meta({
    description:
      "The address as the provider knows it, where it is signed. Default: `public_url` or `PUBLIC_URL`.",
  }),
});

const bodyFields = {
  json: z.unknown().optional().meta({ description: "The body: a document." }),
  text: z.string().optional().meta({ description: "The body: a text, exactly." }),
  base64: z.base64().optional().meta({ description: "The body: any bytes." }),
  form: texts.optional().meta({ description: "The body: fields of a form." }),
  file: z.string().min(1).optional().meta({
    description: "The body: a file, named from the folder of the file of cases on.",
  }),
};

/** What is sent. */
export const requestSchema = z.strictObject({
  webhook: z.string().regex(/^[^/?#\s]+(?:\/[^/?#\s]+)?$/, "Must be ID or NAMESPACE/ID").optional().meta({
    description: "The webhook that it is sent to: `ID` or `NAMESPACE/ID`.",
  }),
  path: z.string().regex(/^\/[^\s#]*$/, "Must begin with /").optional().meta({
    description: "In the place of `webhook`: the path, such as `/webhook/orders`.",
  }),
  query: z.string().regex(/^[^\s#?][^\s#]*$/, "Must be such as a=1&b=2").optional().meta({
    description: "The query of the URL, such as `a=1&b=2`.",
  }),
  method: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "Must be a method of HTTP").default("POST").meta({
    description: "The method.",
  }),
  headers: texts.default({}).meta({
    description: "Headers. Those of the body and of the signature are added, unless they stand here.",
  }),
  ...bodyFields,
  sign: z.union([z.literal(true), signSchema], { error: "Must be true, or an object" }).optional().meta({
    description: "Has it what a sender adds that knows the webhook's credentials, see below.",
  }),
  client: z.union([z.ipv4(), z.ipv6()], { error: "Must be an IP address" }).default("127.0.0.1").meta({
    description: "The address that it comes from.",
  }),
}).superRefine((request, context) => {
  if ((request.webhook === undefined) === (request.path === undefined)) {
    context.addIssue({ code: "custom", path: [], message: "Needs either 'webhook' or 'path'" });
  }
  atMostOne(request, Object.keys(bodyFields), context);
});

/** What an output is to be handed. */
export const deliverySchema = z.strictObject({
  step: z.int().min(0).optional().meta({ description: "The place in the chain, from 0 on." }),
  module: z.string().min(1).optional().meta({ description: "The output's module, such as `kafka`." }),
  connection: z.string().min(1).nullable().optional().meta({
    description: "The name of its connection; `null` for none.",
  }),
  destination: z.string().min(1).optional().meta({
    description: "The destination as metrics name it, such as `https://shop.example:443`.",
  }),
  config: z.record(z.string(), z.unknown()).default({}).meta({
    description:
      "Keys of its `module-config`, such as `topic`, and their values; a reference may stand as it is written.",
  }),
  type: z.string().nullable().optional().meta({
    description: "The event's type as its provider names it; `null` where it names none.",
  }),
  headers: expectedHeaders.default({}).meta({
    description:
      "Headers that outputs take along, `cwm-webhook` and its like among them, and with `http_webhook` all that it sends but tokens of `oauth2`; `null` for one that is not there. There may be others.",
  }),
  json: z.unknown().optional().meta({ description: "The payload as a document." }),
  text: z.string().optional().meta({ description: "The payload as a text, exactly." }),
  base64: z.base64().optional().meta({ description: "The payload's bytes." }),
}).superRefine((delivery, context) => atMostOne(delivery, ["json", "text", "base64"], context));

/** What is to come of a request. */
export const expectationSchema = z.strictObject({
  status: z.int().min(100).max(599).meta({ description: "The status of the answer." }),
  error: z.string().min(1).optional().meta({
    description: "The code of an answer that refuses, such as `unauthorized`.",
  }),
  headers: expectedHeaders.default({}).meta({
    description: "Headers of the answer; `null` for one that is not there. There may be others.",
  }),
  json: z.unknown().optional().meta({ description: "The answer's body as a document." }),
  text: z.string().optional().meta({ description: "The answer's body as a text, exactly." }),
  deliveries: z.array(deliverySchema).default([]).meta({
    description: "What outputs are handed, all of it: the keys below, each of which may be left out.",
  }),
}).superRefine((expected, context) => atMostOne(expected, ["json", "text"], context));

const targetSchema = z.strictObject({
  status: z.int().min(200).max(599).default(200),
  json: z.unknown().optional(),
  text: z.string().optional(),
}).superRefine((answer, context) => atMostOne(answer, ["json", "text"], context));

const target = targetSchema.optional().meta({
  description: "What destinations of `http_webhook` answer: `status`, and `json` or `text`, for `response` " +
    "`from_output` and statuses that are final. One that is tried again takes as long as in service. " +
    "Default: 200 without a body.",
});

const exchangeFields = { request: requestSchema, target, expect: expectationSchema };

/** One case. */
export const caseSchema = z.strictObject({
  name: z.string().min(1).meta({ description: "What it shows, in one line." }),
  now: time.optional().meta({
    description:
      "The time at which it happens, such as `2026-01-31T12:00:00Z` or seconds since 1970: for requests that were captured. Default: the present.",
  }),
  request: requestSchema.optional().meta({ description: "What is sent, see below." }),
  target,
  expect: expectationSchema.optional().meta({ description: "What is to come of it, see below." }),
  exchanges: z.array(z.strictObject(exchangeFields)).min(1, "Must not be empty").optional().meta({
    description:
      "In the place of both: several requests one after the other, each with `request` and `expect`, such as one that comes again.",
  }),
}).superRefine(({ request, target, expect, exchanges }, context) => {
  const isSingle = request !== undefined && expect !== undefined && exchanges === undefined;
  const isList = (request ?? target ?? expect) === undefined && exchanges !== undefined;
  if (isSingle || isList) return;
  context.addIssue({ code: "custom", path: [], message: "Needs 'request' and 'expect', or 'exchanges'" });
});

const answerSchema = z.strictObject({
  status: z.int().min(100).max(599).default(200),
  json: z.unknown(),
});

/** A file of cases. */
export const fileSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: "A remark, as `description` is." }),
  description: z.string().optional().meta({ description: "A remark." }),
  webhooks: paths.optional().meta({
    description:
      "The file of webhooks, or several that are merged, named from the folder of this file on. Default: as for `cwm check`.",
  }),
  connections: paths.optional().meta({ description: "The file or files of connections, likewise." }),
  environment: texts.default({}).meta({
    description: "Environment variables, for `{$NAME}` and for settings. They win over those of the process.",
  }),
  secrets: z.record(
    z.string().regex(/^(?:file:[^#]+|vault:[^#]+#[^#]+)$/, "Must be file:NAME or vault:PATH#FIELD"),
    z.string(),
  ).default({}).meta({
    description:
      "Secrets by `file:NAME` and `vault:PATH#FIELD`. No file of secrets is read, and Vault is not asked.",
  }),
  servers: z.record(z.url({ protocol: /^https?$/ }), answerSchema).default({}).meta({
    description:
      "What servers answer that methods of authentication ask, by their URLs: `status` and `json`. A server that is not here cannot be asked.",
  }),
  cases: z.array(caseSchema).min(1, "Must not be empty").meta({
    description: "The cases, each with the keys below.",
  }),
});

/** Everything that a file of cases says. */
export type CaseFile = z.output<typeof fileSchema>;

/** One case: requests one after the other, and what is expected of each. */
export type Case = CaseFile["cases"][number];

export type CaseRequest = z.output<typeof requestSchema>;
export type TargetAnswer = z.output<typeof targetSchema>;
export type SignOptions = z.output<typeof signSchema>;
export type Expectation = z.output<typeof expectationSchema>;
export type ExpectedDelivery = z.output<typeof deliverySchema>;

/** A request with what is expected of it. */
export interface CaseExchange {
  readonly request: CaseRequest;
  /** `undefined` for 200 without a body. */
  readonly target?: TargetAnswer | undefined;
  readonly expect: Expectation;
}

/** The requests of a case, one after the other. */
export function exchangesOf({ request, target, expect, exchanges }: Case): readonly CaseExchange[] {
  return exchanges ?? [{ request: request!, target, expect: expect! }];
}

/**
 * Reads a file of cases.
 *
 * @param path of the file, for the problems
 * @returns its problems, one line each with the line of the file, when it cannot be used
 */
export function readCaseFile(
  path: string,
  written: string,
): CaseFile | { readonly problems: readonly string[] } {
  const text = written.replace(BYTE_ORDER_MARK, "");
  let value: unknown;
  try {
    value = parseExact(text);
  } catch (error) {
    return { problems: [`${path}: The file is not valid JSON${describeErrorPosition(text, error)}`] };
  }
  const problems: string[] = [];
  const report = (place: string, message: string) => {
    problems.push(`${path}:${lineOf(text, place)}: ${place === "" ? "" : `${place}: `}${message}`);
  };
  forEachDuplicateKey(
    text,
    (place) => report(place.join("."), "The key stands more than once: keep one of them"),
  );
  if (problems.length > 0) return { problems };
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path: place, message } of describeIssues(parsed.error, fileSchema)) report(place, message);
  return { problems };
}

/** From 1 on. */
function lineOf(text: string, place: string): number {
  return text.slice(0, followPath(text, place).at).split("\n").length;
}

function atMostOne(value: object, keys: readonly string[], context: z.RefinementCtx): void {
  const given = keys.filter((key) => Object.hasOwn(value, key));
  if (given.length <= 1) return;
  context.addIssue({ code: "custom", path: [given[1]!], message: `Cannot stand beside '${given[0]}'` });
}
