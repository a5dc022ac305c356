/**
 * Requests to webhooks as they are answered, for whoever looks: an operator who asks what comes in, and how it is
 * answered. While nobody looks it costs one question a request.
 *
 * @module
 */

import type { ClientAddressResolver } from "../../auth/client_address.ts";
import { GatewayError } from "../../errors.ts";
import { clientOf, explain } from "../failure_log.ts";

/** Followers at once: each costs every request that it wants. */
const MAX_FOLLOWERS = 16;

/**
 * How long one may look, in milliseconds. Whoever still does asks again then: of one that is gone without a word nothing is
 * left.
 */
const LASTS_MS = 5 * 60_000;

/** Requests that wait for one follower. Beyond it they are counted, and not kept. */
const MAX_WAITING = 1_000;

/** What is told of a request that was answered. */
export interface AnsweredRequest {
  /** When it had come, in milliseconds since 1970. */
  readonly at: number;
  readonly namespace: string;
  /** As it stands in the URL: there may be no such webhook. */
  readonly webhook: string;
  /** `accepted`, `duplicate`, `replayed`, `filtered`, `probe`, `challenge`, or the code of the refusal or failure. */
  readonly outcome: string;
  readonly status: number;
  /** The request's id, and the event's where there is one. */
  readonly id: string;
  /** From its head to its answer, in whole milliseconds. */
  readonly ms: number;
  /** How long its body was as sent; 0 where none was read. */
  readonly bytes: number;
  /** Its address; empty for Unix sockets. */
  readonly client: string;
  /** Why it was refused or has failed. Holds nothing that the client sent, and no secret. */
  readonly reason?: string;
}

/** A request that is being answered. */
export interface TailedRequest {
  /** `namespace/id` */
  readonly webhook: string;
  readonly headers: Headers;
  readonly peerAddress: string;
  readonly clientAddresses: ClientAddressResolver;
}

/** How it is answered. */
export type TailedAnswer = Pick<AnsweredRequest, "id" | "at" | "ms" | "status" | "bytes">;

/** Tells followers of requests. */
export class Tail {
  readonly #followers = new Set<TailFollower>();
  #closed = false;

  /** Whether anybody looks. */
  get isFollowed(): boolean {
    return this.#followers.size > 0;
  }

  /**
   * A request is answered. To be called only while somebody looks.
   *
   * @param outcome what has become of it, or why it was refused or has failed
   */
  note(request: TailedRequest, answer: TailedAnswer, outcome: string | GatewayError): void {
    const { id, at, ms, status, bytes } = answer;
    const error = outcome instanceof GatewayError ? outcome : undefined;
    const slash = request.webhook.indexOf("/");
    const told: AnsweredRequest = {
      at,
      namespace: request.webhook.slice(0, slash),
      webhook: request.webhook.slice(slash + 1),
      outcome: outcome instanceof GatewayError ? outcome.code : outcome,
      status,
      id,
      ms,
      bytes,
      client: (error && clientOf(error)) ??
        request.clientAddresses.resolve(request.peerAddress, request.headers),
      ...(error === undefined ? {} : { reason: explain(error).reason }),
    };
    let line: string | undefined;
    for (const follower of this.#followers) {
      if (follower.wants(told)) follower.add(line ??= JSON.stringify(told));
    }
  }

  /**
   * Begins to look, at requests from now on.
   *
   * @throws {GatewayError} `overloaded` where as many look already as may
   */
  follow(wants: (request: AnsweredRequest) => boolean): TailFollower {
    if (this.#followers.size >= MAX_FOLLOWERS) {
      throw new GatewayError("overloaded", `There are ${MAX_FOLLOWERS} who follow requests already`);
    }
    const follower = new TailFollower(wants, () => this.#followers.delete(follower));
    if (this.#closed) follower.end();
    else this.#followers.add(follower);
    return follower;
  }

  /** The gateway ends: nobody is told anything any more. */
  close(): void {
    this.#closed = true;
    for (const follower of this.#followers) follower.end();
  }
}

/** What a follower is told at a time. */
export interface Told {
  /** One JSON object each. */
  readonly lines: readonly string[];
  /** Requests since the last time that it was too slow for. */
  readonly dropped: number;
  /** Whether this was the last time. */
  readonly isLast: boolean;
}

/** One who looks. */
export class TailFollower {
  readonly wants: (request: AnsweredRequest) => boolean;
  readonly #onEnd: () => void;
  readonly #timer = setTimeout(() => this.end(), LASTS_MS);
  #lines: string[] = [];
  #dropped = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(wants: (request: AnsweredRequest) => boolean, onEnd: () => void) {
    this.wants = wants;
    this.#onEnd = onEnd;
    Deno.unrefTimer(this.#timer);
  }

  add(line: string): void {
    if (this.#lines.length < MAX_WAITING) this.#lines.push(line);
    else this.#dropped++;
    this.#wake?.();
  }

  /** What came since the last call, as soon as there is something; nothing where that takes longer. */
  async next(longestMs: number): Promise<Told> {
    if (this.#lines.length === 0 && !this.#ended) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, longestMs);
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
    const told = { lines: this.#lines, dropped: this.#dropped, isLast: this.#ended };
    this.#lines = [];
    this.#dropped = 0;
    return told;
  }

  /** It is told what waits, and nothing more. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#onEnd();
    this.#wake?.();
  }
}
