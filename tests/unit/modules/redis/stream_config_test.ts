import { assert, assertEquals } from "@std/assert";
import { redisStreamConfigSchema } from "../../../../src/modules/redis/stream/config.ts";

function problemsOf(value: unknown): string {
  return JSON.stringify(redisStreamConfigSchema.safeParse(value).error?.issues ?? []);
}

Deno.test("redis_stream keeps the mark of an event in the slot of its stream, whatever that is called", () => {
  const keysOf = (stream?: string) => {
    const { key, markPrefix, node } = redisStreamConfigSchema.parse({ stream });
    return [key, markPrefix, node];
  };
  assertEquals(keysOf(), ["webhook_events", "cwm:stream:{webhook_events}:", ""]);
  assertEquals(keysOf("shop:orders"), ["shop:orders", "cwm:stream:{shop:orders}:", ""]);
  assertEquals(keysOf("{shop}:orders"), ["{shop}:orders", "cwm:stream:{shop}:", "shop"]);
  assertEquals(keysOf("Größe {a} b"), ["Größe {a} b", "cwm:stream:{a}:", "a"]);
  for (const stream of ["", "a\nb", "{}", "{a", "a}", "{a}{b}", "{{a}}", "}a{", "x".repeat(256)]) {
    assert(problemsOf({ stream }).includes('"stream"'), stream);
  }
});

Deno.test("redis_stream asks Redis for a length and for an existing stream only when it is asked to", () => {
  const commandOf = (settings: object) => redisStreamConfigSchema.parse(settings).command.join(" ");
  assertEquals(commandOf({}), "XADD *");
  assertEquals(commandOf({ maxlen: "1000" }), "XADD MAXLEN ~ 1000 *");
  assertEquals(commandOf({ maxlen: 1, maxlen_exact: true }), "XADD MAXLEN = 1 *");
  assertEquals(commandOf({ create_stream: false, maxlen: 5 }), "XADD NOMKSTREAM MAXLEN ~ 5 *");
  for (const maxlen of [0, -1, 1.5, "~5"]) {
    assert(problemsOf({ maxlen }).includes('"maxlen"'), String(maxlen));
  }
  assert(problemsOf({ maxlen_exact: true }).includes("maxlen_exact"));
});

Deno.test("redis_stream refuses a field that entries have already, and ttls beyond thirty days", () => {
  assert(problemsOf({ field: "event_id" }).includes("field"));
  assertEquals(problemsOf({ field: "event_id", format: "raw" }), "[]");
  assertEquals(problemsOf({ dedup_ttl: 30 * 24 * 60 * 60 }), "[]");
  assert(problemsOf({ dedup_ttl: 30 * 24 * 60 * 60 + 1 }).includes("dedup_ttl"));
});
