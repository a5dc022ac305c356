/**
 * The secrets that webhooks were brought, as verifiers see them and as they are kept. Webhooks are named by their paths,
 * `namespace/id`.
 *
 * @module
 */

/** Asked by verifiers. */
export interface Handshakes {
  /** Whether an operator waits for the webhook's secret. */
  isOpen(webhook: string): boolean;
  /**
   * The secret that the webhook was brought, if it was.
   *
   * @throws {UnavailableError} when that cannot be found out now
   */
  secretOf(webhook: string): string | undefined | Promise<string | undefined>;
  /**
   * Keeps a secret, and takes no other one.
   *
   * @returns whether it was taken: not if nobody waits for it, or there is one already
   * @throws {UnavailableError} when it cannot be kept now; it may be brought again
   */
  take(webhook: string, secret: string): Promise<boolean>;
}

/** Whether a webhook has no secret but the one that it is brought, or has one that its configuration names. */
export type HandshakeNeed = "awaited" | "settled";

/** A secret that was brought. */
export interface KeptHandshake {
  readonly secret: string;
  /** In milliseconds since 1970. */
  readonly takenAt: number;
  /** Whether an operator has seen it. */
  readonly isShown: boolean;
}

/** Where they are kept. All methods reject with a `GatewayError` `journal_unavailable` when it cannot be used. */
export interface HandshakeStore {
  /** All that are kept, by webhook. */
  list(): Promise<ReadonlyMap<string, KeptHandshake>>;
  find(webhook: string): Promise<KeptHandshake | undefined>;
  /** @returns whether it was kept: not if there is one */
  keep(webhook: string, secret: string, takenAt: number): Promise<boolean>;
  /** @returns whether it had not been shown before */
  markShown(webhook: string): Promise<boolean>;
  /** @returns whether there was one */
  forget(webhook: string): Promise<boolean>;
}
