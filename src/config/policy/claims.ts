/**
 * What a policy judges of a webhook beside its steps, kept with what is compiled of it: when the policy changes, its
 * value need not be read again.
 *
 * @module
 */

import type { Destination } from "../../policy/destination.ts";

/** What a webhook claims beside what its steps do. Immutable. */
export interface WebhookClaims {
  /** What its references read, a line each: one text takes a fraction of what objects would. */
  readonly references: string;
  /** The keys of its methods of authentication. */
  readonly methods: readonly string[];
  /** The servers that these ask, each with its key. */
  readonly servers: readonly Destination[];
}

const shared = new Map<string, WebhookClaims>();

/** The claims of a webhook. Those that read nothing and ask nobody share one value for equal methods. */
export function claimsOf(
  references: string,
  { methods, servers }: { readonly methods: readonly string[]; readonly servers: readonly Destination[] },
): WebhookClaims {
  const key = methods.join(" ");
  let common = shared.get(key);
  if (common === undefined) shared.set(key, common = { references: "", methods, servers: NONE });
  if (servers.length > 0) return { references, methods: common.methods, servers };
  return references === "" ? common : { ...common, references };
}

const NONE: readonly never[] = [];
