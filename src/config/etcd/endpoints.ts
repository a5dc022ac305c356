/**
 * The members of the cluster, what was last seen of each, and which of them is tried next.
 *
 * @module
 */

import { type ProgressHabit, unknownHabit } from "./life_check.ts";
import { EtcdCallError } from "./wire/connection.ts";
import type { EtcdEndpoint } from "./wire/endpoint.ts";
import { knockUntilAccepted } from "./wire/knock.ts";

/** The endpoints, tried in turn from a random one on. */
export class Endpoints {
  readonly #all: readonly EtcdEndpoint[];
  #next: number;
  /** Those whose last connection attempt was not even accepted, and those that have refused our login. */
  readonly #unreachable = new Set<EtcdEndpoint>();
  readonly #denying = new Set<EtcdEndpoint>();
  /** By the names of endpoints. */
  readonly #habits = new Map<string, ProgressHabit>();

  /** @param first a number in [0, 1): which one is tried first */
  constructor(endpoints: readonly EtcdEndpoint[], first: number) {
    this.#all = endpoints;
    this.#next = Math.floor(first * endpoints.length);
  }

  /** All of them, the one to be tried next first. */
  inTurn(): readonly EtcdEndpoint[] {
    return [...this.#all.slice(this.#next), ...this.#all.slice(0, this.#next)];
  }

  /** How an endpoint answers questions for its progress, as far as that was found out. */
  habitOf({ name }: EtcdEndpoint): ProgressHabit {
    const known = this.#habits.get(name);
    if (known !== undefined) return known;
    const habit = unknownHabit();
    this.#habits.set(name, habit);
    return habit;
  }

  /** An endpoint has answered. */
  answered(endpoint: EtcdEndpoint): void {
    this.#unreachable.delete(endpoint);
    this.#denying.delete(endpoint);
  }

  /** No connection to an endpoint came about. */
  failed(endpoint: EtcdEndpoint, error: unknown): void {
    if (wasRefused(error)) this.#unreachable.add(endpoint);
    else this.#unreachable.delete(endpoint);
  }

  /**
   * An attempt, or a session, has ended.
   *
   * @param isDenied whether the login was refused
   * @param goesOn whether the next attempt goes to another endpoint
   */
  ended(endpoint: EtcdEndpoint, isDenied: boolean, goesOn: boolean): void {
    if (isDenied) this.#denying.add(endpoint);
    else this.#denying.delete(endpoint);
    if (goesOn) this.#next = (this.#all.indexOf(endpoint) + 1) % this.#all.length;
  }

  /** Resolves when an endpoint accepts connections (again), which is then tried next, or when the signal aborts. */
  async knock(intervalMs: number, signal: AbortSignal): Promise<void> {
    const accepting = await knockUntilAccepted({
      unreachable: [...this.#unreachable],
      // One that has refused the login is there: only time, or an operator, helps.
      endpoints: this.#all.filter((endpoint) => !this.#denying.has(endpoint)),
      intervalMs,
      signal,
    });
    if (accepting !== undefined) this.#next = this.#all.indexOf(accepting);
  }
}

/** Whether an attempt has failed at its TCP connection, rather than before or after it. */
function wasRefused(error: unknown): boolean {
  if (!(error instanceof EtcdCallError) || error.wasAccepted) return false;
  return error.failure === "unreachable" || error.failure === "timeout";
}
