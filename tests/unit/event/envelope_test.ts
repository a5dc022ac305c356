import { assertEquals, assertThrows } from "@std/assert";
import { DeliveryError } from "../../../src/errors.ts";
import { envelopeOf } from "../../../src/event/envelope.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

const RECEIVED_AT = Date.UTC(2026, 0, 31, 12);

const event = (body: string | Uint8Array<ArrayBuffer>) =>
  verifiedEvent({ id: "e-1", namespace: "default", webhook: "orders", receivedAt: RECEIVED_AT, body });

Deno.test("an envelope holds what the event is called, its headers, and its JSON digit by digit", () => {
  assertEquals(
    envelopeOf(event('{"id":1.00,"id":12345678901234567890}'), '{"a":"b"}', "json"),
    '{"event_id":"e-1","namespace":"default","webhook":"orders","received_at":"2026-01-31T12:00:00.000Z",' +
      '"headers":{"a":"b"},"payload":{"id":1.00,"id":12345678901234567890}}',
  );
});

Deno.test("an envelope holds any body in base64", () => {
  const envelope = JSON.parse(envelopeOf(event(Uint8Array.of(0, 255)), "{}", "base64"));
  assertEquals(envelope.body_base64, "AP8=");
  assertEquals(envelope.payload, undefined);
});

Deno.test("an envelope is JSON whatever the event is called", () => {
  const odd = verifiedEvent({ id: 'a"b', namespace: "c\\d", webhook: "e\nf", body: "1" });
  const { event_id, namespace, webhook, payload } = JSON.parse(envelopeOf(odd, "{}", "json"));
  assertEquals([event_id, namespace, webhook, payload], ['a"b', "c\\d", "e\nf", 1]);
});

Deno.test("a body that is not JSON is rejected where it should stand in an envelope as JSON", () => {
  const error = assertThrows(() => envelopeOf(event("{"), "{}", "json"), DeliveryError);
  assertEquals(error.code, "output_rejected");
});
