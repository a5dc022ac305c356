/**
 * What the bare client sends to Redis in the benchmarks of the outputs.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { APPEND_SCRIPTS, appendCommand } from "../../src/modules/redis/append.ts";
import { pickleJson } from "../../src/modules/redis/rq/json_pickle.ts";
import { PickleWriter } from "../../src/modules/redis/rq/pickle.ts";
import { ENQUEUE, ENQUEUE_SCRIPT } from "../../src/modules/redis/rq/job.ts";
import type { RedisScript } from "../../src/modules/redis/socket.ts";

/** What the bare client sends: a pickled job, a JSON job, a message, or an entry of a stream. */
export type FloorKind = "pickle" | "json" | "message" | "stream";

/** The scripts of {@linkcode floorCommand}. */
export const FLOOR_SCRIPTS: Record<string, RedisScript> = { [ENQUEUE]: ENQUEUE_SCRIPT, ...APPEND_SCRIPTS };

const STREAM = {
  key: "floor",
  markPrefix: "cwm:stream:{floor}:",
  dedupTtl: "3600",
  command: ["XADD", "*"],
  kind: "stream",
  mustExist: false,
} as const;

const FUNCTION = "shop.tasks.record";

/** Pickling is no part of the client library: the floor sends one pickled job over and over. */
let pickled: Buffer | undefined;

/** The arguments of the command that an output would send for the event. */
export function floorCommand(kind: FloorKind, id: string, body: string, received: Headers): unknown[] {
  const now = new Date().toISOString();
  const headers: Record<string, string> = {};
  received.forEach((value, name) => headers[name] = value);
  headers["cwm-event-id"] = id;
  headers["cwm-namespace"] = "default";
  headers["cwm-webhook"] = "default";
  headers["cwm-received-at"] = now;
  if (kind === "stream") {
    const fields = ["event_id", id, "namespace", "default", "webhook", "default", "received_at", now];
    return appendCommand(STREAM, id, [...fields, "headers", JSON.stringify(headers), "payload", body]);
  }
  if (kind === "message") {
    const event = { event_id: id, namespace: "default", webhook: "default", received_at: now, headers };
    return ["publish", "floor", `${JSON.stringify(event).slice(0, -1)},"payload":${body}}`];
  }
  const job = `["${FUNCTION}",null,[${body},${JSON.stringify(headers)}],{}]`;
  return [
    ENQUEUE,
    ...["rq:queues", "rq:queue:floor", `rq:job:${id}`, `cwm:rq:${id}`],
    kind === "json" ? job : pickled ??= pickle(job),
    ["0", "3600", "status", "queued", "origin", "floor", "timeout", 180, "description", FUNCTION].join("\n") +
    `\ncreated_at\n${now}\nenqueued_at\n${now}`,
  ];
}

function pickle(json: string): Buffer {
  const writer = new PickleWriter();
  pickleJson(json, writer);
  return Buffer.from(writer.finish());
}
