/**
 * What namespaces may do, as the operator of the platform says it. Asked when a webhook is configured, and never by a
 * request but for limits.
 *
 * @module
 */

import type { z } from "zod";
import { type PolicyDocument, policySchema } from "./document.ts";
import { matches } from "./patterns.ts";
import { type NamedRule, NamespaceRules } from "./rules.ts";

/** Namespaces whose rules are kept; beyond, all are compiled again when they are needed. */
const MOST_KEPT = 10_000;

/** A compiled policy. Immutable but for what it remembers. */
export class Policy {
  readonly #document: PolicyDocument;
  /** With what each pattern begins, which rules most of them out. */
  readonly #rules: readonly (NamedRule & { readonly prefix: string })[];
  readonly #kept = new Map<string, NamespaceRules>();

  constructor(document: PolicyDocument) {
    this.#document = document;
    this.#rules = Object.entries(document.namespaces).map(([name, rule]) => ({
      name,
      rule,
      prefix: name.split("*", 1)[0]!,
    }));
  }

  /** The rules of a namespace. */
  of(namespace: string): NamespaceRules {
    let rules = this.#kept.get(namespace);
    if (rules === undefined) {
      if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
      rules = new NamespaceRules(
        namespace,
        this.#rules.filter(({ name, prefix }) => namespace.startsWith(prefix) && matches(name, namespace)),
        this.#document.default === "allow",
      );
      this.#kept.set(namespace, rules);
    }
    return rules;
  }

  /** Whether the requests to any namespace have a rate. */
  get hasRates(): boolean {
    return this.#rules.some(({ rule }) => rule.limits?.rate !== undefined);
  }
}

/** Nothing is served: there should be a policy, and there never was a good one. */
export const CLOSED: Policy = new Policy({ default: "deny", namespaces: {} });

/** Reads a policy. @returns it, or what is wrong with it */
export function readPolicy(json: unknown): Policy | { readonly error: z.ZodError } {
  const parsed = policySchema.safeParse(json);
  return parsed.success ? new Policy(parsed.data) : { error: parsed.error };
}
