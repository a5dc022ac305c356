/**
 * Small values that a gateway keeps beside the events, by names.
 *
 * @module
 */

/** Keeps values over restarts. All methods reject as the journal does. */
export interface KeptValues {
  /** Whether a value can be kept now without a store being made for it. */
  readonly isOpen: boolean;
  /** Keeps a value in the place of the one with its name. Where it is not open, a store is made. */
  put(name: string, value: Uint8Array): Promise<void>;
  /**
   * The values whose names begin like this, in the order of their names; none where there is no store.
   *
   * @param after goes on behind this name. @default from the beginning
   */
  list(prefix: string, after?: string): Promise<readonly KeptValue[]>;
  /** Forgets a value. */
  remove(name: string): Promise<void>;
}

/** A value with its name. */
export interface KeptValue {
  readonly name: string;
  readonly value: Uint8Array;
  /** When it was kept, in milliseconds since 1970. */
  readonly at: number;
}

/** Values of one list. */
export const KEPT_PAGE = 100;
