/**
 * A notice, and the JSON document that it is.
 *
 * @module
 */

import type { HealthPart, TroubleState } from "../health/trouble.ts";

/** Longest `name` and `cause`, in characters: a notice is read by people, and services take no long ones. */
const MAX_NAME = 200;
const MAX_CAUSE = 500;

/** One thing that a notice is about. */
export interface NoticeItem {
  readonly part: HealthPart;
  readonly name: string;
  /** `well` and `removed`: the trouble is over, since it is well again or not there any more. */
  readonly state: TroubleState | "well" | "removed";
  /** Since when there is, or was, a trouble: ISO 8601 in UTC. */
  readonly since: string;
  /** What is, or was, wrong, and what to do. */
  readonly cause: string;
  /** Events that have met it; left out where it is not of events. */
  readonly count?: number;
  /** How often it began or was over since the last notice about it; left out for once. */
  readonly changes?: number;
}

/** What the gateway has to say. */
export interface Notice {
  /** For example `cwm.output.down`. */
  readonly type: string;
  /** When it was made: ISO 8601 in UTC. */
  readonly time: string;
  /** Which of several gateways says it: the name of its host; left out where that is not known. */
  readonly gateway?: string;
  /** All of it in one sentence. */
  readonly title: string;
  /** At least one. */
  readonly items: readonly NoticeItem[];
  /** How many more things it is about that have no room in `items`. */
  readonly more: number;
}

/** An item whose texts have a bounded length. */
export function boundedItem(item: NoticeItem): NoticeItem {
  return { ...item, name: shortened(item.name, MAX_NAME), cause: shortened(item.cause, MAX_CAUSE) };
}

/** An item in one line, without what marks text up. */
export function lineOf({ since, cause, count, changes }: NoticeItem): string {
  const details = [
    `since ${since}`,
    ...(count === undefined ? [] : [`${count} ${count === 1 ? "event" : "events"}`]),
    ...(changes === undefined ? [] : [`changed ${changes} times`]),
  ];
  return `${cause} (${details.join(", ")})`;
}

/** What stands below the items of a notice; empty where nothing does. */
export function remainderOf({ more, gateway }: Notice): string {
  const parts = [
    ...(more === 0 ? [] : [`and ${more} more`]),
    ...(gateway === undefined ? [] : [`from ${gateway}`]),
  ];
  return parts.join(", ");
}

function shortened(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${text.slice(0, characters - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
