/** Google's emulator of Pub/Sub, where `PUBSUB_EMULATOR_HOST` says that there is one: topics, and what is in them. */

import { PROJECT } from "./account.ts";

/** A message as a subscription has it. */
interface PulledMessage {
  readonly ackId: string;
  readonly message: { readonly data?: string; readonly attributes?: Readonly<Record<string, string>> };
}

/** A topic of the emulator with a subscription. */
export class EmulatedTopic {
  private constructor(readonly host: string, readonly topic: string) {}

  /** @param host `host:port` */
  static async create(host: string): Promise<EmulatedTopic> {
    const topic = new EmulatedTopic(host, `t-${crypto.randomUUID()}`);
    await topic.#ask("PUT", `topics/${topic.topic}`, {});
    await topic.#ask("PUT", `subscriptions/${topic.topic}`, {
      topic: `projects/${PROJECT}/topics/${topic.topic}`,
    });
    return topic;
  }

  /** Takes what is there. */
  async take(): Promise<PulledMessage["message"][]> {
    const taken: PulledMessage["message"][] = [];
    while (true) {
      const asked = { maxMessages: 1000, returnImmediately: true };
      const { receivedMessages = [] } = await this.#ask("POST", `subscriptions/${this.topic}:pull`, asked);
      if (receivedMessages.length === 0) return taken;
      taken.push(...receivedMessages.map(({ message }) => message));
      const ackIds = receivedMessages.map(({ ackId }) => ackId);
      await this.#ask("POST", `subscriptions/${this.topic}:acknowledge`, { ackIds });
    }
  }

  async #ask(method: string, path: string, body: unknown): Promise<{ receivedMessages?: PulledMessage[] }> {
    const response = await fetch(`http://${this.host}/v1/projects/${PROJECT}/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`The emulator answered ${response.status} to ${method} ${path}`);
    return await response.json();
  }
}
