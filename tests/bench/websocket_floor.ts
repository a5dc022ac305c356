/**
 * The least client of a WebSocket: messages in batches, each with the id by which the peer acknowledges it.
 *
 * @module
 */

// @ts-types="@types/ws"
import WebSocket from "ws";

/** Most messages of a batch. */
export const FLOOR_BATCH = 256;

/** Sends batches over one connection, one after the other. */
export class FloorSocket implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, () => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const { event_id: id } = JSON.parse(data.toString());
      this.#waiting.get(id)?.();
      this.#waiting.delete(id);
    });
  }

  static async open(url: string): Promise<FloorSocket> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once("open", resolve);
    await promise;
    return new FloorSocket(socket);
  }

  /** @param messages id and body of each */
  async send(messages: readonly (readonly [id: string, body: string])[]): Promise<void> {
    await Promise.all(messages.map(([id, body]) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(id, resolve);
      this.#socket.send(`{"event_id":${JSON.stringify(id)},"payload":${body}}`);
      return promise;
    }));
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
