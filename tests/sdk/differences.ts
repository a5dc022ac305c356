/**
 * Where the gateway refuses what an SDK takes, on purpose.
 *
 * @module
 */

import type { Change } from "./fresh/questions.ts";

/** A kind of request, and why it is refused. */
export interface StricterRule {
  readonly change: Change;
  /** @default all */
  readonly presets?: readonly string[];
  readonly reason: string;
}

/** All of them: any other difference is a fault. */
export const stricter: readonly StricterRule[] = [
  {
    change: "a day in the future",
    reason: "A time over 60 s in the future is refused, also where the SDK refuses old ones alone",
  },
  {
    change: "too old",
    presets: ["replicate"],
    reason: "The SDK looks at no time, which is signed all the same: 300 s, as with the others of its kind",
  },
  {
    change: "a character of the signature",
    presets: ["liveblocks", "replicate", "workos"],
    reason: "The SDK takes the signature by its place, whatever version or name stands before it",
  },
  {
    change: "a character of the signature",
    presets: [
      ...[
        "adyen-platform",
        "atlassian-connect",
        "box",
        "ebay",
        "line",
        "livekit",
        "messagebird",
        "messagebird-legacy",
      ],
      ...["openai", "polar", "qstash", "sendgrid", "telnyx", "vonage"],
    ],
    reason: "The SDK compares the bytes that it decodes: what providers never write passes, too",
  },
];
