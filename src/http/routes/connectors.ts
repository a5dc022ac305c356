/**
 * The connectors of this gateway, for operators: who takes the events of which channel, and how far it is.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { Relay } from "../../relay/relay.ts";
import type { RelaySession } from "../../relay/session.ts";
import { jsonResponse } from "../responses.ts";
import type { Route } from "../router.ts";
import type { AdminCall, Guard } from "./access/guard.ts";
import type { View } from "./access/view.ts";
import { queryOf } from "./query.ts";

/** Connectors listed at once. */
const MOST_LISTED = 1_000;

/** Where the routes find connectors, and who may see which channel. */
export interface ConnectorSource {
  readonly relay: Pick<Relay, "sessions" | "end">;
  readonly viewOf: (call: AdminCall) => Promise<View>;
}

/** The routes below `/admin/connectors`. */
export function connectorRoutes(source: ConnectorSource, guard: Guard): Route[] {
  return [
    {
      path: "/admin/connectors",
      methods: { GET: guard("viewer", (request, id, _rest, call) => list(source, request, id, call)) },
    },
    {
      path: "/admin/connectors/end",
      methods: { POST: guard("operator", (request, id, _rest, call) => end(source, request, id, call)) },
    },
  ];
}

async function list(
  source: ConnectorSource,
  request: Request,
  requestId: string,
  call: AdminCall,
): Promise<Response> {
  const channel = queryOf(request, ["channel"]).get("channel") ?? undefined;
  const sessions = await seenBy(source, call);
  const named = sessions.filter(({ channelName }) => channel === undefined || channelName === channel);
  return jsonResponse(200, {
    connectors: named.slice(0, MOST_LISTED).map(describe),
    unlisted: Math.max(0, named.length - MOST_LISTED),
  }, requestId);
}

/** The one that is named goes; it may come again, as after any connection that was lost. */
async function end(
  source: ConnectorSource,
  request: Request,
  requestId: string,
  call: AdminCall,
): Promise<Response> {
  const id = queryOf(request, ["id"]).get("id");
  const session = (await seenBy(source, call)).find((each) => each.id === id);
  if (session === undefined) throw new GatewayError("not_found", "There is no connector with this id");
  await source.relay.end(session);
  call.did({ connector: session.connectorId, channel: session.channelName });
  return jsonResponse(200, { ended: true, channel: session.channelName }, requestId);
}

async function seenBy({ relay, viewOf }: ConnectorSource, call: AdminCall): Promise<readonly RelaySession[]> {
  const { used } = await viewOf(call);
  return relay.sessions.filter(({ channelName }) => used === undefined || used.channels.has(channelName));
}

function describe(session: RelaySession): Record<string, unknown> {
  const { acknowledgedAt } = session;
  return {
    id: session.id,
    channel: session.channelName,
    name: session.connectorId,
    address: session.address,
    transport: session.transport,
    connected: session.isConnected,
    since: new Date(session.openedAt).toISOString(),
    window: session.window,
    in_flight: session.inFlight,
    silent_ms: Math.round(session.silentMs),
    acknowledged_at: acknowledgedAt === undefined ? null : new Date(acknowledgedAt).toISOString(),
  };
}
