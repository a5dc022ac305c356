/**
 * Look-ups of host names that cannot take every thread: one look-up of a name at a time, whose answer serves all that
 * ask meanwhile and for some seconds after. A look-up holds a thread of the runtime until the system's resolver
 * answers, which may be 20 s and more for a name whose servers are silent, and no signal ends it.
 *
 * @module
 */

import { lookup, type LookupAddress, type LookupAllOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import { BlockingCalls } from "./blocking_calls.ts";

/** How long addresses are kept, in milliseconds. */
const KEPT_MS = 5_000;

/** How long it is kept that a name could not be resolved, in milliseconds. */
const FAILURE_KEPT_MS = 1_000;

/** Most names whose answers are kept; past it the oldest is forgotten. */
const MAX_KEPT = 1_000;

/** Whoever asks has a deadline of its own; the answer serves those that ask later. */
const UNENDING = new AbortController().signal;

/** Finds all addresses of a name, like {@linkcode lookup} of `node:dns`. */
export type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** How names are looked up. */
export interface NameLookupsOptions {
  /** Most names that are looked up at once; further ones wait. */
  readonly total: number;
  /** @default the system's resolver, `/etc/hosts` included */
  readonly resolve?: Resolver;
  /** How long addresses are kept, in milliseconds. @default 5000 */
  readonly keptMs?: number;
  /** How long failures are kept, in milliseconds. @default 1000 */
  readonly failureKeptMs?: number;
}

/** What the resolver said. */
type Answer = { readonly error: Error } | { readonly addresses: readonly LookupAddress[] };

interface KeptAnswer {
  readonly answer: Promise<Answer>;
  /** Until when it serves, by `performance.now()`. */
  until: number;
}

/** Looks up names, each only once at a time. */
export class NameLookups {
  readonly #options: Required<Omit<NameLookupsOptions, "total">>;
  readonly #calls: BlockingCalls;
  /** By name and options, the oldest first. */
  readonly #kept = new Map<string, KeptAnswer>();

  constructor({ total, ...options }: NameLookupsOptions) {
    this.#options = {
      resolve: lookup,
      keptMs: KEPT_MS,
      failureKeptMs: FAILURE_KEPT_MS,
      ...options,
    };
    this.#calls = new BlockingCalls({ total, perKey: 1 });
  }

  /** Finds all addresses of a name. */
  readonly resolve: Resolver = (hostname, options, callback) => {
    void this.#answerOf(hostname, options).then((answer) => {
      if ("error" in answer) callback(answer.error, []);
      else callback(null, [...answer.addresses]);
    });
  };

  /** The `lookup` option of sockets. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      if (first === undefined) return callback(new Error(`${hostname} has no address`), "");
      callback(null, first.address, first.family);
    });
  };

  #answerOf(hostname: string, options: LookupAllOptions): Promise<Answer> {
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.until > performance.now()) return kept.answer;
    const answer = this.#ask(hostname, options);
    const asked: KeptAnswer = { answer, until: Infinity };
    this.#kept.delete(key);
    this.#kept.set(key, asked);
    void answer.then((answered) => {
      const { keptMs, failureKeptMs } = this.#options;
      asked.until = performance.now() + ("error" in answered ? failureKeptMs : keptMs);
      this.#forgetOldest();
    });
    return answer;
  }

  /** Never rejects. */
  async #ask(hostname: string, options: LookupAllOptions): Promise<Answer> {
    try {
      return await this.#calls.run(hostname, UNENDING, () => {
        return new Promise<Answer>((resolve) => {
          this.#options.resolve(hostname, options, (error, addresses) => {
            resolve(error === null ? { addresses } : { error });
          });
        });
      });
    } catch (error) {
      return { error: error as Error };
    }
  }

  #forgetOldest(): void {
    if (this.#kept.size <= MAX_KEPT) return;
    for (const [key, { until }] of this.#kept) {
      if (until !== Infinity) return void this.#kept.delete(key);
    }
  }
}

/** Names of outputs' servers and destinations. */
export const outputNames = new NameLookups({ total: 6 });

/** Names that the configuration comes from, which do not wait for those of outputs. */
export const configurationNames = new NameLookups({ total: 3 });
