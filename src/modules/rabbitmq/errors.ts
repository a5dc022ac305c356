/**
 * What the reply codes of AMQP 0-9-1 mean for the events that met them.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { unreachable } from "../../io/connection.ts";
import { pause, reject, retry, verdictError, VerdictTable } from "../verdicts.ts";
import type { Message } from "./message.ts";

/** The code of AMQP for messages that no queue takes; they come back, and no channel is closed. */
export const NO_ROUTE = 312;

/** How the server says that it will not store a message, and gives no reason. */
export const NACK = "nack";

/** Codes that the events which share something get together. */
export const REPLY = { accessRefused: 403, notFound: 404 } as const;

/**
 * Reply codes of AMQP 0-9-1 (section 1.2), and `nack`. What is missing or forbidden is a mistake of its operator's, not
 * of the event, and heals when it is mended. A message that will never be taken as it is goes to the dead letters.
 */
const VERDICTS = new VerdictTable({
  [NACK]: retry("did not store the message: a queue is full, or fails"),
  311: reject("takes no message of this size"),
  [NO_ROUTE]: retry("has no queue for it"),
  320: pause("closes its connections"),
  402: pause("does not know the virtual host"),
  403: pause("does not permit it to the user"),
  404: retry("does not have it"),
  405: pause("has it locked for another connection"),
  406: reject(
    "will not take the message: it is larger than max_message_size, or has a property that is not valid",
  ),
  506: pause("has no room for it"),
  530: pause("does not allow it"),
  541: pause("has failed"),
}, retry("closed the channel"));

/** The failure of one message, or of several to the same place; others may be well. */
export function judgeReply(code: number | typeof NACK, { place }: Message, server: string): DeliveryError {
  const verdict = VERDICTS.find(code);
  const reason = code === NACK ? "" : ` (${code})`;
  return verdictError(verdict, `${server} ${verdict.text}: ${place}${reason}`, { isPartial: true });
}

/** The reply code of an error of the client; `undefined` where the server has said nothing. */
export function replyCode(error: unknown): number | undefined {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "number" ? code : undefined;
}

/** Why no connection came about. @param server begins the sentence */
export function judgeOpening(error: unknown, server: string): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code === "string") return unreachable(server, error);
  // The client has no code for what the server says in its greetings, and of some refusals it loses the reason.
  const said = String(message).replaceAll(/\s+/g, " ");
  return new DeliveryError(
    "output_unavailable",
    `${server} did not let the gateway in: check user, password and vhost of the connection, and the port (${said})`,
    { cause: error },
  );
}

/** Why a connection has ended. @param error `undefined` where nothing is known */
export function judgeLoss(error: unknown, server: string): DeliveryError {
  const code = replyCode(error);
  if (code !== undefined) {
    const { text } = VERDICTS.find(code);
    return new DeliveryError("output_unavailable", `${server} ${text} (${code})`, { cause: error });
  }
  return new DeliveryError("output_unavailable", `${server} closed the connection`, { cause: error });
}
