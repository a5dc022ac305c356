import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { DeliveryError } from "../../src/errors.ts";
import { awsSqsModule } from "../../src/modules/aws/sqs/aws_sqs.ts";
import { bodyOf, eventIdOf, QueueDesk } from "../support/aws/queue_desk.ts";
import { type FrontRequest, refusalOf } from "../support/aws/service_front.ts";
import { codesOf, eventsOf, KEYS, openSqs } from "../support/aws/sqs_world.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const SEND = "SendMessageBatch";

function isPoisoned({ action, body }: FrontRequest): boolean {
  return action === SEND && body.includes("poison");
}

Deno.test("a message has the body as it was received, and attributes that name the event", async () => {
  await using world = await openSqs();
  const event = verifiedEvent({
    body: '{ "price": 1.50, "name": "Zoë" }\r\n',
    type: "order.created",
    headers: { "x-shop": "one", "x-empty": "", "x-other": "no", "content-type": "application/json" },
  });
  const config = { ...world.config, forward_headers: ["X-Shop", "x-empty", "x-missing"] };
  assertEquals(await world.output.deliver([event], config), ["delivered"]);
  const [message] = await world.take();
  assertEquals(message!.body, event.body.text);
  assertEquals(message!.attributes, {
    "cwm-event-id": event.id,
    "cwm-namespace": "default",
    "cwm-webhook": "orders",
    "cwm-received-at": "2026-01-02T03:04:05.678Z",
    "cwm-event-type": "order.created",
    "x-shop": "one",
  });
});

Deno.test("a body with characters that SQS does not take goes in Base64, and an attribute says so", async () => {
  await using world = await openSqs();
  const taken = ["\ufeff{}", '"\t\n\r\u0085\ud7ff\ue000\ufffd"'];
  const encoded = [
    new Uint8Array(),
    new Uint8Array([0xff, 0xfe]),
    "a\u0000b",
    "\u001f",
    "\u000b",
    "\ufffe",
    "\uffff",
  ];
  const all = [...taken, ...encoded].map((body) => verifiedEvent({ body: body as string }));
  assertEquals(
    new Set(codesOf(await world.output.deliver(all.slice(0, 5), world.config))),
    new Set(["delivered"]),
  );
  assertEquals(
    new Set(codesOf(await world.output.deliver(all.slice(5), world.config))),
    new Set(["delivered"]),
  );
  const messages = new Map((await world.take()).map((message) => [eventIdOf(message), message]));
  for (const [index, event] of all.entries()) {
    const message = messages.get(event.id)!;
    assertEquals(bodyOf(message), event.body.bytes);
    assertEquals(message.attributes["cwm-body-encoding"], index < taken.length ? undefined : "base64");
  }
});

Deno.test("characters that a server does not take, though SQS does, are sent again in Base64", async () => {
  await using world = await openSqs();
  const all = eventsOf(3, (index) => index === 1 ? '"🎉"' : '"plain"');
  assertEquals(codesOf(await world.output.deliver(all, world.config)), Array(3).fill("delivered"));
  const messages = await world.take();
  assertEquals(messages.map(eventIdOf).sort(), all.map(({ id }) => id).sort());
  const message = messages.find((message) => eventIdOf(message) === all[1]!.id)!;
  assertEquals(bodyOf(message), all[1]!.body.bytes);
});

Deno.test("messages go in batches that SQS takes, and the queue is asked once how large they may be", async () => {
  await using world = await openSqs();
  const all = eventsOf(10);
  const sent = [all, eventsOf(10), eventsOf(4)].map((some) => world.output.deliver(some, world.config));
  for (const results of await Promise.all(sent)) assert(results.every((result) => result === "delivered"));
  assertEquals(world.front.count(SEND), 3);
  assertEquals(world.front.count("GetQueueAttributes"), 1);
  assertEquals(world.front.count("GetQueueUrl"), 1);
  assertEquals((await world.take()).length, 24);
  const large = eventsOf(4, () => `"${"ü".repeat(150_000)}"`);
  assertEquals(codesOf(await world.output.deliver(large, world.config)), Array(4).fill("delivered"));
  assertEquals(world.front.count(SEND), 5);
});

Deno.test("a batch that is refused as a whole is sent in parts before one event is rejected", async () => {
  for (const code of ["InvalidParameterValue", "BatchRequestTooLong", "SomethingNew", undefined]) {
    await using world = await openSqs();
    world.front.answer = (request) => {
      if (!isPoisoned(request)) return undefined;
      return code === undefined ? { status: 413, body: "<html>" } : refusalOf(code);
    };
    const all = eventsOf(10, (index) => index === 3 ? '"poison"' : `${index}`);
    const results = await world.output.deliver(all, world.config);
    const expected = code === "SomethingNew" ? "output_failed" : "output_rejected";
    assertEquals(codesOf(results), all.map((_, index) => index === 3 ? expected : "delivered"));
    const arrived = (await world.take()).map(eventIdOf);
    assertEquals(arrived.toSorted(), all.filter((_, index) => index !== 3).map(({ id }) => id).toSorted());
  }
});

Deno.test("only what SQS lists as stored, with the digest of its body, is delivered", async () => {
  await using world = await openSqs();
  world.front.change = (document, { action }) => {
    const { Successful = [] } = document as { Successful?: Record<string, unknown>[] };
    if (action !== SEND) return document;
    const [first, second, third, , ...others] = Successful;
    const failed = { Id: "2", Code: "InternalError", SenderFault: false };
    const refused = { Id: third!["Id"] === "2" ? "4" : "", Code: "SomethingNew", SenderFault: true };
    const changed = { ...second, MD5OfMessageBody: "d41d8cd98f00b204e9800998ecf8427e" };
    return { Successful: [...others.slice(1), changed, first].reverse(), Failed: [refused, failed] };
  };
  const results = await world.output.deliver(eventsOf(6), world.config);
  assertEquals(codesOf(results), [
    "delivered",
    "output_failed",
    "output_failed",
    "output_failed",
    "output_rejected",
    "delivered",
  ]);
  assertStringIncludes((results[1] as Error).message, "another body");
  assertStringIncludes((results[3] as Error).message, "does not say whether it has the message");
  world.front.answer = () => ({ status: 200, body: "<html>Please log in</html>" });
  assertEquals(codesOf(await world.output.deliver(eventsOf(1), world.config)), ["output_failed"]);
});

Deno.test("what SQS answers decides whether an event is tried again, and whether all of them wait", async () => {
  await using world = await openSqs();
  const answers: readonly [code: string, status: number, expected: string, isPartial: boolean][] = [
    ["QueueDoesNotExist", 400, "output_unavailable", true],
    ["AWS.SimpleQueueService.NonExistentQueue", 400, "output_unavailable", true],
    ["AccessDeniedException", 400, "output_unavailable", true],
    ["KmsDisabled", 400, "output_unavailable", true],
    ["KMS.DisabledException", 400, "output_unavailable", true],
    ["InvalidClientTokenId", 403, "output_unavailable", false],
    ["InvalidSecurity", 403, "output_unavailable", false],
    ["ExpiredToken", 403, "output_unavailable", false],
    ["SignatureDoesNotMatch", 403, "output_unavailable", false],
    ["RequestThrottled", 400, "output_throttled", false],
    ["ThrottlingException", 400, "output_throttled", false],
    ["OverLimit", 403, "output_throttled", false],
    ["InternalError", 500, "output_failed", false],
    ["ServiceUnavailable", 503, "output_failed", false],
    ["", 502, "output_failed", false],
  ];
  assertEquals(codesOf(await world.output.deliver(eventsOf(1), world.config)), ["delivered"]);
  for (const [code, status, expected, isPartial] of answers) {
    world.front.answer = ({ action }) =>
      action !== SEND ? undefined : code === "" ? { status, body: "<html>" } : refusalOf(code, status);
    const results = await world.output.deliver(eventsOf(3), world.config);
    assertEquals(codesOf(results), Array(3).fill(expected), code);
    const [{ isPartial: found, message }] = results as [DeliveryError];
    assertEquals(found, isPartial, code);
    assertMatch(message, /^SQS at 127\.0\.0\.1:\d+ .*queue 'q-/);
  }
});

Deno.test("a FIFO queue stores an event once, in the group of its webhook, however often it is sent", async () => {
  await using world = await openSqs({}, ".fifo");
  const all = [verifiedEvent({ webhook: "a" }), verifiedEvent({ webhook: "b" })];
  for (let time = 0; time < 3; time++) {
    assertEquals(codesOf(await world.output.deliver(all, world.config)), ["delivered", "delivered"]);
  }
  const messages = (await world.take()).toSorted((one, other) => one.group!.localeCompare(other.group!));
  assertEquals(messages.map(({ group, deduplication }) => [group, deduplication]), [
    ["default/a", all[0]!.id],
    ["default/b", all[1]!.id],
  ]);
});

Deno.test("groups come from the payload, and steps with other groups do not pass for repetitions", async () => {
  await using world = await openSqs({}, ".fifo");
  const event = verifiedEvent({ body: '{"customer":"Zoë & Co/1"}' });
  const grouped = { ...world.config, message_group_id: "c-{/customer}" };
  const named = { ...world.config, message_deduplication_id: "{webhook_id}:{/customer}" };
  for (const config of [world.config, grouped, grouped, named]) {
    assertEquals(codesOf(await world.output.deliver([event], config)), ["delivered"]);
  }
  const messages = await world.take();
  assertEquals(messages.map(({ group }) => group).sort(), [
    "c-Zo%C3%AB%20%26%20Co%2F1",
    "default/orders",
    "default/orders",
  ]);
  assertEquals(new Set(messages.map(({ deduplication }) => deduplication)).size, 3);
});

Deno.test("nothing passes an event of a FIFO queue that has to be tried again", async () => {
  await using world = await openSqs({}, ".fifo");
  // Each is too large for another one beside it.
  const all = eventsOf(3, (index) => `"${index === 1 ? "poison" : ""}${"x".repeat(600_000)}"`);
  world.front.answer = (request) => isPoisoned(request) ? refusalOf("SomethingNew") : undefined;
  const results = await world.output.deliver(all, world.config);
  assertEquals(codesOf(results), ["delivered", "output_failed", "output_failed"]);
  assertStringIncludes((results[2] as Error).message, "one before it has to come first");
  world.front.answer = (request) => isPoisoned(request) ? refusalOf("InvalidParameterValue") : undefined;
  assertEquals(codesOf(await world.output.deliver(all, world.config)), [
    "delivered",
    "output_rejected",
    "delivered",
  ]);
  assertEquals((await world.take()).map(eventIdOf), [all[0]!.id, all[2]!.id]);
});

Deno.test("the URL of a queue spares the question for it, and one of AWS names the region", async () => {
  await using world = await openSqs();
  await using northern = new QueueDesk(world.port, "eu-north-1");
  await northern.make(world.name);
  const aws = `https://sqs.eu-north-1.amazonaws.com/000000000000/${world.name}`;
  for (const [queue_url, region] of [[world.url, "us-east-1"], [aws, "eu-north-1"]]) {
    world.front.requests.length = 0;
    assertEquals(codesOf(await world.output.deliver(eventsOf(1), { queue_url })), ["delivered"]);
    assertEquals(world.front.requests.map(({ action, region }) => [action, region]), [
      ["GetQueueAttributes", region],
      [SEND, region],
    ]);
  }
  await using elsewhere = await OpenOutput.open(awsSqsModule, KEYS);
  const [result] = await elsewhere.deliver(eventsOf(1), { queue_url: world.url });
  assertStringIncludes((result as Error).message, "set endpoint_url of the connection");
});
