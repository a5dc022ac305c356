/**
 * What gateways say to each other so that nobody has to look all the time: that a channel has something new, or a lane.
 *
 * It is a hint and no more. Each is said in a transaction of its own that does not wait for the disk, since those that
 * notify commit one after the other; one that is lost is made up for by whoever looks every second. A pooler that lends
 * connections by transaction takes a LISTEN and passes nothing on, so it is tried out first; over another connection,
 * since the one that it has lent for the LISTEN answers a NOTIFY with its notification.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { abortable, pause } from "../../../time/abortable.ts";
import { within } from "../../../time/within.ts";
import type { PostgresClient } from "../../../io/postgres/client.ts";
import type { PostgresConnection, PostgresServer } from "../connection/connection.ts";
import { prepared } from "../../../io/postgres/statement.ts";

/** What notifications are sent under, in all gateways of a database. */
const TOPIC = "cwm_wake";

const LISTEN = { text: `listen ${TOPIC}` };

/** Says the values. Set for the transaction alone, which this statement is. */
const NOTIFY = prepared(
  `select set_config('synchronous_commit', 'off', true), pg_notify('${TOPIC}', word) from unnest($1::text[]) word`,
);

/** How long the first notification, one to oneself, may take, in milliseconds. */
const PROOF_TIMEOUT_MS = 2_000;

/** How often something is said at most, in milliseconds. */
const PAUSE_MS = 50;

/** The pause before another connection is tried, in milliseconds. */
const AGAIN_MS = 1_000;

/** Who wants to hear what other gateways say. Must not throw. */
export interface WakeupListener {
  /** Another gateway has said something. */
  onSaid(word: string): void;
  /** Something may have been missed. */
  onMissed(): void;
}

/** Says things to the other gateways of a database, and hears what they say, from the first use on. */
export class Wakeups implements AsyncDisposable {
  readonly #listening: PostgresConnection;
  readonly #saying: PostgresConnection;
  readonly #logger: Logger;
  /** Begins what this gateway says. */
  readonly #self = `${crypto.randomUUID()} `;
  readonly #listeners = new Set<WakeupListener>();
  readonly #closed = new AbortController();
  readonly #unsaid = new Set<string>();
  #running: Promise<void> | undefined;
  #isHeard = false;
  #isReported = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param server two connections to it are opened with the first use */
  constructor(server: Pick<PostgresServer, "connection">, logger: Logger) {
    this.#listening = server.connection();
    this.#saying = server.connection();
    this.#logger = logger;
  }

  /** Whether what others say is heard. Otherwise one has to look often. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** Has the listener called until disposed. */
  listen(listener: WakeupListener): Disposable {
    this.#listeners.add(listener);
    this.#start();
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Says something soon, once however often it is asked for until then. @param word at most 200 characters */
  say(word: string): void {
    this.#start();
    this.#unsaid.add(word);
    if (this.#timer === undefined) this.#say();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#timer);
    await this.#running;
    await this.#listening[Symbol.asyncDispose]();
    await this.#saying[Symbol.asyncDispose]();
  }

  #start(): void {
    if (!this.#closed.signal.aborted) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        await this.#listening.use((client) => this.#follow(client), signal);
      } catch {
        // Whoever needs the server for more than a hint reports that it is away.
      }
      this.#isHeard = false;
      await pause(AGAIN_MS, signal);
    }
  }

  /** Listens as long as the connection lasts. */
  async #follow(client: PostgresClient): Promise<never> {
    const proven = Promise.withResolvers<void>();
    client.onNotification((topic, said) => {
      if (topic !== TOPIC) return;
      if (said.startsWith(this.#self)) return proven.resolve();
      const word = said.slice(this.#self.length);
      for (const listener of this.#listeners) listener.onSaid(word);
    });
    await client.query(LISTEN);
    await this.#notify([this.#self]);
    this.#isHeard = await within(PROOF_TIMEOUT_MS, proven.promise, this.#closed.signal);
    if (!this.#isHeard) this.#report();
    for (const listener of this.#listeners) listener.onMissed();
    return await abortable(new Promise<never>(() => {}), this.#closed.signal);
  }

  #say(): void {
    if (this.#unsaid.size === 0 || this.#closed.signal.aborted) return;
    const words = Array.from(this.#unsaid, (word) => this.#self + word);
    this.#unsaid.clear();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#say();
    }, PAUSE_MS);
    // What is not said is seen by whoever looks.
    this.#notify(words).catch(() => {});
  }

  async #notify(words: readonly string[]): Promise<void> {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(PROOF_TIMEOUT_MS)]);
    await this.#saying.use((client) => client.query(NOTIFY, [words]), signal);
  }

  #report(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#logger.info(
      "The journal's PostgreSQL passes no notifications on, as behind a pooler that lends connections by transaction: channels and lanes are looked at four times a second",
    );
  }
}
