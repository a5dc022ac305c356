/**
 * The policy that is in force, and what is said of one that cannot be used. The last good one stays: nothing that is
 * written, and nothing that goes missing, opens what it closes.
 *
 * @module
 */

import { CLOSED, type Policy, readPolicy } from "../../policy/policy.ts";
import { policySchema } from "../../policy/document.ts";
import type { NamespaceRules } from "../../policy/rules.ts";
import { NamespaceShare } from "../../policy/share.ts";
import type { RateLimit } from "../../time/rate.ts";
import { describeIssues } from "../compile/describe_issues.ts";
import type { ProblemReason, WarningReason } from "../problem.ts";
import type { ConfigPut } from "../provider.ts";
import { withoutRemarks } from "../values/remarks.ts";

/** What came of a policy that was read. */
export interface PolicyReading {
  readonly problems: readonly ProblemReason[];
  /** Whether another policy is in force from now on. */
  readonly isNew: boolean;
}

/** The warning where namespaces share a gateway and nothing keeps them apart: of what, which, and its revision. */
export const NO_POLICY: readonly [key: string, warnings: readonly WarningReason[], revision: string] = [
  "policy",
  [{
    code: "policy_unset",
    path: "",
    message:
      "There is none, and there are several namespaces: whoever writes webhooks of one can use the variables, " +
      "connections, channels and directories of the others. See src/policy/README.md",
  }],
  "",
];

const GONE: ProblemReason = {
  code: "policy_missing",
  path: "",
  message:
    "It was deleted; the last one stays in force until this process ends. To lift it, write {} in its place",
};

/** Knows which policy is in force. */
export class PolicyInForce {
  #policy: Policy | undefined;
  #hasRates = false;
  /** The first namespace of a webhook, and whether there was another one. */
  #namespace: string | undefined;
  #hasSeveral = false;
  /** What namespaces with limits hold. */
  readonly #shares = new Map<string, NamespaceShare>();

  /** The rules of a namespace; `undefined` without a policy. */
  rulesOf(namespace: string): NamespaceRules | undefined {
    return this.#policy?.of(namespace);
  }

  /** Takes note of the namespace of a webhook. Returns whether it is the second one, and there is no policy. */
  isMissedBy(namespace: string): boolean {
    if (this.#hasSeveral) return false;
    this.#namespace ??= namespace;
    this.#hasSeveral = this.#namespace !== namespace;
    return this.#hasSeveral && !this.isThere;
  }

  /** What the webhooks of a namespace hold together; `undefined` where nothing bounds it. */
  shareOf(namespace: string): NamespaceShare | undefined {
    const limits = this.#policy?.of(namespace).limits;
    const { maxBodyBytes, inFlight, inFlightBytes, pending } = limits ?? {};
    if (limits === undefined || (maxBodyBytes ?? inFlight ?? inFlightBytes ?? pending) === undefined) {
      return undefined;
    }
    let share = this.#shares.get(namespace);
    if (share === undefined) this.#shares.set(namespace, share = new NamespaceShare());
    share.limits = limits;
    return share;
  }

  /** Whether {@linkcode rateOf} has a rate for any namespace. */
  get hasRates(): boolean {
    return this.#hasRates;
  }

  /** How many requests the webhooks of a namespace take together in a time; `undefined` for any number. */
  rateOf(namespace: string): RateLimit | undefined {
    return this.#policy?.of(namespace).limits?.rate;
  }

  /** How many webhooks a namespace may have; `undefined` for any number. */
  quotaOf(namespace: string): number | undefined {
    return this.#policy?.of(namespace).limits?.webhooks;
  }

  /** Whether there is any policy, even one that closes everything. */
  get isThere(): boolean {
    return this.#policy !== undefined;
  }

  /** Whether nothing may be served, since there never was a good one. */
  get isClosed(): boolean {
    return this.#policy === CLOSED;
  }

  /** What is served while the policy cannot be used. */
  get serving(): "last_good" | "nothing" {
    return this.isClosed || !this.isThere ? "nothing" : "last_good";
  }

  /**
   * Reads a policy, and puts it into force where it is good. A bad one that comes before any webhook closes everything:
   * there is a policy, and nobody knows what it permits.
   */
  read(value: ConfigPut["value"]): PolicyReading {
    if ("problem" in value) return this.#refuse([value.problem]);
    const policy = readPolicy(withoutRemarks(value.json as object));
    if ("error" in policy) return this.#refuse(describeIssues(policy.error, policySchema));
    this.#policy = policy;
    this.#hasRates = policy.hasRates;
    // At once: a request that is under way gives back what it took.
    for (const [namespace, share] of this.#shares) share.limits = policy.of(namespace).limits ?? {};
    return { problems: [], isNew: true };
  }

  /** It is not there any more. */
  lose(): PolicyReading {
    return { problems: this.isThere ? [GONE] : [], isNew: false };
  }

  #refuse(problems: readonly ProblemReason[]): PolicyReading {
    const isNew = this.#namespace === undefined && this.#policy === undefined;
    if (isNew) this.#policy = CLOSED;
    return { problems, isNew };
  }
}
