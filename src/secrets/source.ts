/**
 * The contract of secret sources. A source reads what stands at one path of a store outside the
 * configuration; it neither knows who asked nor keeps an answer for anybody.
 *
 * @module
 */

/** What a source says about one path. Reasons are one sentence for people and never hold a secret. */
export type SecretAnswer =
  | {
    readonly state: "found";
    /** By name; a file has one field, whose name is empty. */
    readonly fields: ReadonlyMap<string, string>;
    /** The store's number of this version, where it counts them. */
    readonly version?: number;
  }
  /** The store was asked and has nothing there: the only answer that a default may stand in for. */
  | { readonly state: "absent"; readonly reason: string }
  /** Asking again gives the same answer until somebody changes a setting or a permission. */
  | { readonly state: "misconfigured"; readonly reason: string }
  /** The store cannot be asked at the moment: what was read last stays in use, and it is asked again. */
  | { readonly state: "unavailable"; readonly reason: string };

/** Where secrets come from. Read-only. */
export interface SecretSource extends AsyncDisposable {
  /**
   * Asks the store once for all fields at a path; every call is a read of its own. Failures of the store are
   * answers, not exceptions.
   *
   * @param path as the reference writes it, for example `webhooks/auth`
   * @throws {DOMException} `AbortError`, or the reason that the signal was given, when it aborts first
   */
  read(path: string, signal: AbortSignal): Promise<SecretAnswer>;
}
