/**
 * `module-config` of `zeromq`: its schema, and its compiled form. The keys are those of the Python original, besides
 * `unconfirmed`, `single_frame` and `timeout`.
 *
 * @module
 */

import { z } from "zod";
import { timeoutField } from "../../schema/connection_fields.ts";
import { booleanField, reportAt } from "../../schema/fields.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import type { SocketType } from "./zmtp/handshake.ts";

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 60;

/** A compiled `module-config`. */
export interface ZeromqConfig {
  readonly socket: SocketSettings;
  /** Whether a message is the body alone. */
  readonly isSingleFrame: boolean;
  readonly timeoutMs: number;
}

/** What webhooks have in common that share a socket. */
export interface SocketSettings {
  /** As it is configured. */
  readonly text: string;
  readonly endpoint: Endpoint;
  readonly type: SocketType;
  /** Whether the gateway waits for peers there, and does not go to one. */
  readonly binds: boolean;
}

/** Whether a peer says of each message that it has got it. */
export function isConfirmed(type: SocketType): boolean {
  return type === "REQ" || type === "DEALER";
}

const fields = z.strictObject({
  endpoint: z.string().meta({
    description: "Where the peer is: `tcp://host:port`, or `ipc:///path` on the same machine.",
  }),
  socket_type: z.string().toUpperCase().pipe(z.enum(["PUB", "PUSH", "REQ", "DEALER"])).default("PUB").meta({
    description:
      "`REQ`: the peer answers each message before the next one is sent. `DEALER`: it answers each, and up to a " +
      "thousand are under way. `PUSH`: a message goes to one peer, `PUB`: to all that have subscribed; nobody says " +
      "whether they have got it.",
  }),
  unconfirmed: booleanField().default(false).meta({
    description:
      "Has to be `true` for `PUB` and `PUSH`: an event is delivered when it is written to a connected peer, and " +
      "lost if that dies. `accept: durable` does not change that.",
  }),
  bind: booleanField().default(false).meta({
    description:
      "`true`: waits for peers at `endpoint` (`tcp://*:5555` at all addresses), instead of going to one.",
  }),
  single_frame: booleanField().default(false).meta({
    description:
      "`true`: a message is one frame with the body, as the Python service sent it. `false`: three frames, the " +
      "webhook's id, the event's id and the body.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that the peer may take to answer, or to take what is written.",
  }),
});

/** Strict schema that ends in the compiled form. */
export const zeromqConfigSchema: z.ZodType<ZeromqConfig> = fields.transform((input, issues) => {
  const { endpoint: text, socket_type: type, bind: binds } = input;
  if (!isConfirmed(type) && !input.unconfirmed) {
    const message =
      `${type} says of no message whether it has arrived: set unconfirmed to true, or use REQ or DEALER`;
    reportAt(issues, "unconfirmed", message);
  }
  if (isConfirmed(type) && input.unconfirmed) {
    reportAt(issues, "unconfirmed", `Is of no use with ${type}, whose peer answers`);
  }
  const endpoint = parseEndpoint(text, binds);
  if ("problem" in endpoint) {
    reportAt(issues, "endpoint", endpoint.problem);
    return z.NEVER;
  }
  return {
    socket: { text, endpoint, type, binds },
    isSingleFrame: input.single_frame,
    timeoutMs: input.timeout * 1000,
  };
});

/** Equal for the settings of one socket. */
export function socketKey({ text, type, binds }: SocketSettings): string {
  return `${type} ${binds ? "at" : "to"} ${text}`;
}
