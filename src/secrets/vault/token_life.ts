/**
 * Keeps a token alive: renews it at half of its life, and makes another one when the first one's end is near.
 *
 * @module
 */

import { bodyOf, isObject } from "./answer.ts";
import type { Clock } from "./clock.ts";
import { VaultFailure } from "./failure.ts";
import type { VaultToken } from "./login.ts";
import type { VaultClient } from "./vault_client.ts";
import { backoffBoundMs, halfRandom } from "../../time/backoff.ts";

/** Shortest pause between two steps, in milliseconds. */
const SHORTEST_PAUSE_MS = 1000;

/** Pauses after steps that failed. */
const RETRIES = { initialMs: 2 * SHORTEST_PAUSE_MS, maxMs: 30_000 };

/** Longest pause while a token that cannot be replaced goes to its end, in milliseconds. */
const MAX_PAUSE_MS = 60 * 60 * 1000;

/** What happens to a token. */
export interface TokenEvents {
  /**
   * Makes another token, after which this one needs no care.
   *
   * @throws {VaultFailure} when that is not possible now
   */
  replace(): Promise<void>;
  /**
   * The token ends at another time than before.
   *
   * @param isFinal whether that is its end: it cannot be renewed beyond it
   */
  onExpiry(expiresAt: number, isFinal: boolean): void;
}

type Renewal =
  | { readonly kind: "renewed"; readonly leaseMs: number }
  /** The server says no, or fails to do it. */
  | { readonly kind: "refused" }
  /** No answer, or none of this server's own. */
  | { readonly kind: "unable" };

/**
 * Cares for a token until it is replaced or has ended.
 *
 * @param token one that ends
 * @param canBeReplaced whether a login can make another one
 * @throws the signal's reason, when it aborts
 */
export async function keepAlive(
  token: VaultToken,
  canBeReplaced: boolean,
  { client, clock, events }: { client: VaultClient; clock: Clock; events: TokenEvents },
  signal: AbortSignal,
): Promise<void> {
  let { leaseMs, expiresAt } = token;
  let failures = 0;
  let isFinal = !token.isRenewable;
  events.onExpiry(expiresAt, isFinal && !canBeReplaced);
  while (true) {
    await clock.wait(pauseBefore(expiresAt - clock.now(), failures, isFinal && !canBeReplaced), signal);
    const hasEnded = clock.now() >= expiresAt;
    if (hasEnded && !canBeReplaced) return;
    const renewal: Renewal = token.isRenewable && !hasEnded
      ? await renew(token, client, signal)
      : { kind: "refused" };
    if (renewal.kind === "unable") {
      failures++;
      continue;
    }
    if (renewal.kind === "renewed") {
      // A shorter lease than before means that the longest life of the token is near.
      isFinal = renewal.leaseMs < leaseMs;
      expiresAt = clock.now() + renewal.leaseMs;
      leaseMs = Math.max(leaseMs, renewal.leaseMs);
      failures = 0;
    } else isFinal = true;
    events.onExpiry(expiresAt, isFinal && !canBeReplaced);
    if (!isFinal || !canBeReplaced) continue;
    try {
      return await events.replace();
    } catch (error) {
      if (!(error instanceof VaultFailure)) throw error;
      // The old token is good to its end.
      failures++;
    }
  }
}

/** Half of what is left, and after failures less, so that there is time for several attempts. */
function pauseBefore(leftMs: number, failures: number, goesToItsEnd: boolean): number {
  const half = Math.max(SHORTEST_PAUSE_MS, leftMs / 2);
  if (failures > 0) {
    const retry = halfRandom(backoffBoundMs(RETRIES, failures));
    return leftMs > 0 ? Math.min(half, retry) : retry;
  }
  return goesToItsEnd ? Math.min(half, MAX_PAUSE_MS) : half;
}

async function renew(token: VaultToken, client: VaultClient, signal: AbortSignal): Promise<Renewal> {
  const path = "auth/token/renew-self";
  try {
    const answer = await client.ask(
      { method: "POST", path, token: token.value, body: {}, inNamespace: true },
      signal,
    );
    const auth = bodyOf(answer)?.["auth"];
    if (answer.status === 200 && isObject(auth) && typeof auth["lease_duration"] === "number") {
      return { kind: "renewed", leaseMs: auth["lease_duration"] * 1000 };
    }
    // 500 is what a token gets that may not be renewed any more; sealed servers and those without a leader say others.
    const isRefusal = answer.status === 500 || (answer.status >= 400 && answer.status < 429);
    return { kind: isRefusal ? "refused" : "unable" };
  } catch (error) {
    if (!(error instanceof VaultFailure)) throw error;
    return { kind: "unable" };
  }
}
