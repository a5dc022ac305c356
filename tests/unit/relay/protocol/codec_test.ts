import { assert, assertEquals, assertThrows } from "@std/assert";
import { GatewayError } from "../../../../src/errors.ts";
import { encodeBatches } from "../../../../src/relay/protocol/batches.ts";
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

/** What a message of a gateway may be instead of what it is, one field each. */
const CHANGES: readonly Readonly<Record<string, unknown>>[] = [
  ...["", 5, null].flatMap((value) => [{ message_id: value }, { event_id: value }, { webhook_id: value }]),
  { namespace: 5 },
  { sequence: "1" },
  { delivery: null },
  { timestamp: "yesterday" },
  { timestamp: "2026-13-41T99:99:99.000Z" },
  { headers: null },
  { headers: ["a"] },
  { headers: { a: 1 } },
  { body: 5 },
  { body: undefined, body_base64: "%%" },
];

Deno.test("what is no event is refused in a batch as it is alone", () => {
  const whole = JSON.parse(sent("push"));
  const batch = (...webhooks: unknown[]) => JSON.stringify({ type: "webhooks", webhooks });
  assertEquals(parseGatewayMessage(batch(whole, whole)), { type: "webhooks", webhooks: [whole, whole] });
  for (const change of CHANGES) {
    const broken = { ...whole, ...change };
    assertThrows(() => parseGatewayMessage(JSON.stringify(broken)), GatewayError);
    assertThrows(() => parseGatewayMessage(batch(whole, broken)), GatewayError);
  }
  assertThrows(() => parseGatewayMessage('{"type":"webhooks"}'), GatewayError);
});

Deno.test("a batch holds bodies of bytes beside those of text", () => {
  const event = verifiedEvent({ body: new Uint8Array([0xff, 0xfe]) });
  const messages = [1, 2].map((sequence) =>
    encodeEvent({ tag: `m-${sequence}`, event, delivery: 1 }, sequence)
  );
  const [batch, ...more] = encodeBatches([...messages, JSON.parse(sent(undefined))]);
  assertEquals([more.length, batch?.sequence], [0, 1]);
  const read = parseGatewayMessage(batch!.text);
  assert(read?.type === "webhooks");
  const bodies = read.webhooks.map((one) => decodeEvent(one).body.bytes);
  assertEquals(bodies.slice(0, 2), [event.body.bytes, event.body.bytes]);
  assertEquals(bodies[2], verifiedEvent().body.bytes);
});
