/**
 * What failures of MQTT mean for events: the reason codes of brokers.
 *
 * @see https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html section 2.4
 * @module
 */

import { DeliveryError, errorCode } from "../../errors.ts";
import { pause, reject, retry, verdictError, VerdictTable } from "../verdicts.ts";

/** Why a broker does not let the gateway in; 1 to 5 are of MQTT 3.1.1, the others of MQTT 5. */
const LOGIN_VERDICTS = new VerdictTable({
  "1 132": pause("does not speak this version of MQTT: set mqtt_version of the connection"),
  "2 133": pause("does not accept the client_id of the connection"),
  "3 136": pause("is not available"),
  "4 134": pause("does not know this username and password"),
  "5 135": pause("does not let this user in"),
  137: pause("is busy"),
  138: pause("has banned this client"),
  140: pause("wants to be logged in to in another way"),
  151: pause("takes no more from this client: its quota is used up"),
  "156 157": pause("has moved: change host of the connection"),
  159: pause("takes no more connections for now"),
}, pause("refused the connection"));

/** Why a broker does not take a message. A wrong topic or right is a mistake of an operator's, and heals. */
const MESSAGE_VERDICTS = new VerdictTable({
  135: retry("does not permit the user to publish on this topic: see its access rules"),
  144: retry("does not accept the topic"),
  149: reject("takes no message of this size"),
  151: retry("takes no more messages: a quota is used up"),
  153: reject("finds that the payload is not what content-type says"),
}, retry("did not take the message"));

/** Why a broker ends a connection. */
const END_VERDICTS = new VerdictTable({
  139: pause("is shutting down"),
  141: pause("has heard nothing for longer than keepalive"),
  142: pause("closed the connection, since another one has the same client_id: give each its own"),
  147: pause("got more unconfirmed messages than it takes"),
  "150 151 159": pause("takes no more from this client for now"),
  152: pause("closed the connection on behalf of its operator"),
  "156 157": pause("has moved: change host of the connection"),
}, pause("closed the connection"));

/** Codes with which a broker ends a connection for what a message was. */
const BLAMES_MESSAGE: ReadonlySet<number> = new Set([129, 144, 149, 153]);

/** A broker's code for a message that it took, though nobody has subscribed to the topic, and codes below it. */
const LAST_SUCCESS = 0x7f;

/** Other topics of the broker may be well. */
const ONE_TOPIC = { isPartial: true } as const;

/** The code of a confirmation that is a refusal; `undefined` for any other error, or none. */
export function refusalCode(error: unknown): number | undefined {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === "number" && code > LAST_SUCCESS ? code : undefined;
}

/** Judges the refusal of a message. @param server begins the sentence */
export function judgeRefusal(code: number, server: string): DeliveryError {
  const verdict = MESSAGE_VERDICTS.find(code);
  return verdictError(verdict, `${server} ${verdict.text} (${code})`, ONE_TOPIC);
}

/** Says of the one message under way that the broker's answer to it broke the connection. */
export function judgeBreaking(server: string): DeliveryError {
  return new DeliveryError(
    "output_rejected",
    `${server} refuses the message, and no other with it`,
    ONE_TOPIC,
  );
}

/** Judges an error of the client: one of the system, or a number with which the broker refused the connection. */
export function judgeClientError(error: unknown, server: string): DeliveryError {
  const code = (error as { readonly code?: unknown }).code;
  if (typeof code !== "number") {
    return new DeliveryError("output_unavailable", `${server} cannot be reached: ${errorCode(error)}`);
  }
  const verdict = LOGIN_VERDICTS.find(code);
  return verdictError(verdict, `${server} ${verdict.text} (${code})`);
}

/** Whether an error of a client that is connected can be of what the broker answered to a message. */
export function isOfAnswer(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === undefined;
}

/** Whether a broker that ends a connection so blames a message for it. */
export function blamesMessage(code: number | undefined): boolean {
  return code !== undefined && BLAMES_MESSAGE.has(code);
}

/** Says why a broker has ended a connection. @param code `undefined` where it gave none */
export function judgeEnd(code: number | undefined, server: string): DeliveryError {
  const verdict = END_VERDICTS.find(code ?? "");
  return verdictError(verdict, `${server} ${verdict.text}${code === undefined ? "" : ` (${code})`}`);
}
