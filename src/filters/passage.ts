/**
 * Whether an event is taken, when its request has been verified and read.
 *
 * @module
 */

import type { EventBody } from "../event/event.ts";
import type { WebhookFilters } from "./compile.ts";
import { LARGE_BODY } from "./documents.ts";
import { type EventFilter, filterFailed } from "./filter.ts";
import type { Subject } from "./variables.ts";

/**
 * Whether an event is taken. `unfiltered`: the filter has failed on it, and it is kept for when the filter is mended.
 */
export type Passage = "takes" | "filtered" | "unfiltered";

/** Does the work on a large body when it is its turn. */
export interface LargeWork {
  finish<Result>(steps: Generator<unknown, Result, void>): Promise<Result>;
}

/**
 * Asks the filter of a webhook. Of a small body it answers without a promise.
 *
 * @param body a JSON document, where the filter reads it
 * @param acceptance when the sender gets its answer
 * @throws {DeliveryError} `filter_failed` where it fails on an event that is not kept as it was sent
 */
export function passFilter(
  filters: WebhookFilters,
  subject: Subject,
  body: EventBody,
  acceptance: "delivered" | "durable",
  large: LargeWork,
): Passage | Promise<Passage> {
  const filter = filters.filter;
  if (filter === undefined) return "takes";
  const { acceptPayload, routing, bodyReads } = filters;
  const isKept = acceptance === "durable" && acceptPayload === undefined;
  if (!filter.condition.readsBody) return passageOf(filter, subject, undefined, body, isKept);
  if (body.length > LARGE_BODY) {
    return large.finish(body.valueInPieces()).then((value) =>
      passageOf(filter, subject, value, body, isKept)
    );
  }
  const passage = passageOf(filter, subject, bodyReads.valueOf(body), body, isKept);
  // While its sender waits, the steps are chosen next.
  if (acceptance === "durable" || routing === undefined) body.forgetValue();
  return passage;
}

function passageOf(
  filter: EventFilter,
  subject: Subject,
  value: unknown,
  body: EventBody,
  isKept: boolean,
): Passage {
  const verdict = filter.judge(subject, value, body);
  if (typeof verdict === "string") return verdict;
  if (isKept) return "unfiltered";
  throw filterFailed("The filter", verdict);
}
