/**
 * Tokens in the `Authorization` header, and what their refusals are answered with (RFC 6750).
 *
 * @module
 */

import type { Refusal } from "../verifier.ts";

const REALM = 'realm="webhook"';

/** How requests present a token, and what those without one that passes are answered. */
export class BearerScheme {
  readonly #scheme: string;
  readonly #prefix: RegExp;
  readonly #missing: Refusal;
  readonly #other: Refusal;
  /** By their reasons, each of which is one of a few sentences. */
  readonly #refusals = new Map<string, Refusal>();

  /** @param scheme what stands before the token, in any case */
  constructor(scheme = "Bearer") {
    this.#scheme = scheme;
    // One space or more (RFC 9110, section 11.4).
    this.#prefix = new RegExp(`^${scheme.replaceAll(/[^0-9A-Za-z]/g, "\\$&")} +`, "i");
    // Nothing is said of an error when there are no credentials at all (RFC 6750, section 3.1).
    const challenge = `${scheme} ${REALM}`;
    this.#missing = { code: "unauthorized", reason: "The Authorization header is missing", challenge };
    this.#other = {
      code: "unauthorized",
      reason: `The Authorization header does not have the scheme ${scheme}`,
      challenge,
    };
  }

  /** The token of a request, or the refusal of one that has none. */
  tokenOf(headers: Headers): string | Refusal {
    const presented = headers.get("authorization");
    if (presented === null || presented === "") return this.#missing;
    const prefix = this.#prefix.exec(presented);
    return prefix === null ? this.#other : presented.slice(prefix[0].length);
  }

  /** The refusal of a token. @param reason for the operator: one that does not depend on what was sent */
  refuse(reason: string): Refusal {
    let refusal = this.#refusals.get(reason);
    if (refusal === undefined) {
      const challenge = `${this.#scheme} ${REALM}, error="invalid_token"`;
      this.#refusals.set(reason, refusal = { code: "unauthorized", reason, challenge });
    }
    return refusal;
  }

  /** The refusal of a token that is good, but not for this. @param scopes those that it needs */
  refuseScope(reason: string, scopes: readonly string[]): Refusal {
    const needed = `scope="${scopes.join(" ")}"`;
    return {
      code: "forbidden",
      reason,
      challenge: `${this.#scheme} ${REALM}, error="insufficient_scope", ${needed}`,
    };
  }
}
