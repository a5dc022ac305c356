/**
 * What a webhook says about the notices that the gateway gives it.
 *
 * @module
 */

import { z } from "zod";
import { integerField, numberField } from "../schema/fields.ts";
import { NOTICE_KIND_NAMES, type NoticeKind } from "./kinds.ts";

/** The forms of notices. */
const NOTICE_FORMATS = ["json", "slack", "teams"] as const;

/** One of the forms of notices. */
export type NoticeFormat = (typeof NOTICE_FORMATS)[number];

const DEFAULT_EVERY_SECONDS = 300;
const DEFAULT_GATHER_SECONDS = 0.5;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

/** `notify` of a webhook. */
export const notifySchema = z.strictObject({
  format: z.enum(NOTICE_FORMATS).default("json").meta({
    description:
      "What the body is: `json` as described below, a message of `slack`, or an Adaptive Card for `teams`.",
  }),
  about: z.array(z.enum(NOTICE_KIND_NAMES)).min(1).optional().meta({
    description: `What notices are about: ${
      NOTICE_KIND_NAMES.map((name) => `\`${name}\``).join(", ")
    }. Default: all.`,
  }),
  every: integerField(1, DAY_SECONDS).default(DEFAULT_EVERY_SECONDS).meta({
    description: "Least time in seconds between two notices of one type about the same thing. What changes " +
      "meanwhile is in the next one.",
  }),
  gather: numberField(0.01, HOUR_SECONDS).default(DEFAULT_GATHER_SECONDS).meta({
    description: "How long what follows a change is waited for in seconds, so that it is in the same notice.",
  }),
});

/** Which notices a webhook gets, and how. */
export interface NoticeSettings {
  readonly format: NoticeFormat;
  readonly about: ReadonlySet<NoticeKind>;
  /** Least time between two notices of one type about the same thing, in milliseconds. */
  readonly everyMs: number;
  /** How long what follows a change is waited for, so that it is said together, in milliseconds. */
  readonly gatherMs: number;
}

/** Prepares what a webhook says; left out, it gets every notice as JSON. */
export function compileNotify(config: z.output<typeof notifySchema> | undefined): NoticeSettings {
  if (config === undefined) return DEFAULT_SETTINGS;
  const { format, about = NOTICE_KIND_NAMES, every, gather } = config;
  return { format, about: new Set(about), everyMs: every * 1000, gatherMs: gather * 1000 };
}

const DEFAULT_SETTINGS: NoticeSettings = {
  format: "json",
  about: new Set(NOTICE_KIND_NAMES),
  everyMs: DEFAULT_EVERY_SECONDS * 1000,
  gatherMs: DEFAULT_GATHER_SECONDS * 1000,
};
