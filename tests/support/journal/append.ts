import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import type { Appended, AppendListener, AppendOptions, Journal } from "../../../src/journal/journal.ts";

/** What is reported to a listener, as a promise. */
export function reported(begin: (listener: AppendListener) => void): Promise<Appended> {
  return new Promise((resolve, reject) => begin({ onAppended: resolve, onRefused: reject }));
}

/** Appends an event; resolves after the commit, or rejects when it is refused. */
export function append(
  journal: Pick<Journal, "append">,
  event: VerifiedEvent,
  options: AppendOptions,
): Promise<Appended> {
  return reported((listener) => journal.append(event, options, listener));
}
