import { assertEquals, assertMatch } from "@std/assert";
import type { DeliveryError } from "../../src/errors.ts";
import { awsSqsModule } from "../../src/modules/aws/sqs/aws_sqs.ts";
import { JsonService } from "../../src/modules/aws/json_service.ts";
import { makeUser, motoClient, motoConnection, permit, revoke, sharedMoto } from "../support/aws/moto.ts";
import { QueueDesk } from "../support/aws/queue_desk.ts";
import { codesOf, eventsOf } from "../support/aws/sqs_world.ts";
import { OpenOutput } from "../support/open_output.ts";

const NEVER = new AbortController().signal;
/** In AWS the right to send a message is that to send several; moto asks for one that is named as the action is. */
const SENDER = ["sqs:SendMessage", "sqs:SendMessageBatch", "sqs:GetQueueUrl"];

Deno.test("a server that checks signatures and rights takes events of who may send, and of no other", async () => {
  const place = await sharedMoto();
  using service = new JsonService(motoClient(place, "sqs"), { target: "AmazonSQS", version: "1.0" });
  const names = [QueueDesk.name(), QueueDesk.name(".fifo")];
  for (const QueueName of names) {
    const Attributes = QueueName.endsWith(".fifo") ? { FifoQueue: "true" } : {};
    await service.call("CreateQueue", { QueueName, Attributes }, NEVER);
  }
  const name = `sender-${crypto.randomUUID()}`;
  const user = await makeUser(place, name, { Action: SENDER, Resource: "*" });
  await using output = await OpenOutput.open(awsSqsModule, motoConnection(place, user));
  const attempt = async (open: OpenOutput, queue_name: string) => {
    const results = await open.deliver(eventsOf(3), { queue_name });
    return { codes: new Set(codesOf(results)), message: (results[0] as DeliveryError).message };
  };
  for (const queue_name of names) {
    const { codes, message } = await attempt(output, queue_name);
    assertEquals(codes, new Set(["delivered"]), message);
  }

  await permit(place, name, { Action: ["sqs:GetQueueUrl"], Resource: "*" });
  const denied = await attempt(output, names[0]!);
  assertEquals(denied.codes, new Set(["output_unavailable"]));
  assertMatch(
    denied.message,
    /does not permit it to the credentials of the connection: sqs:SendMessage at queue/,
  );
  await permit(place, name, { Action: SENDER, Resource: "*" });
  assertEquals((await attempt(output, names[0]!)).codes, new Set(["delivered"]));

  const wrong = { ...user, aws_secret_access_key: `${user.aws_secret_access_key}x` };
  await using stranger = await OpenOutput.open(awsSqsModule, motoConnection(place, wrong));
  const refused = await attempt(stranger, names[0]!);
  assertEquals(refused.codes, new Set(["output_unavailable"]));
  assertMatch(refused.message, /does not take the credentials of the connection/);

  await revoke(place, name, user);
  const revoked = await attempt(output, names[0]!);
  assertEquals(revoked.codes, new Set(["output_unavailable"]));
  assertMatch(revoked.message, /does not take the credentials of the connection/);
});
