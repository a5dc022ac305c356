import { assertEquals } from "@std/assert";
import { activemqModule } from "../../../../src/modules/activemq/activemq.ts";
import { activemqConfigSchema } from "../../../../src/modules/activemq/config.ts";
import { activemqConnectionSchema } from "../../../../src/modules/activemq/connection.ts";

function problemsOf(
  schema: typeof activemqConfigSchema | typeof activemqConnectionSchema,
  input: unknown,
): string[] {
  return schema.safeParse(input).error?.issues.map(({ path }) => path.join(".")) ?? [];
}

Deno.test("activemq takes destinations that mean one queue or topic, and no others", () => {
  const good = {
    "orders": "/queue/orders",
    "Consumer.A.VirtualTopic.Orders_1:x-y": "/queue/Consumer.A.VirtualTopic.Orders_1:x-y",
    "/queue/orders": "/queue/orders",
    "/topic/orders": "/topic/orders",
  };
  for (const [destination, expected] of Object.entries(good)) {
    assertEquals(activemqConfigSchema.parse({ destination }).destination, expected);
  }
  const bad = [
    ...[
      "",
      "/queue/",
      "a,b",
      "a>",
      "*",
      "a?consumer.prefetchSize=1",
      "/temp-queue/a",
      "/queue//a",
      "queue://a",
    ],
    ...["a b", "a\nb", "a\0", "é", "{/order/id}", "x".repeat(256), "ActiveMQ.Advisory.Queue", "activemq.DLQ"],
  ];
  for (const destination of bad) {
    assertEquals(problemsOf(activemqConfigSchema, { destination }), ["destination"]);
  }
  const contrary = { destination: "/queue/a", destination_type: "topic" };
  assertEquals(problemsOf(activemqConfigSchema, contrary), ["destination_type"]);
});

Deno.test("activemq sends JSON as text and other bodies as bytes, unless the webhook says which", () => {
  const typeFor = (config: object, dataType: "json" | "blob") =>
    activemqModule.forWebhook!(activemqConfigSchema.parse({ destination: "a", ...config }), { dataType })
      .messageType;
  assertEquals([typeFor({}, "json"), typeFor({}, "blob")], ["text", "bytes"]);
  assertEquals(typeFor({ message_type: "bytes" }, "json"), "bytes");
  assertEquals(typeFor({ message_type: "text" }, "blob"), "text");
});

Deno.test("activemq reads connections of the Python service, with empty texts and numbers as texts", () => {
  const place = ({ host, port, user, password, tls }: ReturnType<typeof activemqConnectionSchema.parse>) =>
    [host, port, user, password, tls !== undefined] as const;
  const of = (input: object) => place(activemqConnectionSchema.parse(input));
  assertEquals(of({}), ["localhost", 61613, undefined, undefined, false]);
  assertEquals(of({ port: "61700", user: "", password: "" }), [
    "localhost",
    61700,
    undefined,
    undefined,
    false,
  ]);
  assertEquals(of({ username: "farmer", password: "p:w" }), ["localhost", 61613, "farmer", "p:w", false]);
  assertEquals(of({ host: "[::1]", use_ssl: "True" }), ["::1", 61614, undefined, undefined, true]);
  assertEquals(of({ tls: {}, use_ssl: true }), ["localhost", 61614, undefined, undefined, true]);
});

Deno.test("activemq refuses connections that contradict themselves or cannot be written in a frame", () => {
  const cases: readonly [input: object, key: string][] = [
    [{ user: "a", username: "b" }, "username"],
    [{ password: "s3cret" }, "user"],
    [{ user: "a\nreceipt:1", password: "s3cret" }, "user"],
    [{ user: "a", password: "s3\ncret" }, "password"],
    [{ tls: {}, use_ssl: false }, "use_ssl"],
    [{ host: "stomp://a" }, "host"],
  ];
  for (const [input, key] of cases) assertEquals(problemsOf(activemqConnectionSchema, input), [key]);
});
