import { assertEquals, assertThrows } from "@std/assert";
import { GatewayError } from "../../../../src/errors.ts";
import { decodeEvent, encodeEvent } from "../../../../src/relay/protocol/codec.ts";
import { parseGatewayMessage } from "../../../../src/relay/protocol/schema.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

/** The message as the other side reads it. */
function sent(type: string | undefined) {
  const event = verifiedEvent({ type, headers: { "cwm-event-type": "of the sender" } });
  return JSON.stringify(encodeEvent({ tag: "m-1", event, delivery: 1 }, 1));
}

Deno.test("the type of an event comes along to a connector, and what its sender writes is no type", () => {
  for (const type of ["invoice.paid", undefined]) {
    const message = parseGatewayMessage(sent(type));
    if (message?.type !== "webhook") throw new TypeError("It is an event");
    assertEquals(decodeEvent(message).type, type);
  }
});

Deno.test("a message with a type that no header could carry is none", () => {
  const text = sent("push").replace('"push"', JSON.stringify("pu\r\nsh"));
  assertThrows(() => parseGatewayMessage(text), GatewayError);
});
