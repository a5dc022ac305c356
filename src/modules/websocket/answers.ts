import { DeliveryError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import type { DeliveryResult } from "../module.ts";
import type { Acknowledgement } from "./config.ts";
import type { Message } from "./message.ts";

/**
 * What takes the peer's messages in and finds in them which events they acknowledge. Others are passed over. An event
 * that was sent several times, by steps of a chain, is acknowledged as often.
 *
 * @param results are filled
 * @param done called once all have one
 */
export function answersTo(
  messages: readonly Message[],
  { id: idPlace, error: errorPlace }: Acknowledgement,
  server: string,
  results: Map<Message, DeliveryResult>,
  done: () => void,
): (text: string) => void {
  const waiting = Map.groupBy(messages, ({ id }) => id);
  let left = messages.length;
  return (text) => {
    const document = EventBody.fromText(text);
    const id = idPlace.scalarIn(document)?.text;
    const message = id === undefined ? undefined : waiting.get(id)?.shift();
    if (message === undefined) return;
    const error = errorPlace?.scalarIn(document);
    const isTaken = error === undefined || error.type === "boolean" && error.text === "false";
    results.set(
      message,
      isTaken
        ? "delivered"
        : new DeliveryError("output_failed", `${server} did not take the event, as it says`),
    );
    if (--left === 0) done();
  };
}
