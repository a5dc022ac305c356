/**
 * What the bare client sends to Redis in the benchmarks of the outputs.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { appendCommand } from "../../src/modules/redis/append.ts";
import { pickleJson } from "../../src/modules/redis/rq/json_pickle.ts";
import { PickleWriter } from "../../src/modules/redis/rq/pickle.ts";
import { ENQUEUE, ENQUEUE_SCRIPT } from "../../src/modules/redis/rq/job.ts";
import { TASK_SCRIPTS } from "../../src/modules/redis/task_queue/commands.ts";
import { ENQUEUE_ARQ, ENQUEUE_DRAMATIQ } from "../../src/modules/redis/task_queue/scripts.ts";
import type { RedisScript } from "../../src/modules/redis/socket.ts";

/** Whose workers run a task. */
type TaskKind = "celery" | "dramatiq" | "arq" | "taskiq";

/** What the bare client sends: a pickled job, a JSON job, a message, an entry of a stream, or a task. */
export type FloorKind = "pickle" | "json" | "message" | "stream" | TaskKind;

/** The scripts of {@linkcode floorCommand}. */
export const FLOOR_SCRIPTS: Record<string, RedisScript> = { [ENQUEUE]: ENQUEUE_SCRIPT, ...TASK_SCRIPTS };

const STREAM = {
  key: "floor",
  markPrefix: "cwm:stream:{floor}:",
  dedupTtl: "3600",
  command: ["XADD", "*"],
  kind: "stream",
  mustExist: false,
} as const;

const LIST = { ...STREAM, markPrefix: "cwm:task:", command: ["LPUSH"], kind: "list" } as const;

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
  if (isTask(kind)) return taskCommand(kind, id, `[${body},${JSON.stringify(headers)}]`);
  const job = `["${FUNCTION}",null,[${body},${JSON.stringify(headers)}],{}]`;
  return [
    ENQUEUE,
    ...["rq:queues", "rq:queue:floor", `rq:job:${id}`, `cwm:rq:${id}`],
    kind === "json" ? job : pickled ??= pickle(job),
    ["0", "3600", "status", "queued", "origin", "floor", "timeout", 180, "description", FUNCTION].join("\n") +
    `\ncreated_at\n${now}\nenqueued_at\n${now}`,
  ];
}

function isTask(kind: FloorKind): kind is TaskKind {
  return ["celery", "dramatiq", "arq", "taskiq"].includes(kind);
}

function taskCommand(kind: TaskKind, id: string, args: string): unknown[] {
  const mark = `cwm:task:${id}`;
  switch (kind) {
    case "celery": {
      const body = Buffer.from(`[${args},{},{}]`).toString("base64");
      const rest = {
        "content-encoding": "utf-8",
        "content-type": "application/json",
        headers: { task: FUNCTION, id, root_id: id, retries: 0, timelimit: [null, null] },
        properties: {
          body_encoding: "base64",
          delivery_info: { exchange: "", routing_key: "floor" },
          delivery_tag: id,
        },
      };
      return appendCommand(LIST, id, [JSON.stringify({ body, ...rest })]);
    }
    case "taskiq":
      return appendCommand(LIST, id, [
        `{"task_id":"${id}","task_name":"${FUNCTION}","labels":{},"args":${args},"kwargs":{}}`,
      ]);
    case "dramatiq": {
      const message = `{"queue_name":"floor","actor_name":"${FUNCTION}","args":${args},"kwargs":{},` +
        `"options":{"redis_message_id":"${id}"},"message_id":"${id}","message_timestamp":${Date.now()}}`;
      return [ENQUEUE_DRAMATIQ, "dramatiq:floor.msgs", "dramatiq:floor", mark, "3600", id, message];
    }
    case "arq": {
      pickled ??= pickle(`{"t":null,"f":"${FUNCTION}","a":${args},"k":{},"et":${Date.now()}}`);
      return [ENQUEUE_ARQ, `arq:job:${id}`, "arq:queue", mark, "3600", "", Date.now(), pickled];
    }
  }
}

function pickle(json: string): Buffer {
  const writer = new PickleWriter();
  pickleJson(json, writer);
  return Buffer.from(writer.finish());
}
