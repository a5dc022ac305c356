/**
 * Tasks on their way into Redis: the command that enqueues one, and the one that shows whether Redis would take it.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Event } from "../../../event/event.ts";
import { APPEND_SCRIPTS, appendCommand, type Appending, probeAppendCommand } from "../append.ts";
import type { RedisCommand } from "../client.ts";
import type { RedisScript } from "../socket.ts";
import type { TaskQueueConfig } from "./config.ts";
import { messageOf } from "./messages.ts";
import { ENQUEUE_ARQ, ENQUEUE_DRAMATIQ, PROBE_ARQ, PROBE_DRAMATIQ, TWO_KEY_SCRIPTS } from "./scripts.ts";

/** The field of a stream that TaskIQ's workers read. */
const TASKIQ_FIELD = "data";

/** The scripts of {@linkcode enqueueCommand} and {@linkcode probeCommand}, by the names that these call them by. */
export const TASK_SCRIPTS: Readonly<Record<string, RedisScript>> = { ...APPEND_SCRIPTS, ...TWO_KEY_SCRIPTS };

/**
 * Enqueues an event's task, unless it has been enqueued already.
 *
 * @param signal ends the work on a large body
 * @returns a promise for a large body only
 * @throws {DeliveryError} when workers could not read the task
 */
export function enqueueCommand(
  event: Event,
  config: TaskQueueConfig,
  signal: AbortSignal,
): RedisCommand | Promise<RedisCommand> {
  const id = event.id + config.idSuffix;
  const now = Date.now();
  const message = messageOf(event, id, config, now, signal);
  return message instanceof Promise
    ? message.then((large) => commandOf(id, large, config, now))
    : commandOf(id, message, config, now);
}

function commandOf(id: string, message: string | Buffer, config: TaskQueueConfig, now: number): RedisCommand {
  const { protocol, tasksKey, queueKey, markPrefix, dedupTtl, ttl = "" } = config;
  switch (protocol) {
    case "celery":
      return appendCommand(listOf(config), id, [message]);
    case "taskiq":
      return config.queueType === "list"
        ? appendCommand(listOf(config), id, [message])
        : appendCommand(streamOf(config), id, [TASKIQ_FIELD, message]);
    case "dramatiq":
      return [ENQUEUE_DRAMATIQ, tasksKey, queueKey, markPrefix + id, dedupTtl, id, message];
    case "arq":
      return [ENQUEUE_ARQ, tasksKey + id, queueKey, markPrefix + id, dedupTtl, ttl, now, message];
  }
}

/** Shows whether Redis would take the tasks of webhooks with this configuration, and leaves nothing behind. */
export function probeCommand(config: TaskQueueConfig): RedisCommand {
  const { protocol, tasksKey, queueKey, markPrefix } = config;
  switch (protocol) {
    case "celery":
      return probeAppendCommand(listOf(config));
    case "taskiq":
      return probeAppendCommand(config.queueType === "list" ? listOf(config) : streamOf(config));
    case "dramatiq":
      return [PROBE_DRAMATIQ, tasksKey, queueKey, `${markPrefix}probe`];
    case "arq":
      return [PROBE_ARQ, `${tasksKey}probe`, queueKey, `${markPrefix}probe`];
  }
}

/** Workers take tasks from the other end. */
function listOf({ queueKey: key, markPrefix, dedupTtl }: TaskQueueConfig): Appending {
  return { key, markPrefix, dedupTtl, command: ["LPUSH"], kind: "list", mustExist: false };
}

function streamOf({ queueKey: key, markPrefix, dedupTtl }: TaskQueueConfig): Appending {
  return { key, markPrefix, dedupTtl, command: ["XADD", "*"], kind: "stream", mustExist: false };
}
