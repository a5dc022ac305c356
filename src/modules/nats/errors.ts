/**
 * What failures of NATS mean for events: the codes of JetStream, and why a server ends a connection.
 *
 * @see https://github.com/nats-io/nats-server/blob/main/server/errors.json
 * @module
 */

import {
  AuthorizationError,
  PermissionViolationError,
  ProtocolError,
  UserAuthenticationExpiredError,
} from "@nats-io/nats-core/internal";
import { DeliveryError, errorCode } from "../../errors.ts";
import { quoteJson } from "../../observability/safe_text.ts";
import { pause, reject, retry, verdictError, VerdictTable } from "../verdicts.ts";

/** Why a stream does not take a message, by the number of the error. What an operator can mend is tried again. */
const STREAM_VERDICTS = new VerdictTable({
  10054: reject("takes no message of this size: see the stream's max_msg_size"),
  10097: reject("takes no headers of more than 64 KiB: switch forward_headers off"),
  10060: retry("says that another stream than the configured one takes the subject"),
  10077: retry("cannot store the message: the stream is full, or its disk is"),
  "10023 10028 10047": retry("has no room left for JetStream"),
  "10039 10076": retry("has JetStream switched off, for the server or the account"),
  "10008 10009 10074": retry("has no JetStream ready now"),
  10109: retry("has sealed the stream: it takes nothing any more"),
  "10148 10158": retry("is still storing the message of an earlier attempt"),
  10167: retry("gets more messages than the stream can store"),
}, retry("did not store the message"));

/** Other subjects of the server may be well. */
const ONE_SUBJECT = { isPartial: true } as const;

/** Longest text of a server that is shown. */
const MAX_SHOWN = 200;

/** Why a stream refused a message. @param code the server's number; `undefined` where it gave none */
export function judgeStreamError(code: number | undefined, server: string): DeliveryError {
  const verdict = STREAM_VERDICTS.find(code ?? "");
  return verdictError(
    verdict,
    `${server} ${verdict.text}${code === undefined ? "" : ` (${code})`}`,
    ONE_SUBJECT,
  );
}

/** What is wrong with one subject, and heals when an operator mends it. */
export function subjectFailure(message: string): DeliveryError {
  return new DeliveryError("output_failed", message, ONE_SUBJECT);
}

/** The event cannot be a message of this server. */
export function unfitMessage(message: string): DeliveryError {
  return new DeliveryError("output_rejected", message, ONE_SUBJECT);
}

/** Judges why a connection could not be opened, or has ended. @param error `undefined` where nobody said */
export function judgeEnd(error: unknown, server: string): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
    return verdictError(pause(""), `${server} does not let this user in`);
  }
  if (error instanceof PermissionViolationError) {
    return verdictError(
      pause(""),
      `${server} does not permit the user to subscribe to ${
        shown(error.subject)
      }, where confirmations come: permit it, or set inbox_prefix`,
    );
  }
  if (error instanceof ProtocolError) {
    return verdictError(pause(""), `${server} closed the connection: ${shown(error.message)}`);
  }
  if (error === undefined) return verdictError(pause(""), `${server} closed the connection`);
  return verdictError(pause(""), `${server} cannot be reached: ${errorCode(error)}`, { cause: error });
}

function shown(text: string): string {
  return quoteJson(text.slice(0, MAX_SHOWN).toWellFormed());
}
