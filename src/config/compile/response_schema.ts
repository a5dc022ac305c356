/**
 * What a webhook may say about the answer to accepted events.
 *
 * @module
 */

import { z } from "zod";
import type { ProviderAnswer } from "../../auth/challenges/challenge.ts";
import { findModule, type OutputModule } from "../../modules/module.ts";
import { oneOfField } from "../../schema/fields.ts";
import { quotedName } from "../../schema/nearest_name.ts";
import type { ProblemReason } from "../problem.ts";

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

/** Says that the sender gets the answer of the only output that has one. */
export const FROM_OUTPUT = "from_output";

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
  from_output: z.union([z.literal(true), z.string().min(1)], { error: "Expected the name of a step" })
    .optional()
    .meta({
      description:
        "Instead of all others: the step of the `chain` whose answer the sender gets, by its `name` or its " +
        'module. `"response": "from_output"` is that of the only step that has one.',
    }),
}).refine(
  ({ status, body, content_type: type, from_output: step }) =>
    step === undefined || (status === 200 && body === "" && type === undefined),
  { error: "With 'from_output' there is no other key: the output says what the answer is" },
).refine(
  ({ status, body, content_type: type }) => status !== 204 || (body === "" && type === undefined),
  { error: "An answer with status 204 has neither 'body' nor 'content_type'" },
);

type ResponseConfig = z.infer<typeof responseSchema>;

/** `"from_output"` as the object that it stands for. */
export function spelledOut(given: unknown): unknown {
  return given === FROM_OUTPUT ? { [FROM_OUTPUT]: true } : given;
}

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
function providerResponse(answer: ProviderAnswer | undefined): FixedResponse | undefined {
  if (answer === undefined) return undefined;
  let response = providerResponses.get(answer);
  if (response === undefined) {
    const { status, body, contentType } = answer;
    providerResponses.set(answer, response = { status, body, contentType });
  }
  return response;
}

/** What is needed of a step to know whether the sender gets its answer. */
interface NamedStep {
  readonly module: string;
  readonly name?: string | undefined;
}

/**
 * The place of the step whose answer the sender gets; -1 where it gets none.
 *
 * @param steps in their order
 * @returns or why there is no such step
 */
export function answeringStep(
  response: ResponseConfig | undefined,
  steps: readonly NamedStep[],
  modules: readonly OutputModule[],
): number | ProblemReason {
  const wanted = response?.from_output;
  if (wanted === undefined) return -1;
  const answers = ({ module: name }: NamedStep) => findModule(modules, name)?.givesAnswers === true;
  const named = steps.filter(({ name }) => name === wanted);
  const fitting = wanted === true
    ? steps.filter(answers)
    : named.length > 0
    ? named
    : steps.filter(({ module }) => module === wanted);
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1 && answers(only)) return steps.indexOf(only);
  const step = wanted === true ? "step" : `step called ${quotedName(wanted)}`;
  const message = fitting.length > 1
    ? `There is more than one ${step} that has an answer: give one a 'name', and name it in 'response.from_output'`
    : only === undefined
    ? `There is no ${step} that has an answer`
    : `Module '${only.module}' has no answer that could go back to the sender`;
  return { code: "schema", path: "response", message };
}

/** The answer that a webhook asks for in the place of the usual one; `undefined` for the latter. */
export function ownResponse(
  response: ResponseConfig | undefined,
  accepted: ProviderAnswer | undefined,
): FixedResponse | undefined {
  // An event that is not delivered, such as a repeated one, has no answer of an output.
  const isUsual = response === undefined || response.from_output !== undefined;
  return isUsual ? providerResponse(accepted) : compileResponse(response);
}

function compileResponse({ status, body, content_type: type }: ResponseConfig): FixedResponse {
  const isEmpty = body === "";
  return {
    status,
    body: isEmpty ? null : body,
    contentType: type ?? (isEmpty ? undefined : DEFAULT_CONTENT_TYPE),
  };
}
