/**
 * One connection to ActiveMQ, with a client of its own that never connects again by itself: messages that are sent on
 * it, and what the broker says to each. The client says nothing of what is under way when the connection ends.
 *
 * @module
 */

import type { Socket } from "node:net";
import { Client, type IFrame, Versions } from "@stomp/stompjs";
import { DeliveryError } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { type Opening, unreachable } from "../../io/connection.ts";
import { loadTls } from "../../io/tls.ts";
import { abortable } from "../../time/abortable.ts";
import { within } from "../../time/within.ts";
import type { DeliveryResult } from "../module.ts";
import type { ActivemqConnection } from "./connection.ts";
import { blamesFrame, judgeEnd, judgeLogin, judgeRefusal } from "./errors.ts";
import { type Message, probeMessage } from "./message.ts";
import { openSocket, StompSocket } from "./socket.ts";

/** How long a broker may take to say goodbye, in milliseconds. */
const CLOSE_TIMEOUT_MS = 500;

/**
 * Length from which on a frame may still be on its way when the broker ends the connection over it, in bytes: what the
 * broker says then may be lost with the connection.
 */
const LARGE_FRAME = 64 * 1024;

/** Why a connection has ended, as far as messages can be to blame. */
export type Blame =
  /** None of them. */
  | "none"
  /** One of them, perhaps: it broke with a large one under way. */
  | "possible"
  /** One of them: the broker said that it cannot read it. */
  | "certain";

/** A message that the broker has not answered. */
interface Pending {
  readonly message: Message;
  settle(result: DeliveryResult): void;
}

/** How messages name a broker. */
export function nameOf({ host, port }: ActivemqConnection): string {
  return `ActiveMQ ${authorityOf(host, port)}`;
}

/** A connection that is open, or was. */
export class StompLink {
  readonly #connection: ActivemqConnection;
  readonly #server: string;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #lost: (reason: DeliveryError) => void;
  readonly #connected = Promise.withResolvers<void>();
  /** By the ids of their receipts. */
  readonly #pending = new Map<string, Pending>();
  #sent = 0;
  #isOpen = false;
  #isClosed = false;
  #blame: Blame = "none";
  /** When the broker owed nothing yet, or has answered last, by `performance.now()`. */
  #heardAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(connection: ActivemqConnection, socket: Socket, lost: (reason: DeliveryError) => void) {
    this.#connection = connection;
    this.#server = nameOf(connection);
    this.#socket = socket;
    this.#lost = lost;
    this.#client = this.#makeClient();
    this.#connected.promise.catch(() => {}); // Whoever opens the connection waits for it, or no longer.
    let cause: unknown;
    socket.on("error", (error) => cause ??= error);
    socket.once("close", () => {
      if (this.#blame === "none" && this.#hasLargeUnderWay()) this.#blame = "possible";
      this.#end(this.#judgeClose(cause));
    });
  }

  /**
   * Opens a connection and logs in.
   *
   * @throws {DeliveryError} with the reason when that is not possible
   */
  static async open(connection: ActivemqConnection, { signal, lost }: Opening): Promise<StompLink> {
    const tls = connection.tls === undefined ? undefined : await loadTls(connection.tls, signal);
    signal.throwIfAborted();
    const link = new StompLink(connection, openSocket(connection, tls), lost);
    try {
      link.#client.activate();
      await abortable(link.#connected.promise, signal);
      return link;
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  /** Whether one of the messages under way is why the connection has ended. */
  get blame(): Blame {
    return this.#blame;
  }

  /**
   * Sends messages. Resolves when the broker has answered each, and never when the connection ends before; those
   * without a result may have arrived then, or not.
   *
   * @param onResult is called once for each that is answered
   */
  send(
    messages: readonly Message[],
    onResult: (index: number, result: DeliveryResult) => void,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = messages.length;
    // One write for all of them.
    this.#socket.cork();
    for (const [index, message] of messages.entries()) {
      this.#publish(message, (result) => {
        onResult(index, result);
        if (--left === 0) resolve();
      });
    }
    this.#socket.uncork();
    return promise;
  }

  /**
   * Sends a message in a transaction that is taken back: the broker asks for the same rights and the same room as for
   * an event, and keeps nothing but a queue that was not there.
   *
   * @throws {DeliveryError} when it does not take it
   */
  async tryOut(destination: string): Promise<void> {
    const transaction = this.#client.begin(`cwm-probe-${this.#sent}`);
    const { promise: answered, resolve } = Promise.withResolvers<DeliveryResult>();
    const message = probeMessage(destination);
    this.#publish({ ...message, headers: { ...message.headers, transaction: transaction.id } }, resolve);
    const result = await answered;
    transaction.abort();
    if (result !== "delivered") throw result;
  }

  /** Ends the connection: in order when nothing is under way, and otherwise at once. */
  async close(): Promise<void> {
    const isInOrder = !this.#isClosed && this.#isOpen && this.#pending.size === 0;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#pending.clear();
    if (isInOrder) await within(CLOSE_TIMEOUT_MS, this.#client.deactivate());
    if (this.#socket.closed) return;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#socket.once("close", () => resolve());
    this.#socket.destroy();
    await closed;
  }

  #makeClient(): Client {
    const { host, port, user, password, tls, heartbeatMs } = this.#connection;
    const url = `stomp://${authorityOf(host, port)}`;
    return new Client({
      webSocketFactory: () =>
        new StompSocket(this.#socket, url, tls === undefined ? "connect" : "secureConnect"),
      stompVersions: new Versions([Versions.V1_2]),
      connectHeaders: {
        host,
        ...(user === undefined ? {} : { login: user }),
        ...(password === undefined ? {} : { passcode: password }),
      },
      reconnectDelay: 0,
      heartbeatIncoming: heartbeatMs,
      heartbeatOutgoing: heartbeatMs,
      onConnect: () => {
        this.#isOpen = true;
        this.#connected.resolve();
      },
      onHeartbeatLost: () => this.#end(this.#silence(2 * heartbeatMs)),
      onStompError: (frame) => this.#hearError(frame),
      onUnhandledReceipt: ({ headers }) => this.#answer(headers["receipt-id"], "delivered"),
    });
  }

  #publish(message: Message, settle: (result: DeliveryResult) => void): void {
    const receipt = String(this.#sent++);
    this.#watch();
    this.#pending.set(receipt, { message, settle });
    message.headers["receipt"] = receipt;
    this.#client.publish(message);
  }

  #answer(receipt: string | undefined, result: DeliveryResult): void {
    const pending = this.#pending.get(receipt ?? "");
    if (pending === undefined) return; // Of a goodbye.
    this.#pending.delete(receipt!);
    this.#heardAt = performance.now();
    pending.settle(result);
  }

  /** One that names a receipt is about that message alone; any other ends the connection. */
  #hearError(frame: IFrame): void {
    const receipt = frame.headers["receipt-id"];
    const pending = receipt === undefined ? undefined : this.#pending.get(receipt);
    if (pending !== undefined) {
      return this.#answer(receipt, judgeRefusal(frame, pending.message.destination, this.#server));
    }
    if (!this.#isOpen) return this.#end(judgeLogin(frame, this.#server));
    if (blamesFrame(frame)) this.#blame = "certain";
    this.#end(judgeEnd(frame, this.#server));
  }

  #end(reason: DeliveryError): void {
    if (this.#isClosed) return;
    this.#connected.reject(reason);
    this.#lost(reason);
  }

  #hasLargeUnderWay(): boolean {
    return this.#pending.values().some(({ message }) => message.frameBytes >= LARGE_FRAME);
  }

  #judgeClose(cause: unknown): DeliveryError {
    if (cause !== undefined) return unreachable(this.#server, cause);
    return new DeliveryError("output_unavailable", `${this.#server} closed the connection`);
  }

  #silence(milliseconds: number): DeliveryError {
    return new DeliveryError("output_timeout", `${this.#server} did not answer within ${milliseconds} ms`);
  }

  /** To be called before the broker owes another answer. One timer for all sees whether there was any. */
  #watch(): void {
    if (this.#pending.size === 0) this.#heardAt = performance.now();
    this.#timer ??= setTimeout(this.#look, this.#connection.timeoutMs);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#pending.size === 0) return;
    const { timeoutMs } = this.#connection;
    const leftMs = this.#heardAt + timeoutMs - performance.now();
    if (leftMs > 0) this.#timer = setTimeout(this.#look, Math.ceil(leftMs));
    else this.#end(this.#silence(timeoutMs));
  };
}
