import { assertEquals } from "@std/assert";
import { RefusalHistory, type RefusedRequest } from "../../../src/http/refusal_history.ts";

function refused(requestId: string): RefusedRequest {
  return { at: 0, code: "unauthorized", reason: "No reason", client: "192.0.2.1", requestId };
}

Deno.test("the history keeps the last 20 refusals of a webhook, the newest first", () => {
  const history = new RefusalHistory();
  for (let index = 0; index < 50; index++) history.add("default/a", refused(String(index)));
  const expected = Array.from({ length: 20 }, (_, index) => String(49 - index));
  assertEquals(history.of("default/a").map(({ requestId }) => requestId), expected);
  assertEquals(history.of("default/b"), []);
});

Deno.test("the history keeps 1,000 webhooks, those that refused something last", () => {
  const history = new RefusalHistory();
  for (let index = 0; index < 1_000; index++) history.add(`default/${index}`, refused("x"));
  history.add("default/0", refused("y"));
  history.add("default/new", refused("z"));
  assertEquals(history.of("default/0").length, 2);
  assertEquals(history.of("default/1"), []);
  assertEquals(history.of("default/2").length, 1);
  assertEquals(history.of("default/new").length, 1);
});

Deno.test("the history forgets a webhook that is gone", () => {
  const history = new RefusalHistory();
  history.add("default/a", refused("x"));
  history.forget("default/a");
  assertEquals(history.of("default/a"), []);
});
