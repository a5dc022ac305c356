/**
 * `cwm events drop`: events that are not to be delivered any more are removed for good, or counted before.
 *
 * @module
 */

import { count } from "../command_line.ts";
import { print, printError } from "../terminal.ts";
import type { EventAccess } from "./access.ts";
import { INTERRUPTED } from "./continuation.ts";

/**
 * Drops what a query means. Returns the exit status.
 *
 * @param confirms otherwise it is only said how many events those are
 * @param stop ends it after the request that is under way
 */
export async function dropEvents(
  access: EventAccess,
  query: URLSearchParams,
  confirms: boolean,
  stop: AbortSignal,
): Promise<number> {
  let [matching, kept] = [0, 0];
  let cursor: string | undefined;
  let isOver = false;
  while (!isOver && !stop.aborted) {
    const step = await access.drop(query, confirms, cursor);
    matching += step.matching;
    kept += step.kept;
    cursor = step.cursor ?? undefined;
    isOver = cursor === undefined;
  }
  print(
    confirms
      ? `${count(matching, "event")} dropped`
      : `${count(matching, "event")} would be dropped for good: '--yes' does so`,
  );
  if (kept > 0) printError(`${count(kept, "event")} kept: under way, or another gateway delivers them`);
  return isOver ? 0 : INTERRUPTED;
}
