/**
 * What the senders and the receivers of the crash test know: which events were answered how, and which
 * arrived when. Everything is kept in memory; nothing of it is asked of the gateway.
 *
 * @module
 */

/** What the body of an event says. */
export interface Order {
  readonly sender: number;
  /** Grows with each request of the sender. */
  readonly number: number;
  /** `reject`: the receiver refuses it for good. */
  readonly fate: "take" | "reject";
}

/** One request that a sender made. */
export interface Sent {
  readonly order: Order;
  readonly webhook: string;
  /** The key that repeats of the request share. */
  readonly key?: string;
  /** The event's id, when the answer was 200. */
  readonly eventId?: string;
  /** Whether there was no answer at all. */
  readonly unanswered?: boolean;
  /** How long the answer took, in milliseconds. */
  readonly tookMs?: number;
}

/** One event, delivered once. */
export interface Arrival {
  readonly eventId: string;
  readonly webhook: string;
  /** Of a chain, its step. */
  readonly step: string;
  readonly order: Order;
  /** Which life of a gateway delivered it, from 0. */
  readonly life: number;
  /** Counts all arrivals. */
  readonly index: number;
  /** When it arrived, in milliseconds of `performance.now()`. */
  readonly time: number;
  /** The attempt that the output named, where it did. */
  readonly attempt?: number;
  /** Counts arrivals and answers; `undefined` unless it was answered 200. */
  takenAt?: number;
  /** When it was answered 200, in milliseconds of `performance.now()`. */
  takenTime?: number;
  /** Whether it was answered with an error. */
  failed?: boolean;
}

/** One life of the gateway. */
export interface Life {
  /** How it ended. */
  readonly signal: "SIGKILL" | "SIGTERM";
  /** When the signal was sent, in milliseconds of `performance.now()`. */
  readonly endedAt: number;
  /** Of a process that ended by itself. */
  readonly exitCode?: number;
}

/** A time in which a gateway stood still or could not say that it lives, so that others took over what it had. */
export interface Absence {
  readonly life: number;
  /** Both in milliseconds of `performance.now()`; left out: it lasts. */
  readonly from: number;
  to?: number;
}

/** The books of one run. */
export class Ledger {
  readonly sent: Sent[] = [];
  readonly arrivals: Arrival[] = [];
  /** Those that have ended, by their number; of several gateways each has lives of its own. */
  readonly lives: (Life | undefined)[] = [];
  readonly absences: Absence[] = [];
  /** Answers other than 200, by status and code. */
  readonly refusals = new Map<string, number>();
  /** The longest time until such an answer, in milliseconds. */
  longestRefusalMs = 0;
  #clock = 0;

  /** Counts the lives that have begun, where several gateways say which they are. */
  #begun = 0;

  /** Whether several gateways share a journal. */
  get isShared(): boolean {
    return this.#begun > 0;
  }

  /** The number of a life that begins, of one of several gateways. */
  begin(): number {
    return this.#begun++;
  }

  /** @param arrival.life left out: the one that is going on */
  arrive(
    { life = this.lives.length, ...arrival }: Omit<Arrival, "index" | "life" | "time"> & { life?: number },
  ): Arrival {
    const kept = { ...arrival, life, index: this.#clock++, time: performance.now() };
    this.arrivals.push(kept);
    return kept;
  }

  /** The receiver has answered 200. */
  take(arrival: Arrival): void {
    arrival.takenAt = this.#clock++;
    arrival.takenTime = performance.now();
  }

  refuse(what: string, tookMs: number): void {
    this.refusals.set(what, (this.refusals.get(what) ?? 0) + 1);
    this.longestRefusalMs = Math.max(this.longestRefusalMs, tookMs);
  }
}
