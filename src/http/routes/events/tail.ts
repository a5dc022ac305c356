/**
 * `GET /admin/tail`: requests as they are answered, as Server-Sent Events.
 *
 * @module
 */

import type { Tail, TailFollower, Told } from "../../tail/tail.ts";
import type { Route } from "../../router.ts";
import type { AdminCall, Guard } from "../access/guard.ts";
import { queryOf } from "../query.ts";
import type { RequestSource } from "./requests.ts";
import { WANTED_NAMES, wantedBy } from "./wanted_requests.ts";

/** How long nothing may be written, in milliseconds: proxies close what is silent for a minute. */
const HEARTBEAT_MS = 15_000;

/** How often is looked whether the token is still good, in milliseconds. */
const LOOK_MS = 1_000;

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  // nginx would hold it back.
  "x-accel-buffering": "no",
};

const encoder = new TextEncoder();

/** The route. Each may look at what belongs to its namespaces. */
export function tailRoute(source: { readonly requests: RequestSource }, guard: Guard): Route {
  return {
    path: "/admin/tail",
    methods: {
      GET: guard("viewer", (request, _id, _rest, call) => {
        return follow(source.requests.noted.tail, request, call);
      }),
    },
  };
}

function follow(tail: Tail, request: Request, call: AdminCall): Response {
  const wants = wantedBy(queryOf(request, WANTED_NAMES));
  if (request.method === "HEAD") return new Response(null, { headers: HEADERS });
  const { caller } = call;
  const follower = tail.follow((answered) => caller.sees(answered.namespace) && wants(answered));
  return new Response(streamOf(follower, () => call.isStillGood()), { headers: HEADERS });
}

/** Pulled by whoever reads it: what comes faster than that is dropped by the follower, and counted. */
function streamOf(follower: TailFollower, mayGoOn: () => boolean): ReadableStream<Uint8Array> {
  let silentMs = 0;
  return new ReadableStream({
    // So that an answer has begun before there is anything to tell.
    start: (controller) => controller.enqueue(encoder.encode(": requests from now on\n\n")),
    async pull(controller) {
      for (;;) {
        const told = await follower.next(LOOK_MS);
        // What has come meanwhile is not for whoever may see it no more.
        if (!mayGoOn()) {
          follower.end();
          return controller.close();
        }
        silentMs += LOOK_MS;
        if (told.lines.length === 0 && told.dropped === 0 && !told.isLast && silentMs < HEARTBEAT_MS) {
          continue;
        }
        silentMs = 0;
        const text = textOf(told);
        if (text !== "") controller.enqueue(encoder.encode(text));
        if (told.isLast) controller.close();
        return;
      }
    },
    cancel: () => follower.end(),
  }, { highWaterMark: 0 });
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
function textOf({ lines, dropped, isLast }: Told): string {
  const requests = lines.map((line) => `data: ${line}\n\n`).join("");
  if (dropped > 0) return `${requests}event: dropped\ndata: {"requests":${dropped}}\n\n`;
  return requests === "" && !isLast ? ": nothing yet\n\n" : requests;
}
