/**
 * What failures of ActiveMQ mean for events. Its ERROR frames have no codes: what counts is whether one names the
 * message that it is about, and the class of the exception that its body begins with.
 *
 * @module
 */

import type { IFrame } from "@stomp/stompjs";
import { DeliveryError } from "../../errors.ts";

/** Longest text of a broker in a message, in characters. */
const MAX_SAID = 200;

/** What the body begins with when the broker could not read a frame, such as one that is too long. */
const UNREADABLE = /^[\w.]+\.ProtocolException\b/;

/** Whether the broker ends a connection since it could not read what it was sent. */
export function blamesFrame({ body }: IFrame): boolean {
  return UNREADABLE.test(body);
}

/** The broker did not let the gateway in. @param server begins the sentence */
export function judgeLogin(frame: IFrame, server: string): DeliveryError {
  const text = `${server} did not let the gateway in: check user and password of the connection`;
  return new DeliveryError("output_unavailable", `${text} (${saidIn(frame)})`);
}

/** The broker answers to one message that it does not take it. What is wrong is its operator's to mend, and heals. */
export function judgeRefusal(frame: IFrame, destination: string, server: string): DeliveryError {
  return new DeliveryError(
    "output_unavailable",
    `${server} takes nothing for ${destination}: ${saidIn(frame)}`,
  );
}

/** The broker says why it ends the connection. */
export function judgeEnd(frame: IFrame, server: string): DeliveryError {
  return new DeliveryError("output_unavailable", `${server} closed the connection: ${saidIn(frame)}`);
}

/** The one message that was sent on a connection made the broker end it. */
export function judgeUnreadable(server: string): DeliveryError {
  return new DeliveryError(
    "output_rejected",
    `${server} refuses the message, and no other with it: it is probably larger than wireFormat.maxFrameSize`,
  );
}

/** The broker's own words, which name a user and a queue, and nothing of an event. */
function saidIn({ headers }: IFrame): string {
  return (headers["message"] ?? "no reason given").replaceAll(/\p{Cc}+/gu, " ").slice(0, MAX_SAID);
}
