/**
 * Messages of version 2 that carry many events, or many reports.
 *
 * @module
 */

import type { Report, ReportsMessage, WebhookMessage } from "./messages.ts";

/** From this length on, in characters, a batch takes no further event: each frame stays far below what one may have. */
const BATCH_LENGTH = 1024 * 1024;

/** A batch as it travels. */
export interface EncodedBatch {
  /** The JSON of a `webhooks` message. */
  readonly text: string;
  /** Of its last event. */
  readonly sequence: number;
}

/** The events in as few messages `webhooks` as their lengths allow. A long one is alone in its message. */
export function encodeBatches(messages: readonly WebhookMessage[]): readonly EncodedBatch[] {
  const batches: EncodedBatch[] = [];
  let texts: string[] = [];
  let length = 0;
  let sequence = 0;
  const end = () => {
    if (texts.length > 0) {
      batches.push({ text: `{"type":"webhooks","webhooks":[${texts.join(",")}]}`, sequence });
    }
    texts = [];
    length = 0;
  };
  for (const message of messages) {
    const text = JSON.stringify(message);
    if (length + text.length > BATCH_LENGTH) end();
    texts.push(text);
    length += text.length;
    sequence = message.sequence;
  }
  end();
  return batches;
}

/** The reports as one message. */
export function batchReports(reports: readonly Report[]): ReportsMessage {
  const acks: string[] = [];
  const nacks: Extract<Report, { readonly type: "nack" }>[] = [];
  for (const report of reports) {
    if (report.type === "ack") acks.push(report.message_id);
    else nacks.push(report);
  }
  return { type: "reports", acks, nacks };
}

/** The reports in a message. */
export function reportsOf({ acks, nacks }: ReportsMessage): readonly Report[] {
  return [...acks.map((message_id) => ({ type: "ack", message_id }) as const), ...nacks];
}
