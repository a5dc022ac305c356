/** What tests do at streams and buses of moto past everything that is tested: make them, and look what has arrived. */

import { JsonService, objectsIn } from "../../../src/modules/aws/json_service.ts";
import { motoClient, type MotoPlace } from "./moto.ts";

const NEVER = new AbortController().signal;

/** What was read is not seen again in half a day. */
const KEPT = { VisibilityTimeout: "43200" };

/** An event as the destination got it. */
export interface FoundRecord {
  readonly id: string;
  readonly body: Uint8Array;
  /** What stands around the document. */
  readonly around: Readonly<Record<string, unknown>>;
}

/** A place for records of one test. */
export interface RecordDesk extends Disposable {
  readonly name: string;
  /** What has arrived so far. */
  read(): Promise<readonly FoundRecord[]>;
}

async function ask(service: JsonService, action: string, document: Record<string, unknown>) {
  const { answer, refusal } = await service.call(action, document, NEVER);
  if (refusal !== undefined) throw new Error(`moto refused ${action}: ${refusal.code}`);
  return answer;
}

function readEnvelope(
  envelope: Readonly<Record<string, unknown>>,
  around: Readonly<Record<string, unknown>>,
) {
  const body = Uint8Array.fromBase64(String(envelope["body_base64"]));
  return { id: String(envelope["event_id"]), body, around };
}

/** Makes a stream of one shard. */
export async function makeStream(place: MotoPlace): Promise<RecordDesk> {
  const service = new JsonService(motoClient(place, "kinesis"), {
    target: "Kinesis_20131202",
    version: "1.1",
  });
  const name = `s-${crypto.randomUUID()}`;
  await ask(service, "CreateStream", { StreamName: name, ShardCount: 1 });
  const { Shards } = await ask(service, "ListShards", { StreamName: name });
  const [{ ShardId }] = Shards as [{ ShardId: string }];
  return {
    name,
    read: async () => {
      const where = { StreamName: name, ShardId, ShardIteratorType: "TRIM_HORIZON" };
      const { ShardIterator } = await ask(service, "GetShardIterator", where);
      const answer = await ask(service, "GetRecords", { ShardIterator, Limit: 10_000 });
      return objectsIn(answer, "Records").map(({ Data, ...around }) =>
        readEnvelope(JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(String(Data)))), around)
      );
    },
    [Symbol.dispose]: () => service[Symbol.dispose](),
  };
}

/** Makes a bus with a rule that has all events in a queue. */
export async function makeBus(place: MotoPlace): Promise<RecordDesk> {
  const events = new JsonService(motoClient(place, "events"), { target: "AWSEvents", version: "1.1" });
  const queues = new JsonService(motoClient(place, "sqs"), { target: "AmazonSQS", version: "1.0" });
  const name = `b-${crypto.randomUUID()}`;
  const { QueueUrl } = await ask(queues, "CreateQueue", { QueueName: name, Attributes: KEPT });
  const { Attributes } = await ask(queues, "GetQueueAttributes", { QueueUrl, AttributeNames: ["QueueArn"] });
  const { QueueArn: Arn } = Attributes as { readonly QueueArn: string };
  await ask(events, "CreateEventBus", { Name: name });
  const EventPattern = JSON.stringify({ account: [{ prefix: "" }] });
  await ask(events, "PutRule", { Name: name, EventBusName: name, EventPattern });
  await ask(events, "PutTargets", { Rule: name, EventBusName: name, Targets: [{ Id: "queue", Arn }] });
  const found: FoundRecord[] = [];
  return {
    name,
    read: async () => {
      for (;;) {
        const answer = await ask(queues, "ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 10 });
        const messages = objectsIn(answer, "Messages");
        if (messages.length === 0) return found;
        for (const { Body } of messages) {
          const { detail, ...around } = JSON.parse(String(Body));
          found.push(readEnvelope(detail, around));
        }
      }
    },
    [Symbol.dispose]: () => {
      events[Symbol.dispose]();
      queues[Symbol.dispose]();
    },
  };
}
