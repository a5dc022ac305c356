/**
 * `cwm events export`: one JSON object a line, the oldest event first. No more than a page of events is in memory.
 *
 * @module
 */

import { count } from "../command_line.ts";
import { print, printError } from "../terminal.ts";
import type { EventAccess } from "./access.ts";
import { continuation, INTERRUPTED } from "./continuation.ts";

/** Exports what a query means. Returns the exit status. @param stop ends it after the page that is being read */
export async function exportEvents(
  access: EventAccess,
  query: URLSearchParams,
  start: string | undefined,
  stop: AbortSignal,
): Promise<number> {
  let exported = 0;
  let cursor = start;
  const sayHowToGoOn = () => printError(continuation("export", query, { cursor }));
  try {
    do {
      const page = await access.list(query, cursor);
      for (const event of page.events) {
        if (!print(JSON.stringify(event))) return 0;
        exported++;
        cursor = event.cursor;
      }
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined && !stop.aborted);
  } catch (error) {
    if (cursor !== undefined) sayHowToGoOn();
    throw error;
  }
  printError(`${count(exported, "event")} exported`);
  if (cursor === undefined) return 0;
  sayHowToGoOn();
  return INTERRUPTED;
}
