/** What the floors of the Pub/Sub benchmark do: `fetch`, with the requests that the gateway sends. */

import { PROJECT } from "../support/pubsub/account.ts";

/** Requests under way at once, and messages in one. */
const AT_ONCE = 4;
const MAX_MESSAGES = 1000;

/** A message, and who waits for it. */
interface Waiting {
  readonly message: FloorMessage;
  readonly published: () => void;
}

/** A message as the gateway sends it. */
export interface FloorMessage {
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The message that the output would send for an event. */
export function messageOfTheFloor(id: string, body: Uint8Array, contentType: string): FloorMessage {
  return {
    data: body.toBase64(),
    attributes: {
      "cwm-event-id": id,
      "cwm-namespace": "default",
      "cwm-webhook": "default",
      "cwm-received-at": new Date().toISOString(),
      "content-type": contentType,
    },
  };
}

/** Publishes messages in one request. */
export async function publishOfTheFloor(
  port: number,
  topic: string,
  messages: readonly FloorMessage[],
): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/projects/${PROJECT}/topics/${topic}:publish`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ messages }),
  });
  const { messageIds } = await response.json();
  if (messageIds?.length !== messages.length) throw new Error(`The server answered ${response.status}`);
}

/** Publishes what comes while earlier requests are under way in one request, as the gateway does. */
export class FloorPublisher {
  readonly #waiting: Waiting[] = [];
  #underWay = 0;

  constructor(readonly port: number, readonly topic: string) {}

  /** Resolves when the message is published. */
  publish(message: FloorMessage): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ message, published: resolve });
    if (this.#underWay < AT_ONCE) void this.#send();
    return promise;
  }

  async #send(): Promise<void> {
    this.#underWay++;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_MESSAGES);
      await publishOfTheFloor(this.port, this.topic, batch.map(({ message }) => message));
      for (const { published } of batch) published();
    }
    this.#underWay--;
  }
}
