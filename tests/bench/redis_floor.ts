import { Buffer } from "node:buffer";
import { pickleJson } from "../../src/modules/redis/rq/json_pickle.ts";
import { PickleWriter } from "../../src/modules/redis/rq/pickle.ts";
import { ENQUEUE } from "../../src/modules/redis/rq/job.ts";

/** What the bare client sends: a pickled job, a JSON job, or a message. */
export type FloorKind = "pickle" | "json" | "message";

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
