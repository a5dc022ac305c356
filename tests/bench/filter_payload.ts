/**
 * Payloads beside what they are held to: `JSON.parse` of the same document, and an accepted request.
 *
 * @module
 */

import { EventBody } from "../../src/event/event.ts";
import { ownEvent } from "../../src/event/verified_event.ts";
import { cutSmallJson } from "../../src/filters/payload/cutter.ts";
import { EventPayload } from "../../src/filters/payload/payload.ts";
import { placesOf } from "../../src/filters/payload/places.ts";
import { NOTHING_HIDDEN } from "../../src/filters/variables.ts";
import { LARGE_BODY } from "./bodies.ts";
import type { Contest } from "./filter.ts";

const FOUR_PATHS = ["/sender/login", "/repository/name", "/commits/*/author/email", "/commits/*/message"];

/** The contests of payloads. */
export function payloadContests(): readonly Contest[] {
  const places = placesOf(FOUR_PATHS)!;
  const wrap = new EventPayload({
    cuts: [],
    template: undefined,
    wrapping: {},
    isJson: true,
    hidden: NOTHING_HIDDEN,
    maxLength: LARGE_BODY.length,
  });
  const event = ownEvent({
    id: "0123456789abcdef-0",
    namespace: "default",
    webhook: "hook",
    receivedAt: Date.now(),
    headers: new Headers({ "content-type": "application/json" }),
    body: EventBody.fromJson(LARGE_BODY),
  });
  return [
    {
      name: "drop of four paths, 19 KB, against JSON.parse",
      gateway: () => cutSmallJson(LARGE_BODY, places, "drop").length,
      floor: () => JSON.parse(LARGE_BODY),
      target: { timeAtMost: 1.3 },
    },
    {
      name: "wrap as a CloudEvent, 19 KB, against JSON.parse",
      gateway: () => wrap.reshape(event),
      floor: () => JSON.parse(LARGE_BODY),
      target: { timeAtMost: 0.05 },
    },
  ];
}
