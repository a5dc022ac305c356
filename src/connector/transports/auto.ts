import type { Connect, ConnectOptions, Opened, StreamListener } from "./connection.ts";
import { connectLongPoll } from "./long_poll.ts";
import { connectEventStream } from "./sse.ts";
import { connectWebSocket } from "./websocket.ts";

/** From the best to the one that passes everything that requests pass. */
const KINDS: readonly { readonly name: string; readonly connect: Connect }[] = [
  { name: "WebSocket", connect: connectWebSocket },
  { name: "Server-Sent Events", connect: connectEventStream },
  { name: "long poll", connect: connectLongPoll },
];

/**
 * Connects by WebSocket, or where something in between does not let that through by Server-Sent Events or long
 * polls. Each new connection begins with the best one again: what is in the way may be mended.
 */
export async function connectAutomatically(
  options: ConnectOptions,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<Opened> {
  const reasons: string[] = [];
  for (const { name, connect } of KINDS) {
    const opened = await connect(options, listener, signal);
    if ("connection" in opened) {
      return reasons.length === 0 ? opened : {
        ...opened,
        substitute: { kind: name, reason: reasons.join(" ") },
      };
    }
    if (opened.isBlocked !== true || signal.aborted) return opened;
    reasons.push(`${name}: ${opened.refusal}.`);
  }
  return { refusal: reasons.join(" ") };
}
