import { assertEquals, assertInstanceOf } from "@std/assert";
import { targetSchema } from "../../../../src/connector/config_schema.ts";
import { HttpDeliverer } from "../../../../src/connector/deliverers/http.ts";
import { DeliveryError } from "../../../../src/errors.ts";
import { HttpTarget } from "../../../support/http/target.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

/** How long the channel is asked to keep an event that a target refuses with this `Retry-After`. */
async function asked(retryAfter: string): Promise<number | undefined> {
  await using target = await HttpTarget.start();
  target.answer({ status: 429, headers: { "retry-after": retryAfter } });
  const config = targetSchema.parse({ url: target.url, retry_max_attempts: 2, retry_delay_seconds: 0.1 });
  await using deliverer = new HttpDeliverer(new Map(), config, undefined);
  const relayed = { messageId: "1", delivery: 1 };
  const result = await deliverer.deliver(verifiedEvent(), relayed, new AbortController().signal);
  assertInstanceOf(result, DeliveryError);
  return result.retryAfterSeconds;
}

Deno.test("a connector's target is given the time that it asks for, with a fraction rounded up", async () => {
  assertEquals(await asked("32.5"), 33);
  assertEquals(await asked("Sunday, 06-Nov-94 08:49:37 GMT"), 0);
});

Deno.test("a Retry-After of a connector's target that is no time is ignored", async () => {
  for (const value of ["-1", "+32", "32s", "2026-01-02T03:04:05Z"]) {
    assertEquals(await asked(value), undefined, value);
  }
});

Deno.test("a connector's target gets the sender's credentials and signatures, and no forged headers", async () => {
  await using target = await HttpTarget.start();
  const config = targetSchema.parse({ url: target.url, headers: { "X-Site": "berlin" } });
  await using deliverer = new HttpDeliverer(new Map(), config, undefined);
  const event = verifiedEvent({
    headers: {
      authorization: "Bearer sent",
      "x-hub-signature-256": "sha256=sent",
      "cwm_event_id": "forged",
      "cwm.webhook": "forged",
      "x_webhook_id": "forged",
      "x_site": "forged",
      "content_length": "1",
      "x-forwarded-client-cert": "By=spiffe://mesh/gateway;Hash=1",
    },
  });
  const result = await deliverer.deliver(
    event,
    { messageId: "1", delivery: 1 },
    new AbortController().signal,
  );
  assertEquals(result, "delivered");
  const { headers } = target.requests[0]!;
  assertEquals(headers.get("authorization"), "Bearer sent");
  assertEquals(headers.get("x-hub-signature-256"), "sha256=sent");
  assertEquals([headers.get("cwm-event-id"), headers.get("x-webhook-id")], [event.id, "orders"]);
  assertEquals([...headers.keys()].filter((name) => /[_.]/.test(name) || name.includes("cert")), []);
});

Deno.test("a connector gives up a target that sends interim answers without end", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = answerWithoutEnd(listener);
  const config = targetSchema.parse({ url: `http://127.0.0.1:${listener.addr.port}`, retry_enabled: false });
  await using deliverer = new HttpDeliverer(new Map(), config, undefined);
  const relayed = { messageId: "1", delivery: 1 };
  const result = await deliverer.deliver(verifiedEvent(), relayed, new AbortController().signal);
  assertInstanceOf(result, DeliveryError);
  assertEquals(result.code, "output_failed");
  await answering;
});

/** Takes one connection, and resolves when the other side has closed it. */
async function answerWithoutEnd(listener: Deno.Listener): Promise<void> {
  using connection = await listener.accept();
  await connection.read(new Uint8Array(64 * 1024));
  const interim = new TextEncoder().encode("HTTP/1.1 102 Processing\r\n\r\n");
  try {
    while (true) await connection.write(interim);
  } catch {
    // The connector has closed the connection.
  }
}
