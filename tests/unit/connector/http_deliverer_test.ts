import { assertEquals, assertInstanceOf } from "@std/assert";
import { targetSchema } from "../../../src/connector/config_schema.ts";
import { HttpDeliverer } from "../../../src/connector/http_deliverer.ts";
import { DeliveryError } from "../../../src/errors.ts";
import { HttpTarget } from "../../support/http_target.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

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
