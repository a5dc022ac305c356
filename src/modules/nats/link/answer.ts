/**
 * What a stream says to a message: that it has stored it, or why it has not.
 *
 * @see https://docs.nats.io/nats-concepts/jetstream/streams
 * @module
 */

import type { Msg } from "@nats-io/nats-core/internal";
import { z } from "zod";
import type { DeliveryResult } from "../../module.ts";
import { judgeStreamError, subjectFailure } from "../errors.ts";
import type { NatsMessage } from "../message.ts";

/** The status of an answer that the server gives itself, since nobody listens. */
const NO_RESPONDERS = 503;

const answerSchema = z.union([
  z.object({ error: z.object({ err_code: z.int().optional() }) }),
  z.object({ stream: z.string().min(1), seq: z.int() }),
]);

const decoder = new TextDecoder();

/** What an answer means for the message. @param server begins sentences */
export function judgeAnswer(
  answer: Pick<Msg, "headers" | "data">,
  { subject, stream }: Pick<NatsMessage, "subject" | "stream">,
  server: string,
): DeliveryResult {
  if (answer.headers?.code === NO_RESPONDERS) {
    return subjectFailure(`${server} has no stream that takes '${subject}', or JetStream is not ready`);
  }
  const { success, data } = answerSchema.safeParse(jsonOf(answer.data));
  if (!success) {
    return subjectFailure(`Somebody answers at '${subject}' who is no stream: see who listens there`);
  }
  if ("error" in data) return judgeStreamError(data.error.err_code, server);
  if (stream === undefined || data.stream === stream) return "delivered";
  return subjectFailure(`Stream '${data.stream}' takes '${subject}', and not the configured '${stream}'`);
}

/** The number of the error that an answer is; `undefined` for one that is none. */
export function errorCodeOf(answer: Pick<Msg, "data">): number | undefined {
  const { data } = answerSchema.safeParse(jsonOf(answer.data));
  return data !== undefined && "error" in data ? data.error.err_code : undefined;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined; // Nothing that a stream says.
  }
}
