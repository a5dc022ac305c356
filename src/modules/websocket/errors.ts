/**
 * What answers to handshakes, and the codes that connections are closed with, mean for events.
 *
 * @module
 */

import type { IncomingHttpHeaders } from "node:http";
import { DeliveryError } from "../../errors.ts";
import { unreachable } from "../../io/connection.ts";
import { RefusedAddressError } from "../../io/http_client.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import { pause, reject, type Verdict, verdictError, VerdictTable } from "../verdicts.ts";

/** By the statuses of handshakes. A peer that upgrades nothing takes no event at all. */
const STATUSES = new VerdictTable({
  "3*": pause("wants to be asked elsewhere: redirects are not followed, change url"),
  "401 403": pause("does not let the gateway in: check headers and tls"),
  "404 410": pause("has nothing at this address: check url"),
  407: pause("is behind a proxy that refuses the handshake"),
  426: pause("wants another version of the protocol"),
  "429 503": pause("takes no connection for the moment"),
}, pause("did not upgrade to WebSocket"));

/** By the codes of closing (RFC 6455, section 7.4.1, and the registry of IANA). */
const CLOSES = new VerdictTable({
  1001: pause("goes away"),
  1003: reject("does not take messages of that kind"),
  1006: pause("broke the connection"),
  1007: reject("does not take what is in the message"),
  1008: pause("closed the connection since it forbids something"),
  1009: reject("does not take a message of that size"),
  1011: pause("failed"),
  1012: pause("restarts"),
  1013: pause("takes nothing for the moment"),
}, pause("closed the connection"));

/** What a code of closing says about what was under way. */
export function verdictOnClose(code: number): Verdict {
  return CLOSES.find(code);
}

/** The failure of a connection that was closed, whatever was under way. */
export function judgeClose(code: number, server: string): DeliveryError {
  return new DeliveryError("output_unavailable", `${server} ${CLOSES.find(code).text} (${code})`);
}

/** A handshake that was answered, and refused. */
export function judgeHandshake(status: number, headers: IncomingHttpHeaders, server: string): DeliveryError {
  const verdict = STATUSES.find(status);
  const retryAfterSeconds = parseRetryAfter(headers["retry-after"], Date.now());
  return verdictError(verdict, `${server} ${verdict.text} (${status})`, { retryAfterSeconds });
}

/** Why no connection came about. */
export function judgeOpening(error: unknown, server: string): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const options = { cause: error };
  if (error instanceof RefusedAddressError) {
    return new DeliveryError(
      "output_unavailable",
      `${server} is refused, ${error.message}: see allowed_hosts`,
      options,
    );
  }
  const { code } = error as { readonly code?: unknown };
  if (typeof code === "string") return unreachable(server, error);
  const message = `${server} does not answer as a WebSocket does: check url and subprotocol`;
  return new DeliveryError("output_unavailable", message, options);
}
