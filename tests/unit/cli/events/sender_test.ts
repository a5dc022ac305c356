import { assert, assertEquals } from "@std/assert";
import { sendEvent } from "../../../../src/cli/events/sender.ts";
import { parseHttpAddress } from "../../../../src/schema/addresses.ts";
import { HttpTarget } from "../../../support/http/target.ts";

const ROW = {
  id: "an-id",
  namespace: "default",
  webhook: "orders",
  state: "delivered",
  received_at: "2026-01-31T12:00:00.000Z",
  bytes: 2,
  body: "{}",
  cursor: "o1-1",
} as const;

Deno.test("an event of a replay is not sent again before Retry-After of its target allows it", async () => {
  await using target = await HttpTarget.start();
  target.answerNext({ status: 429, headers: { "retry-after": "1" } });
  const address = parseHttpAddress(`${target.url}/in`);
  assert(typeof address === "object");
  const begunAt = performance.now();
  assertEquals(await sendEvent(address, ROW, new AbortController().signal), undefined);
  assert(performance.now() - begunAt >= 1_000, "the pause that was asked for is kept");
  assertEquals(target.requests.length, 2);
});
