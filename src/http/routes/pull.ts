/**
 * The routes of consumers that can only send requests: they receive events and settle them by the handles of their
 * leases. `src/relay/PULL.md` describes them.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { Channel } from "../../relay/channel_directory.ts";
import { leaseHandle } from "../../relay/pull/lease_handle.ts";
import { pulledEvent } from "../../relay/pull/pulled_event.ts";
import {
  parseAcknowledge,
  parseExtend,
  parseReceive,
  parseReject,
  parseRelease,
} from "../../relay/pull/requests.ts";
import type { Relay } from "../../relay/relay.ts";
import { Holding } from "../../time/fair_share.ts";
import { jsonResponse } from "../responses.ts";
import type { Handler, Route } from "../router.ts";
import { bearerToken, type MessageBounds, readMessage, underWay } from "./channel_requests.ts";

/** Largest body, in bytes: a thousand handles fit. */
const MAX_BODY_BYTES = 1024 * 1024;

/** A request of a consumer that may make it. */
interface Admitted {
  readonly relay: Relay;
  readonly channel: Channel;
  readonly token: string;
  readonly signal: AbortSignal;
}

/** What answers a request, by the text of its body. */
type Action = (body: string, admitted: Admitted) => Promise<unknown>;

/** `/pull/{channel}/…` */
export function pullRoutes(relay: Relay, bounds: MessageBounds): Route[] {
  const requests = new Holding();
  const pull: Handler = async (request, requestId, rest) => {
    const [name = "", action = "", ...more] = rest.split("/");
    if (more.length > 0 || !Object.hasOwn(ACTIONS, action)) throw new GatewayError("not_found");
    const act = ACTIONS[action]!;
    const token = bearerToken(request);
    const admitted = { relay, channel: relay.authorize(name, token), token, signal: request.signal };
    const read = () => readMessage(request, bounds, requests, MAX_BODY_BYTES);
    // A poll that waits is no request under way: many of them would leave no place for webhooks.
    const answer = act === receive
      ? await receive(await underWay(bounds.inFlight, requests, read), admitted)
      : await underWay(bounds.inFlight, requests, async () => await act(await read(), admitted));
    return jsonResponse(200, answer, requestId);
  };
  return [{ path: "/pull/", isPrefix: true, methods: { POST: pull } }];
}

async function receive(body: string, { relay, channel, token, signal }: Admitted): Promise<unknown> {
  const { n, wait, lease } = parseReceive(body);
  const leaseMs = leaseMsOf(channel, lease);
  const request = { channel, token, limit: n, waitMs: wait * 1000, leaseMs, signal };
  const { events, deadline } = await relay.pull.receive(request);
  return {
    events: events.map((leased) => pulledEvent(leased, leaseHandle(channel, leased, token), deadline)),
  };
}

async function acknowledge(body: string, { relay, channel }: Admitted): Promise<unknown> {
  const { handles } = parseAcknowledge(body);
  const { done, lost } = await relay.pull.acknowledge(channel, handles);
  return { acknowledged: done, lost };
}

async function release(body: string, { relay, channel }: Admitted): Promise<unknown> {
  const { handles, delay } = parseRelease(body);
  const { done, deadLetters, lost } = await relay.pull.release(channel, handles, delay * 1000);
  return { released: done - deadLetters, dead_letters: deadLetters, lost };
}

async function extend(body: string, { relay, channel }: Admitted): Promise<unknown> {
  const { handles, lease } = parseExtend(body);
  const leaseMs = leaseMsOf(channel, lease);
  const deadline = new Date(Date.now() + leaseMs).toISOString();
  const { done, lost } = await relay.pull.extend(channel, handles, leaseMs);
  return { extended: done, deadline, lost };
}

async function reject(body: string, { relay, channel }: Admitted): Promise<unknown> {
  const { handles, reason = "The consumer rejected the event" } = parseReject(body);
  const { done, lost } = await relay.pull.reject(channel, handles, reason);
  return { rejected: done, lost };
}

/** @param seconds as the consumer says; `undefined` for the channel's own */
function leaseMsOf({ limits: { ackTimeoutMs } }: Channel, seconds: number | undefined): number {
  return seconds === undefined ? ackTimeoutMs : seconds * 1000;
}

const ACTIONS: Readonly<Record<string, Action>> = { receive, ack: acknowledge, release, extend, reject };
