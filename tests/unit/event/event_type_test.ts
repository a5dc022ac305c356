import { assert, assertEquals } from "@std/assert";
import { EventBody } from "../../../src/event/event.ts";
import {
  eventPatternsSchema,
  eventTypeAt,
  eventTypeIn,
  eventTypeMatcher,
} from "../../../src/event/event_type.ts";

Deno.test("a pattern takes the type that it names, and stars take any characters", () => {
  const takes = eventTypeMatcher(["push", "invoice.*", "*.failed", "a*b*c", "Push Hook"]);
  for (
    const type of [
      "push",
      "invoice.paid",
      "invoice.",
      "charge.failed",
      ".failed",
      "abc",
      "a-bb-c",
      "Push Hook",
    ]
  ) {
    assert(takes(type), type);
  }
  for (
    const type of ["pushed", "Push", "invoice", "xinvoice.paid", "failed", "ab", "ac", "abcd", undefined]
  ) {
    assert(!takes(type), type);
  }
  assert(!eventTypeMatcher(["a*a"])("a"), "what two pieces share counts once");
  assert(!eventTypeMatcher(["a.b"])("axb"), "a dot is a dot");
});

Deno.test("only a star alone stands for events without a type, too", () => {
  assert(eventTypeMatcher(["push", "*"])(undefined));
  assert(!eventTypeMatcher(["**.x", "p*"])(undefined));
});

Deno.test("a pattern with many stars is matched in a time that does not grow with their powers", () => {
  const takes = eventTypeMatcher(["*a".repeat(100)]);
  assert(!takes("a".repeat(99) + "b"));
});

Deno.test("a type is a text that every header can carry", () => {
  for (const text of ["push", "Push Hook", "zen:event-type:ticket.created", "1", "a".repeat(200)]) {
    assertEquals(eventTypeIn(text), text);
  }
  for (
    const text of ["", " push", "push ", "a\r\nb", "a\tb", "grün", "\u0000", "a".repeat(201), null, undefined]
  ) {
    assertEquals(eventTypeIn(text), undefined);
  }
});

Deno.test("a type is found at the first place that has one", () => {
  const find = eventTypeAt(["X-Event", "/event/type", "/type"]);
  const headers = new Headers({ "x-event": "in the header" });
  const none = new Headers();
  const body = EventBody.fromText('{"type":"outer","event":{"type":"inner"}}');
  assertEquals(find(headers, body), "in the header");
  assertEquals(find(none, body), "inner");
  assertEquals(find(none, EventBody.fromText('{"event":{"type":null},"type":1}')), "1");
  assertEquals(find(none, EventBody.fromText('{"type":{"a":1}}')), undefined);
  assertEquals(find(none, EventBody.fromBytes(Uint8Array.of(0xff, 0x00))), undefined);
});

Deno.test("a list of patterns names one at least, and none that no type could match", () => {
  for (const wrong of [[], [""], ["a\nb"], "push", [1], Array(101).fill("push"), ["a".repeat(201)]]) {
    assert(!eventPatternsSchema.safeParse(wrong).success, JSON.stringify(wrong).slice(0, 40));
  }
  assert(eventPatternsSchema.safeParse(["push", "*"]).success);
});
