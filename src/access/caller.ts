/**
 * Who asks an admin route, and what that one may see and do.
 *
 * @module
 */

import { namespaceMatcher } from "../schema/namespace_patterns.ts";

/**
 * What tokens may be for, each of which may all that those before it may.
 *
 * - `viewer`: reads what belongs to its namespaces.
 * - `operator`: acts on it as well: replays, drops, pauses, retries.
 * - `admin`: everything, in all namespaces and of the gateway as a whole.
 */
export const ROLES = ["viewer", "operator", "admin"] as const;

/** One of {@linkcode ROLES}. */
export type Role = typeof ROLES[number];

/** The pattern of all namespaces. */
export const ALL_NAMESPACES = "*";

/** Who presents a token. */
export class Caller {
  readonly #matches: (namespace: string) => boolean;

  /**
   * @param name names the token in the audit
   * @param namespaces patterns; an admin has all of them
   */
  constructor(readonly name: string, readonly role: Role, readonly namespaces: readonly string[]) {
    this.#matches = role === "admin" ? () => true : namespaceMatcher(namespaces);
  }

  /** Whether it is to see what belongs to no namespace, such as the size of the journal, and to act on it. */
  get isAdmin(): boolean {
    return this.role === "admin";
  }

  /** Whether it has a role, or one that may more. */
  has(role: Role): boolean {
    return ROLES.indexOf(this.role) >= ROLES.indexOf(role);
  }

  /** Whether a namespace, and what belongs to it, is there for this one. */
  sees(namespace: string): boolean {
    return this.#matches(namespace);
  }

  /** The same of a webhook's path, `namespace/id`. */
  seesPath(path: string): boolean {
    const slash = path.indexOf("/");
    return this.#matches(slash === -1 ? path : path.slice(0, slash));
  }

  /** The condition of a filter that keeps it within the namespaces; nothing for an admin. */
  get filter(): { readonly namespaces?: readonly string[] } {
    return this.isAdmin ? {} : { namespaces: this.namespaces };
  }
}
