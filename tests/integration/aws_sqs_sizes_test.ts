import { assertEquals, assertStringIncludes } from "@std/assert";
import { refusalOf } from "../support/aws/service_front.ts";
import { codesOf, eventsOf, openSqs, type SqsWorld } from "../support/aws/sqs_world.ts";
import { verifiedEvent } from "../support/verified_event.ts";

Deno.test("a message larger than its queue takes, attributes included, is a dead letter, alone", async () => {
  await using world = await openSqs({ MaximumMessageSize: "2048" });
  const [empty] = await sizesOf(world, "");
  const fits = "ü".repeat((2048 - empty!) / 2) + "x".repeat((2048 - empty!) % 2);
  const all = eventsOf(3, (index) => index === 1 ? `${fits}x` : fits);
  const results = await world.output.deliver(all, world.config);
  assertEquals(codesOf(results), ["delivered", "output_rejected", "delivered"]);
  assertStringIncludes((results[1] as Error).message, "2049 bytes with its attributes");
  assertEquals((await world.take()).length, 3);
});

/** How many bytes a message with this body counts. */
async function sizesOf(world: SqsWorld, body: string): Promise<number[]> {
  await world.output.deliver([verifiedEvent({ body: `x${body}` })], world.config);
  const { Entries } = JSON.parse(world.front.requests.at(-1)!.body.toString());
  return Entries.map((
    { MessageAttributes }: { MessageAttributes: Record<string, { StringValue: string }> },
  ) =>
    Object.entries(MessageAttributes).reduce(
      (sum, [name, { StringValue }]) => sum + name.length + "String".length + StringValue.length,
      0,
    )
  );
}

Deno.test("without the right to know its size, a queue is sent what SQS may take", async () => {
  await using world = await openSqs({ MaximumMessageSize: "1024" });
  world.front.answer = ({ action }) =>
    action === "GetQueueAttributes" ? refusalOf("AccessDenied", 403) : undefined;
  const all = eventsOf(3, (index) => "x".repeat(index === 1 ? 1024 : 10));
  assertEquals(codesOf(await world.output.deliver(all, world.config)), [
    "delivered",
    "output_rejected",
    "delivered",
  ]);
});

Deno.test("a queue that takes larger messages than before gets them", async () => {
  await using world = await openSqs({ MaximumMessageSize: "1024" });
  const [event] = eventsOf(1, () => "x".repeat(1024));
  assertEquals(codesOf(await world.output.deliver([event!], world.config)), ["output_rejected"]);
  await world.desk.change(world.url, { MaximumMessageSize: "4096" });
  assertEquals(codesOf(await world.output.deliver([event!], world.config)), ["delivered"]);
});
