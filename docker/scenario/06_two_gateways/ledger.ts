/**
 * Sends events through nginx and takes what the gateways deliver, so that it knows the end of every event.
 *
 * - `POST /events`: a delivery of a gateway.
 * - `POST /senders?count=8`: begins to send. Each sender sends one event after the other, and each event again until it
 *   is answered 2xx, as providers do. `DELETE /senders` ends that, once their last events are accepted.
 * - `POST /faults`: something is broken now; deliveries around this moment may be made again.
 * - `GET /report`: the {@linkcode Report}.
 *
 * @module
 */

/** The webhooks that are sent to in turn. Only the second one recognises what is sent again. */
const WEBHOOKS = ["orders", "payments"] as const;

type Webhook = typeof WEBHOOKS[number];

/**
 * Deliveries this long before a fault, in milliseconds, may be unsettled when it comes, and those this long after it may
 * have been begun before it.
 */
const BEFORE_FAULT_MS = 3_000;
const AFTER_FAULT_MS = 3_000;

/** How many missing events are named. */
const LISTED = 20;

/** How long a sender waits for an answer, and before it sends an event again, in milliseconds. */
const ANSWER_MS = 10_000;
const AGAIN_MS = 100;

/** What is known of all events. */
export interface Report {
  /** Events that were sent, and how many of them were answered 2xx at last. */
  readonly sent: number;
  readonly accepted: number;
  /** Accepted events that were not delivered yet. Once nothing is under way any more, these are lost. */
  readonly missing: number;
  /** The first ones of them. */
  readonly firstMissing: readonly MissingEvent[];
  /** Events that were delivered again with the same `cwm-event-id`, and those of them that no fault explains. */
  readonly deliveredAgain: number;
  readonly deliveredAgainUnexplained: number;
  /** Events of `orders` that were accepted twice, and those of them that nobody sent again near a fault. */
  readonly acceptedTwice: number;
  readonly acceptedTwiceUnexplained: number;
  /** Events of `payments` that were accepted twice: none, since all gateways know what was accepted. */
  readonly paymentsTwice: number;
  /** Answers other than 2xx, by status, and `none` where there was none. */
  readonly refused: Readonly<Record<string, number>>;
  /** The longest time between two answers 2xx, in milliseconds. */
  readonly longestSilenceMs: number;
}

/** An event that was not delivered. */
export interface MissingEvent {
  readonly n: number;
  readonly webhook: Webhook;
  /** How often it was sent. */
  readonly sends: number;
  /** How long ago it was accepted, and its `event_id`. */
  readonly secondsAgo: number;
  readonly eventId: string;
}

/** One event that was sent. */
interface Entry {
  readonly webhook: Webhook;
  sends: number;
  isAccepted: boolean;
  acceptedAt: number;
  /** As the gateway has answered it. */
  eventId: string;
  /** When each `cwm-event-id` was delivered, in milliseconds. */
  readonly deliveries: Map<string, number[]>;
}

/** The book of all events. */
export class Ledger {
  readonly #entries: Entry[] = [];
  readonly #faults: number[] = [];
  readonly #refused: Record<string, number> = {};
  readonly #now: () => number;
  #lastAcceptedAt: number | undefined;
  #longestSilenceMs = 0;

  /** @param now the time in milliseconds. @default that of the process */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Enters an event that is about to be sent. Returns its number. */
  enter(): number {
    const webhook = WEBHOOKS[this.#entries.length % WEBHOOKS.length] ?? WEBHOOKS[0];
    return this.#entries.push({
      webhook,
      sends: 0,
      isAccepted: false,
      acceptedAt: 0,
      eventId: "",
      deliveries: new Map(),
    }) - 1;
  }

  /** An event is sent, perhaps again. Returns the webhook that it is for. */
  sends(n: number): Webhook {
    const entry = this.#entry(n);
    entry.sends++;
    return entry.webhook;
  }

  /**
   * @param status of the answer, `undefined` where there was none
   * @param eventId that the answer names
   */
  answered(n: number, status: number | undefined, eventId = ""): void {
    if (status === undefined || status < 200 || status > 299) {
      const name = String(status ?? "none");
      this.#refused[name] = (this.#refused[name] ?? 0) + 1;
      return;
    }
    const now = this.#now();
    Object.assign(this.#entry(n), { isAccepted: true, acceptedAt: now, eventId });
    this.#longestSilenceMs = Math.max(this.#longestSilenceMs, now - (this.#lastAcceptedAt ?? now));
    this.#lastAcceptedAt = now;
  }

  delivered(n: number, eventId: string): void {
    const { deliveries } = this.#entry(n);
    deliveries.set(eventId, [...deliveries.get(eventId) ?? [], this.#now()]);
  }

  /** Something is broken now. */
  fault(): void {
    this.#faults.push(this.#now());
  }

  /** Nobody sends any more: what comes later is no silence. */
  senderless(): void {
    this.#lastAcceptedAt = undefined;
  }

  report(): Report {
    const accepted = this.#entries.filter(({ isAccepted }) => isAccepted);
    const missing = this.#entries.flatMap((entry, n) => isMissing(entry) ? [this.#describe(entry, n)] : []);
    const again = this.#entries.flatMap(({ deliveries }) =>
      [...deliveries.values()].filter((times) => times.length > 1)
    );
    const twice = this.#entries.filter(({ deliveries }) => deliveries.size > 1);
    const orders = twice.filter(({ webhook }) => webhook === "orders");
    return {
      sent: this.#entries.length,
      accepted: accepted.length,
      missing: missing.length,
      firstMissing: missing.slice(0, LISTED),
      deliveredAgain: again.length,
      deliveredAgainUnexplained: again.filter(([first = 0]) => !this.#isNearFault(first)).length,
      acceptedTwice: orders.length,
      acceptedTwiceUnexplained: orders.filter((entry) => !this.#wasSentAgain(entry)).length,
      paymentsTwice: twice.length - orders.length,
      refused: this.#refused,
      longestSilenceMs: Math.round(this.#longestSilenceMs),
    };
  }

  #describe({ webhook, sends, acceptedAt, eventId }: Entry, n: number): MissingEvent {
    return { n, webhook, sends, secondsAgo: Math.round((this.#now() - acceptedAt) / 1_000), eventId };
  }

  #entry(n: number): Entry {
    const entry = this.#entries[n];
    if (entry === undefined) throw new RangeError(`There is no event ${n}`);
    return entry;
  }

  #isNearFault(time: number): boolean {
    return this.#faults.some((fault) => time > fault - BEFORE_FAULT_MS && time < fault + AFTER_FAULT_MS);
  }

  /** By its sender, or by nginx, whose gateway ended without an answer. */
  #wasSentAgain({ sends, deliveries }: Entry): boolean {
    return sends > 1 || [...deliveries.values()].some(([first = 0]) => this.#isNearFault(first));
  }
}

function isMissing({ isAccepted, deliveries }: Entry): boolean {
  return isAccepted && deliveries.size === 0;
}

/** Those who send. */
class Senders {
  readonly #ledger: Ledger;
  readonly #gateways: string;
  #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(ledger: Ledger, gateways: string) {
    this.#ledger = ledger;
    this.#gateways = gateways;
  }

  start(count: number): void {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#running = Promise.all(Array.from({ length: count }, async () => {
      while (!signal.aborted) await this.#sendUntilAccepted(this.#ledger.enter());
    }));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#ledger.senderless();
  }

  async #sendUntilAccepted(n: number): Promise<void> {
    for (;;) {
      const webhook = this.#ledger.sends(n);
      const { status, eventId } = await this.#send(webhook, n);
      this.#ledger.answered(n, status, eventId);
      if (status !== undefined && status >= 200 && status <= 299) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  async #send(webhook: Webhook, n: number): Promise<{ readonly status?: number; readonly eventId?: string }> {
    try {
      const answer = await fetch(`${this.#gateways}/webhook/${webhook}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-event": String(n) },
        body: JSON.stringify({ n }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const [, eventId = ""] = /"event_id":"([^"]+)"/.exec(await answer.text()) ?? [];
      return { status: answer.status, eventId };
    } catch {
      return {}; // No connection, or no whole answer in time.
    }
  }
}

/** Answers gateways and the test. */
function handler(ledger: Ledger, senders: Senders): Deno.ServeHandler {
  return async (request) => {
    const url = new URL(request.url);
    switch (`${request.method} ${url.pathname}`) {
      case "POST /events": {
        const { n } = await request.json() as { readonly n: number };
        ledger.delivered(n, request.headers.get("cwm-event-id") ?? "");
        break;
      }
      case "POST /senders":
        senders.start(Number(url.searchParams.get("count") ?? 1));
        break;
      case "DELETE /senders":
        await senders.end();
        break;
      case "POST /faults":
        ledger.fault();
        break;
      case "GET /report":
        break;
      default:
        return new Response(null, { status: 404 });
    }
    return Response.json(ledger.report());
  };
}

if (import.meta.main) {
  const ledger = new Ledger();
  const senders = new Senders(ledger, Deno.env.get("GATEWAYS") ?? "http://nginx:8080");
  Deno.serve({ port: 9000 }, handler(ledger, senders));
}
