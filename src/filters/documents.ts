/**
 * The values of documents that expressions read: at once of small ones, and of large ones in turns between which
 * everything else runs.
 *
 * @module
 */

import type { EventBody } from "../event/event.ts";
import type { BodyReads } from "./body_reads.ts";
import { Pace } from "../time/pace.ts";

/** Bodies longer than this are read in several turns, in bytes or characters. */
export const LARGE_BODY = 256 * 1024;

/** How long the work on a large body may hold up everything else at a time, in milliseconds. */
const SLICE_MS = 2;

/** The work that was begun last. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Does the work on a large body, one after the other, since its values take many times the memory of its text. How many
 * wait is bounded by the events that are out of the journal, and the requests that are under way.
 */
export function inTurns<Result>(steps: Generator<unknown, Result, void>): Promise<Result> {
  const before = last;
  const work = finishAfter(before, steps);
  last = work.catch(() => {});
  return work;
}

async function finishAfter<Result>(
  before: Promise<unknown>,
  steps: Generator<unknown, Result, void>,
): Promise<Result> {
  await before;
  const pace = new Pace(undefined, SLICE_MS);
  let step = steps.next();
  while (step.done !== true) {
    await pace.keep();
    step = steps.next();
  }
  return step.value;
}

/**
 * The value of a document.
 *
 * @param reads as much as is needed of it, where it is small. @default all
 * @throws {SyntaxError} where the body is none, such as before `data_type` was changed
 */
export function valueOf(body: EventBody, reads?: BodyReads): unknown | Promise<unknown> {
  if (body.length > LARGE_BODY) return inTurns(largeValue(body));
  requireSmallJson(body);
  return reads === undefined ? body.value : reads.valueOf(body);
}

/** As {@linkcode valueOf}, for a large body. It may be interrupted wherever it yields. */
export function* largeValue(body: EventBody): Generator<void, unknown, void> {
  yield* requireJson(body);
  return yield* body.valueInPieces();
}

/** Makes sure that a large body is a document. @throws {SyntaxError} */
export function* requireJson(body: EventBody): Generator<void, void, void> {
  const verdict = yield* body.judgeJsonInPieces({ maxDepth: Infinity, maxValues: Infinity });
  if (verdict !== "json") throw notJson();
}

/** Makes sure that a body that is not large is a document. @throws {SyntaxError} */
export function requireSmallJson(body: EventBody): void {
  if (!body.isJson()) throw notJson();
}

function notJson(): SyntaxError {
  return new SyntaxError("The body is not valid JSON");
}
