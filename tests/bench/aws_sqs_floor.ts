/**
 * The least client of SQS: batches of ten, signed by the library that the output signs with, and sent by `fetch`.
 *
 * @module
 */

import { AwsClient } from "aws4fetch";

/** Most messages of a request. */
export const FLOOR_BATCH = 10;

/** Batches that are under way at once. */
export const FLOOR_BATCHES = 8;

/** Sends batches to one queue of a server. */
export class FloorQueue {
  readonly #client = new AwsClient({
    accessKeyId: "AKIA",
    secretAccessKey: "s3cret",
    region: "us-east-1",
    service: "sqs",
    retries: 0,
  });
  readonly #url: string;
  readonly #queueUrl: string;

  constructor(port: number, queueUrl: string) {
    this.#url = `http://127.0.0.1:${port}/`;
    this.#queueUrl = queueUrl;
  }

  /** @param messages id and body of each, ten at most */
  async send(messages: readonly (readonly [id: string, body: string])[]): Promise<void> {
    const Entries = messages.map(([id, MessageBody], index) => ({
      Id: `${index}`,
      MessageBody,
      MessageAttributes: {
        "cwm-event-id": { DataType: "String", StringValue: id },
        "cwm-namespace": { DataType: "String", StringValue: "default" },
        "cwm-webhook": { DataType: "String", StringValue: "default" },
        "cwm-received-at": { DataType: "String", StringValue: new Date().toISOString() },
      },
    }));
    const response = await this.#client.fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessageBatch" },
      body: JSON.stringify({ QueueUrl: this.#queueUrl, Entries }),
    });
    const { Successful } = await response.json() as { readonly Successful: readonly unknown[] };
    if (Successful.length < messages.length) throw new Error("SQS has not taken the batch");
  }
}
