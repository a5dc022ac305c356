/**
 * The routes of connectors and of consumers that pull, as programs see them.
 *
 * @module
 */

import { z } from "zod";
import type { ErrorCode } from "../../../errors.ts";
import { ackRequest, gatewayMessage } from "../../../relay/protocol/schema.ts";
import { pullRequests } from "../../../relay/pull/requests.ts";
import { amount, json, named, type Operation, time } from "./operation.ts";

const ADMISSION = ["unauthorized", "channel_not_found", "not_ready", "journal_unavailable"] as const;
const READING = [
  "invalid_message",
  "json_too_complex",
  "overloaded",
  "body_timeout",
  "body_too_large",
  "body_incomplete",
  "invalid_content_length",
] as const;

const protocolHeader = z.string().meta({
  description: "The versions of the protocol that the connector speaks, separated by commas: `2`.",
});

const statusHeaders = z.object({ "cwm-relay-protocol": protocolHeader });

const streamHeaders = z.object({
  "cwm-relay-protocol": protocolHeader,
  "cwm-relay-window": z.int().min(1).optional().meta({
    description: "How many unacknowledged messages the connector wants to hold at most.",
  }),
  "cwm-relay-window-bytes": z.int().min(1).optional().meta({
    description: "After how many bytes of their bodies it wants no more.",
  }),
  "x-connector-id": z.string().optional().meta({
    description: "A name for the connector that stays the same over its restarts.",
  }),
  "last-event-id": z.string().optional().meta({
    description: "Resumes a connection: `{connection_id}.{sequence}` of the last message that arrived.",
  }),
});

const message = named("GatewayMessage", gatewayMessage);

const poll = named(
  "Poll",
  z.object({
    type: z.literal("connected"),
    protocol: z.int(),
    connection_id: z.string(),
    channel: z.string(),
    resumed: z.boolean(),
    window: z.int(),
    window_bytes: z.int().optional(),
    heartbeat_interval_ms: z.number(),
    ack_timeout_ms: z.number(),
    server: z.string(),
    messages: z.array(message),
  }),
);

const settled = named(
  "Settled",
  z.object({
    known: amount().meta({ description: "How many of the messages were those of the channel." }),
    paused: z.int().optional().meta({
      description: "The last sequence before the pause that a report asked for.",
    }),
  }),
);

const channelStatus = named(
  "ChannelStatus",
  z.object({
    channel: z.string(),
    protocol: z.int(),
    stats: z.object({
      messages_queued: amount(),
      messages_in_flight: amount(),
      oldest_received_at: time().nullable(),
      connected_clients: amount(),
      in_flight_here: amount(),
    }),
    limits: z.record(z.string(), z.number().nullable()),
    refuses: z.object({ code: z.string(), message: z.string() }).optional(),
    server_time: time(),
  }),
);

const streamErrors: readonly ErrorCode[] = [
  ...ADMISSION,
  "unsupported_protocol",
  "too_many_connections",
  "draining",
];

function stream(suffix: string, id: string, more: Pick<Operation, "summary" | "answers">): Operation {
  return {
    method: "GET",
    path: `/connect/stream/{channel}${suffix}`,
    id,
    security: "channel",
    headers: streamHeaders,
    errors: suffix === "" ? [...streamErrors, "upgrade_required"] : streamErrors,
    ...more,
  };
}

const connectorOperations: readonly Operation[] = [
  stream("", "openWebSocket", {
    summary: "Events of a channel by WebSocket",
    answers: { 101: { description: "The messages of the protocol follow." } },
  }),
  stream("/sse", "openEventStream", {
    summary: "Events of a channel as Server-Sent Events",
    answers: { 200: { description: "Each `data` is a `GatewayMessage`.", type: "text/event-stream" } },
  }),
  {
    ...stream("/poll", "pollMessages", {
      summary: "Events of a channel by long poll",
      answers: { 200: json("The messages that there are, or that came while it waited.", poll) },
    }),
    query: z.object({
      timeout: z.number().optional().meta({ description: "Seconds to wait, at most 60. Default: 30." }),
      max_messages: z.int().optional().meta({ description: "At most 100. Default: 10." }),
    }),
  },
  {
    method: "POST",
    path: "/connect/ack",
    id: "settleMessages",
    summary: "Settles messages that came by Server-Sent Events or poll",
    security: "channel",
    body: json("What has happened to the messages.", named("AckRequest", ackRequest)),
    answers: { 200: json("They are settled.", settled) },
    errors: [...ADMISSION, ...READING, "connection_not_found"],
  },
  {
    method: "GET",
    path: "/connect/status/{channel}",
    id: "getChannelStatus",
    summary: "What waits in a channel",
    security: "channel",
    headers: statusHeaders,
    answers: { 200: json("Its queue and its limits.", channelStatus) },
    errors: [...ADMISSION, "unsupported_protocol"],
  },
];

const pulled = named(
  "PulledEvent",
  z.object({
    handle: z.string().meta({ description: "Names the lease in `ack`, `release`, `extend` and `reject`." }),
    deadline: time().meta({ description: "Until when nobody else gets the event." }),
    attempt: z.int().min(1).meta({ description: "How often it was handed out." }),
    event_id: z.string(),
    namespace: z.string(),
    webhook: z.string(),
    event_type: z.string().optional(),
    received_at: z.string(),
    content_type: z.string().optional(),
    headers: z.record(z.string(), z.string()),
    body: z.string().optional(),
    body_base64: z.string().optional(),
  }),
);

const lost = z.array(z.string()).meta({ description: "Handles whose lease had ended." });

const PULL_ANSWERS = {
  receive: named("Received", z.object({ events: z.array(pulled) })),
  ack: named("Acknowledged", z.object({ acknowledged: amount(), lost })),
  release: named("Released", z.object({ released: amount(), dead_letters: amount(), lost })),
  extend: named("Extended", z.object({ extended: amount(), deadline: time(), lost })),
  reject: named("Rejected", z.object({ rejected: amount(), lost })),
} as const;

const PULL_SUMMARIES = {
  receive: "Takes events of a channel",
  ack: "Says that events are done with",
  release: "Gives events back",
  extend: "Keeps events for longer",
  reject: "Makes events dead letters",
} as const;

const pullOperations = (Object.keys(PULL_ANSWERS) as (keyof typeof PULL_ANSWERS)[]).map((
  action,
): Operation => {
  const name = `${action[0]!.toUpperCase()}${action.slice(1)}`;
  return {
    method: "POST",
    path: `/pull/{channel}/${action}`,
    id: `pull${name}`,
    summary: PULL_SUMMARIES[action],
    security: "channel",
    body: json("What is asked for.", named(`Pull${name}`, pullRequests[action])),
    answers: { 200: json("What was done.", PULL_ANSWERS[action]) },
    errors: [
      ...ADMISSION,
      ...READING,
      ...(action === "receive" ? ["too_many_connections", "draining"] as const : ["invalid_handle"] as const),
    ],
  };
});

/** `/connect/…` and `/pull/…` */
export const channelOperations: readonly Operation[] = [...connectorOperations, ...pullOperations];
