/**
 * The routes that connectors use: streams by WebSocket, Server-Sent Events and long poll, acknowledgements,
 * and the state of a channel. `src/relay/PROTOCOL.md` describes them.
 *
 * @module
 */

import type { ClientAddressResolver } from "../../auth/client_address.ts";
import { peerAddress } from "../failure_log.ts";
import { Holding } from "../../time/fair_share.ts";
import { GatewayError } from "../../errors.ts";
import type { Channel } from "../../relay/channel_directory.ts";
import { eventStream } from "../../relay/transports/sse.ts";
import { HEADERS, negotiateProtocol, parseResumePoint } from "../../relay/protocol/negotiate.ts";
import { parseAckRequest } from "../../relay/protocol/schema.ts";
import type { Relay } from "../../relay/relay.ts";
import type { RelaySession, TransportName } from "../../relay/session.ts";
import { closingMessages, connectedMessage } from "../../relay/transports/transport.ts";
import { serveWebSocket } from "../../relay/transports/websocket.ts";
import { jsonResponse } from "../responses.ts";
import type { Route } from "../router.ts";
import { bearerToken, type MessageBounds, readMessage, underWay } from "./channel_requests.ts";

/** Largest body of `/connect/ack`, in bytes: 10,000 acknowledgements fit. */
const MAX_ACK_BYTES = 4 * 1024 * 1024;

/** How long a poll may wait, in seconds, and how many messages it may take. */
const POLL_SECONDS = { default: 30, most: 60 };
const POLL_MESSAGES = { default: 10, most: 100 };

/** Longest name of a connector that is kept. */
const MAX_CONNECTOR_ID = 128;

/** `/connect/stream/…`, `/connect/ack` and `/connect/status/…`. */
export function relayRoutes(
  relay: Relay,
  bounds: MessageBounds,
  clientAddress: ClientAddressResolver,
): Route[] {
  const acknowledgements = new Holding();
  return [
    {
      path: "/connect/stream/",
      isPrefix: true,
      methods: {
        GET: (request, id, rest, info) =>
          stream(relay, request, id, rest, clientAddress.resolve(peerAddress(info), request.headers)),
      },
    },
    {
      path: "/connect/ack",
      methods: { POST: (request, id) => acknowledge(relay, bounds, acknowledgements, request, id) },
    },
    {
      path: "/connect/status/",
      isPrefix: true,
      methods: { GET: (request, id, rest) => status(relay, request, id, rest) },
    },
  ];
}

async function stream(
  relay: Relay,
  request: Request,
  requestId: string,
  rest: string,
  address: string,
): Promise<Response> {
  const [name = "", kind, ...more] = rest.split("/");
  if (more.length > 0 || (kind !== undefined && kind !== "sse" && kind !== "poll")) {
    throw new GatewayError("not_found");
  }
  const transport = kind === "sse" ? "sse" : kind === "poll" ? "long_poll" : "websocket";
  const channel = authorize(relay, request, name);
  const protocol = negotiateProtocol(request.headers.get(HEADERS.protocol));
  if (transport === "websocket" && request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new GatewayError("upgrade_required");
  }
  const { session, resumed } = await open(relay, channel, request, transport, address);
  if (transport === "long_poll") return await poll(session, request, requestId, protocol, resumed);
  const connected = connectedMessage(session, protocol, resumed);
  if (transport === "websocket") {
    const { socket, response } = upgrade(session, request);
    serveWebSocket(session, socket, connected);
    return response;
  }
  return new Response(eventStream(session, connected), {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // nginx holds answers back otherwise.
      "x-accel-buffering": "no",
      "x-request-id": requestId,
      [HEADERS.protocol]: String(protocol),
    },
  });
}

function upgrade(session: RelaySession, request: Request): Deno.WebSocketUpgrade {
  try {
    return Deno.upgradeWebSocket(request);
  } catch (cause) {
    session.leave();
    throw new GatewayError("upgrade_required", undefined, { cause });
  }
}

function authorize(relay: Relay, request: Request, channel: string): Channel {
  return relay.authorize(channel, bearerToken(request));
}

async function open(
  relay: Relay,
  channel: Channel,
  request: Request,
  transport: TransportName,
  address: string,
): Promise<{ session: RelaySession; resumed: boolean }> {
  const { headers } = request;
  return await relay.open(channel, {
    transport,
    token: /\S+$/.exec(headers.get("authorization") ?? "")?.[0] ?? "",
    address,
    connectorId: (headers.get(HEADERS.connectorId) ?? "").slice(0, MAX_CONNECTOR_ID),
    window: positive(headers.get(HEADERS.window)),
    windowBytes: positive(headers.get(HEADERS.windowBytes)),
    resume: parseResumePoint(headers.get(HEADERS.lastEventId)),
  });
}

/** One poll: the messages that there are, or that come while it waits. */
async function poll(
  session: RelaySession,
  request: Request,
  requestId: string,
  protocol: number,
  resumed: boolean,
): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const seconds = bounded(query.get("timeout"), 0, POLL_SECONDS);
  const limit = bounded(query.get("max_messages"), 1, POLL_MESSAGES);
  const closed = AbortSignal.any([request.signal, AbortSignal.timeout(seconds * 1000)]);
  const superseded = new AbortController();
  using _attached = session.attach(() => superseded.abort());
  try {
    // A poll that only opens the connection is answered before the first message comes.
    const waits = resumed ? AbortSignal.any([closed, superseded.signal]) : AbortSignal.abort();
    const messages = await session.take(limit, waits);
    return jsonResponse(200, {
      ...connectedMessage(session, protocol, resumed),
      messages: [...messages, ...session.end === undefined ? [] : closingMessages(session.end)],
    }, requestId);
  } catch (error) {
    session.fail(error);
    throw error;
  }
}

function positive(text: string | null): number | undefined {
  const number = Number(text);
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

function bounded(
  text: string | null,
  least: number,
  { default: otherwise, most }: { readonly default: number; readonly most: number },
): number {
  const number = text === null ? otherwise : Number(text);
  return Number.isNaN(number) ? otherwise : Math.min(most, Math.max(least, number));
}

/** Which channel is meant stands in the body, and a body is read for those only who have the token of one. */
async function acknowledge(
  relay: Relay,
  bounds: MessageBounds,
  acknowledgements: Holding,
  request: Request,
  requestId: string,
): Promise<Response> {
  relay.requireToken(bearerToken(request));
  return await underWay(bounds.inFlight, acknowledgements, async () => {
    const text = await readMessage(request, bounds, acknowledgements, MAX_ACK_BYTES);
    return await settle(relay, request, requestId, text);
  });
}

async function settle(relay: Relay, request: Request, requestId: string, text: string): Promise<Response> {
  const { channel: name, connection_id: id, messages, stop, end } = parseAckRequest(text);
  const channel = authorize(relay, request, name);
  const session = relay.find(channel, id);
  if (session === undefined) {
    const known = await relay.acknowledge(channel, messages);
    if (known === 0) throw new GatewayError("connection_not_found");
    return jsonResponse(200, { known }, requestId);
  }
  if (stop === true) session.stop();
  const { known, paused } = await session.settle(messages);
  if (end === true) session.leave();
  return jsonResponse(200, { known, ...(paused === undefined ? {} : { paused }) }, requestId);
}

async function status(relay: Relay, request: Request, requestId: string, name: string): Promise<Response> {
  const channel = authorize(relay, request, name);
  const protocol = negotiateProtocol(request.headers.get(HEADERS.protocol));
  const { depth, connections, inFlight } = await relay.status(channel);
  const refusal = relay.refusalOf(channel);
  return jsonResponse(200, {
    channel: name,
    protocol,
    stats: {
      messages_queued: depth.ready,
      messages_in_flight: depth.leased,
      oldest_received_at: depth.oldestReceivedAt === undefined
        ? null
        : new Date(depth.oldestReceivedAt).toISOString(),
      connected_clients: connections,
      in_flight_here: inFlight,
    },
    limits: channel.limits,
    ...(refusal === undefined ? {} : { refuses: { code: refusal.code, message: refusal.message } }),
    server_time: new Date().toISOString(),
  }, requestId);
}
