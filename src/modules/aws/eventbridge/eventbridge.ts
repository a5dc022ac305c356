/**
 * `eventbridge`: puts each event onto a bus of Amazon EventBridge. It counts as delivered when EventBridge has given it
 * an id of its own.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @module
 */

import { z } from "zod";
import {
  placeField,
  RECORD_VERDICTS,
  recordEnvelope,
  recordTimeoutField,
  utf8Bytes,
} from "../records/fields.ts";
import { recordModule } from "../records/module.ts";
import type { RecordConfig } from "../records/service.ts";

interface EventbridgeConfig extends RecordConfig {
  readonly bus: string;
  readonly source: string;
  readonly detailType: string | undefined;
  readonly dataType: "json" | "blob";
}

const MAX_DETAIL_TYPE = 128;

const configSchema = z.strictObject({
  event_bus: placeField(1600).default("default").meta({ description: "Name of the bus, or its ARN." }),
  source: z.string().regex(/^(?!aws\.)[\w./-]{1,256}$/, {
    error: "Not a source: letters, digits and _ . - /, and not as AWS' own begin",
  }).default("core-webhook-module").meta({ description: "The `source` of the events, which rules look at." }),
  detail_type: z.string().min(1).max(MAX_DETAIL_TYPE).optional().meta({
    description: "The `detail-type` of the events. Default: the event's type, otherwise `webhook`.",
  }),
  timeout: recordTimeoutField,
}).transform(({ event_bus: bus, source, detail_type: detailType, timeout }): EventbridgeConfig => ({
  place: `event bus '${bus}'`,
  ...{ bus, source, detailType, dataType: "json", timeoutMs: timeout * 1000 },
}));

/** Puts events onto buses. */
export const eventbridgeModule = recordModule<EventbridgeConfig>("eventbridge", {
  summary: "a bus of Amazon EventBridge",
  documentation: () => import("./documentation.ts"),
  configSchema,
  forWebhook: (config, { dataType }) => ({ ...config, dataType }),
  destinations: ({ bus }) => [{ kind: "buses", name: bus, key: "event_bus" }],
}, {
  service: { title: "EventBridge", id: "events", verdicts: RECORD_VERDICTS },
  dialect: { target: "AWSEvents", version: "1.1" },
  action: "PutEvents",
  right: "events:PutEvents",
  results: { list: "Entries", id: "EventId" },
  maxRecordBytes: 1024 * 1024,
  maxBatchBytes: 256 * 1024,
  maxBatch: 10,
  render(event, { bus, source, detailType = event.type?.slice(0, MAX_DETAIL_TYPE) ?? "webhook", dataType }) {
    const detail = recordEnvelope(event, dataType);
    const entry = {
      EventBusName: bus,
      Source: source,
      DetailType: detailType,
      Time: event.receivedAt / 1000,
    };
    const json = JSON.stringify({ ...entry, Detail: detail });
    return { json, bytes: utf8Bytes(detail) + utf8Bytes(source) + utf8Bytes(detailType) + 14 };
  },
  request: (list) => `{"Entries":[${list}]}`,
  probe: ({ bus }) => ({ action: "DescribeEventBus", document: { Name: bus } }),
  anyQuestion: { action: "ListEventBuses", document: { Limit: 1 } },
});
