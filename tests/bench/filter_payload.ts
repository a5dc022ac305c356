/**
 * Payloads beside what they are held to: `JSON.parse` of the same document.
 *
 * @module
 */

import { cutSmallJson } from "../../src/filters/payload/cutter.ts";
import { placesOf } from "../../src/filters/payload/places.ts";
import { LARGE_BODY } from "./bodies.ts";
import type { Contest } from "./filter.ts";

const FOUR_PATHS = ["/sender/login", "/repository/name", "/commits/*/author/email", "/commits/*/message"];

/** The contests of payloads. */
export function payloadContests(): readonly Contest[] {
  const places = placesOf(FOUR_PATHS)!;
  return [
    {
      name: "drop of four paths, 19 KB, against JSON.parse",
      gateway: () => cutSmallJson(LARGE_BODY, places, "drop").length,
      floor: () => JSON.parse(LARGE_BODY),
      target: { timeAtMost: 1.3 },
    },
  ];
}
