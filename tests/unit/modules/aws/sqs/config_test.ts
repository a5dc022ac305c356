import { assertEquals, assertThrows } from "@std/assert";
import { DeliveryError } from "../../../../../src/errors.ts";
import type { Event } from "../../../../../src/event/event.ts";
import { type SqsConfig, sqsConfigSchema } from "../../../../../src/modules/aws/sqs/config.ts";
import { messageOf } from "../../../../../src/modules/aws/sqs/message.ts";
import { verifiedEvent } from "../../../../support/verified_event.ts";

function configOf(input: object): SqsConfig {
  return sqsConfigSchema.parse(input);
}

function problemsOf(input: object): string[] {
  return sqsConfigSchema.safeParse(input).error?.issues.map(({ path, message }) =>
    `${path.join(".")}: ${message}`
  ) ?? [];
}

function groupOf(pattern: string, event: Event): string {
  return configOf({ queue_name: "q.fifo", message_group_id: pattern }).groupId!(event);
}

Deno.test("a queue is named by its name or its URL, which say whether it keeps the order", () => {
  const url = "https://sqs.eu-north-1.amazonaws.com/123456789012/orders-of_all.fifo";
  const { queue, target } = configOf({ queue_url: url });
  assertEquals(queue, { name: "orders-of_all.fifo", url, region: "eu-north-1", isFifo: true });
  assertEquals(target, url);
  assertEquals(configOf({ queue_name: "a--b__c" }).queue.isFifo, false);
  assertEquals(configOf({ queue_name: "x".repeat(75) + ".fifo" }).queue.isFifo, true);
});

Deno.test("URLs of queues name the regions of AWS, and no others", () => {
  const regions = {
    "https://sqs.eu-central-1.amazonaws.com/1/q": "eu-central-1",
    "https://sqs-fips.us-gov-west-1.amazonaws.com/1/q": "us-gov-west-1",
    "https://sqs.cn-north-1.amazonaws.com.cn/1/q": "cn-north-1",
    "https://eu-west-1.queue.amazonaws.com/1/q": "eu-west-1",
    "https://queue.amazonaws.com/1/q": "us-east-1",
    "http://localhost:9324/000000000000/q": undefined,
    "https://sqs.eu-west-1.amazonaws.com.attacker.test/1/q": undefined,
    "https://sqs.eu.west.amazonaws.com/1/q": undefined,
  };
  for (const [queue_url, region] of Object.entries(regions)) {
    assertEquals(configOf({ queue_url }).queue.region, region, queue_url);
  }
});

Deno.test("what cannot be a queue is a problem, and so is what one kind of queue does not know", () => {
  const cases: readonly [input: object, problem: string][] = [
    [{}, "queue_name: Required, unless there is a queue_url"],
    [{ queue_name: "q", queue_url: "http://h/1/q" }, "queue_url: Give queue_name or queue_url, not both"],
    [{ queue_name: "q", delay_seconds: 901 }, "delay_seconds: Too big: expected number to be <=900"],
    [
      { queue_name: "q", message_deduplication_id: "{event_id}" },
      "message_deduplication_id: Only FIFO queues take it, whose names end in .fifo",
    ],
    [
      { queue_name: "q.fifo", delay_seconds: 1 },
      "delay_seconds: FIFO queues delay no single message: set it at the queue",
    ],
    [{ queue_name: "q", message_group_id: "" }, "message_group_id: Must not be empty"],
  ];
  for (const [input, problem] of cases) assertEquals(problemsOf(input), [problem]);
  for (
    const queue_name of [
      "",
      "a b",
      "ä",
      "q.fifo.fifo",
      "x".repeat(81),
      "x".repeat(76) + ".fifo",
      "a/b",
      ".fifo",
    ]
  ) {
    assertEquals(problemsOf({ queue_name }).length, 1, queue_name);
  }
  for (const queue_url of ["q", "ftp://h/1/q", "http://h/1/", "http://h/1/q?a=b", "http://u:p@h/1/q"]) {
    assertEquals(problemsOf({ queue_url }).length, 1, queue_url);
  }
  for (const group of ["a b", "é", "{", "}", "{/a}}", "{nothing}", "x".repeat(129)]) {
    assertEquals(problemsOf({ queue_name: "q", message_group_id: group }).length, 1, group);
  }
});

Deno.test("at most ten attributes come about, none of them named as AWS keeps for itself", () => {
  const problems = (...forward_headers: string[]) => problemsOf({ queue_name: "q", forward_headers }).length;
  assertEquals(problems("a", "b-c", "d_e", "f.g"), 0);
  assertEquals(problems("a", "b", "c", "d", "e"), 1);
  for (const name of ["AWS.x", "amazon.x", "a..b", ".a", "a.", "a~b", "", "x".repeat(257), "ä"]) {
    assertEquals(problems(name) > 0, true, name);
  }
  for (
    const name of ["Authorization", "cookie", "x-hub-signature-256", "host", "cwm-event-id", "x-api-key"]
  ) {
    assertEquals(problems(name), 1, name);
  }
  assertEquals(problems("X-Shop", "x-shop"), 1);
  const headers = Object.fromEntries("abcd".split("").map((name) => [name, "1"]));
  const event = verifiedEvent({ type: "t", body: "\0", headers });
  const config = configOf({ queue_name: "q", forward_headers: Object.keys(headers) });
  const { json } = messageOf(event, config, 0);
  assertEquals(Object.keys(JSON.parse(`{${json}}`).MessageAttributes).length, 10);
});

Deno.test("a value of the payload in a group is one text of ASCII, whatever is in it", () => {
  const of = (value: unknown) => groupOf("a:{/v}", verifiedEvent({ body: JSON.stringify({ v: value }) }));
  assertEquals(of("eu"), "a:eu");
  assertEquals(of("a b/c:é\n"), "a:a%20b%2Fc%3A%C3%A9%0A");
  assertEquals(of("{event_id}"), "a:%7Bevent_id%7D");
  assertEquals(of(true), "a:true");
  assertEquals(of("x".repeat(126)).length, 128);
  for (const unusable of ["x".repeat(127), "é".repeat(22), "", null, {}, [], undefined]) {
    const error = assertThrows(() => of(unusable), DeliveryError);
    assertEquals(error.code, "output_rejected");
    assertEquals(error.message.includes("xxx") || error.message.includes("%C3"), false);
  }
});

Deno.test("numbers stand in a group as the payload writes them", () => {
  assertEquals(
    groupOf("{/v}", verifiedEvent({ body: '{"v":12345678901234567890}' })),
    "12345678901234567890",
  );
});

Deno.test("groups know the event's id, type, namespace and webhook", () => {
  const event = verifiedEvent({ namespace: "shop", webhook: "orders", type: "order.created" });
  assertEquals(
    groupOf("{namespace}|{webhook_id}|{event_type}|{event_id}", event),
    `shop|orders|order.created|${event.id}`,
  );
});

Deno.test("a standard queue gets a group when it is configured, and a delay", () => {
  const event = verifiedEvent();
  const of = (input: object) =>
    JSON.parse(`{${messageOf(event, configOf({ queue_name: "q", ...input }), 0).json}}`);
  const { MessageBody: _, MessageAttributes: __, ...plain } = of({});
  assertEquals(plain, {});
  const { MessageGroupId, MessageDeduplicationId, DelaySeconds } = of({
    message_group_id: "g",
    delay_seconds: "5",
  });
  assertEquals([MessageGroupId, MessageDeduplicationId, DelaySeconds], ["g", undefined, 5]);
});
