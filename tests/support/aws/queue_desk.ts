/** What tests do at an SQS past everything that is tested, with the SDK of AWS: make queues, and look what has arrived. */

import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  type Message,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";

/** Longest wait for messages, in seconds: what has arrived is there at once. */
const WAIT_SECONDS = 0;

/** A message as the SDK reads it, which compares the digest of its body. */
export interface FoundMessage {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly group: string | undefined;
  readonly deduplication: string | undefined;
}

/** A client of one server. */
export class QueueDesk implements AsyncDisposable {
  readonly #client: SQSClient;

  constructor(port: number, region = "us-east-1") {
    this.#client = new SQSClient({
      endpoint: `http://127.0.0.1:${port}`,
      region,
      credentials: { accessKeyId: "desk", secretAccessKey: "desk" },
    });
  }

  /** A name that no other queue has. */
  static name(end = ""): string {
    return `q-${crypto.randomUUID()}${end}`;
  }

  /** Makes a queue and returns its URL. */
  async make(name: string, attributes: Partial<Record<QueueAttributeName, string>> = {}): Promise<string> {
    const Attributes = name.endsWith(".fifo") ? { FifoQueue: "true", ...attributes } : attributes;
    const { QueueUrl } = await this.#client.send(new CreateQueueCommand({ QueueName: name, Attributes }));
    return QueueUrl!;
  }

  /** Changes attributes of a queue. */
  async change(url: string, attributes: Partial<Record<QueueAttributeName, string>>): Promise<void> {
    await this.#client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: attributes }));
  }

  async remove(url: string): Promise<void> {
    await this.#client.send(new DeleteQueueCommand({ QueueUrl: url }));
  }

  /** Takes all messages out of a queue. */
  async take(url: string): Promise<readonly FoundMessage[]> {
    const found: FoundMessage[] = [];
    for (;;) {
      const messages = await this.#receive(url);
      if (messages.length === 0) return found;
      found.push(...messages.map(readMessage));
      const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }));
      await this.#client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
    }
  }

  async #receive(url: string): Promise<readonly Message[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: WAIT_SECONDS,
        MessageAttributeNames: ["All"],
        MessageSystemAttributeNames: ["All"],
      }),
    );
    return Messages;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }
}

function readMessage({ Body = "", MessageAttributes = {}, Attributes = {} }: Message): FoundMessage {
  return {
    body: Body,
    attributes: Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, { StringValue = "" }]) => [name, StringValue]),
    ),
    group: Attributes.MessageGroupId,
    deduplication: Attributes.MessageDeduplicationId,
  };
}

/** The body that was received, whatever the message has it in. */
export function bodyOf({ body, attributes }: FoundMessage): Uint8Array<ArrayBuffer> {
  return attributes["cwm-body-encoding"] === "base64"
    ? Uint8Array.fromBase64(body)
    : new TextEncoder().encode(body);
}

/** The id of the event that a message is. */
export function eventIdOf({ attributes }: FoundMessage): string {
  return attributes["cwm-event-id"] ?? "";
}
