import { DeliveryError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import type { DeliveryResult } from "../module.ts";
import type { Acknowledgement } from "./config.ts";
import type { Message } from "./message.ts";

/**
 * What takes the peer's messages in and finds in them which events they acknowledge. Others are passed over.
 *
 * @param results are filled, by the ids of events
 * @param done called once all have one
 */
export function answersTo(
  messages: readonly Message[],
  { id: idPlace, error: errorPlace }: Acknowledgement,
  server: string,
  results: Map<string, DeliveryResult>,
  done: () => void,
): (text: string) => void {
  const waiting = new Set(messages.map(({ id }) => id));
  return (text) => {
    const document = EventBody.fromText(text);
    const id = idPlace.scalarIn(document)?.text;
    if (id === undefined || !waiting.delete(id)) return;
    const error = errorPlace?.scalarIn(document);
    const isTaken = error === undefined || error.type === "boolean" && error.text === "false";
    results.set(
      id,
      isTaken
        ? "delivered"
        : new DeliveryError("output_failed", `${server} did not take the event, as it says`),
    );
    if (waiting.size === 0) done();
  };
}
