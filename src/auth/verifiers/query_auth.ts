/**
 * A key in a parameter of the URL, found without parsing the whole address.
 *
 * @module
 */

import { z } from "zod";
import { lazyVerifier } from "../lazy_verifier.ts";
import type { HeadVerifier, Refusal, VerifierKind } from "../verifier.ts";
import { mismatch } from "../refusal.ts";
import { type ApiKeyConfig, apiKeyFields, apiKeyMatcher, caseNotices } from "./api_key.ts";

/** The compiled value of the key `query_auth`. */
export interface QueryAuthConfig extends ApiKeyConfig {
  /** @default "api_key" */
  readonly parameter_name: string;
}

const PARAMETER_NAME = /^[A-Za-z0-9_.-]{1,100}$/;

const configSchema: z.ZodType<QueryAuthConfig> = z.strictObject({
  parameter_name: z.string().regex(PARAMETER_NAME, {
    error: "Must be 1 to 100 letters, digits, '_', '.' or '-'",
  }).default("api_key").meta({ description: "The parameter that holds the key." }),
  ...apiKeyFields(),
}).meta({ description: "A key in the query of the URL, for senders that can do nothing better." });

/** `query_auth`: a parameter of the URL holds an exact key. */
export const queryAuth: VerifierKind<QueryAuthConfig> = {
  key: "query_auth",
  configSchema,
  example: { parameter_name: "api_key", api_key: "{$SHOP_KEY}" },
  notes: [
    "The value is decoded once, as the URL standard does: `+` is a space. A parameter that is sent twice is refused.",
    "No query is in the gateway's logs, metrics, traces and outputs, but URLs are in those of proxies and senders",
    "(RFC 6750, section 2.3): prefer a header. The Python service ignores case unless configured otherwise, and takes",
    "control characters out of what was sent; here case has to be written, and nothing is taken out.",
  ],
  notices: caseNotices,
  compile: (config) => lazyVerifier("head", verifierOf, config),
};

function verifierOf(config: QueryAuthConfig): HeadVerifier {
  const { parameter_name: name } = config;
  const matches = apiKeyMatcher(config);
  const missing = refusal(`The parameter '${name}' is missing`);
  const repeated = refusal(`The parameter '${name}' is there more than once`);
  const wrong = mismatch(refusal(`The parameter '${name}' does not have the configured key`));
  return {
    reads: "head",
    verify({ url }) {
      const presented = parameterOf(url, name);
      if (presented === undefined || presented === "") return missing;
      if (presented === REPEATED) return repeated;
      return matches(presented) ? undefined : wrong;
    },
  };
}

const REPEATED = Symbol("repeated");

/** The decoded value of a parameter; `undefined` where it is not there. */
function parameterOf(url: string, name: string): string | typeof REPEATED | undefined {
  let start = url.indexOf("?") + 1;
  if (start === 0) return undefined;
  let found: string | undefined;
  while (start <= url.length) {
    const ampersand = url.indexOf("&", start);
    const end = ampersand === -1 ? url.length : ampersand;
    const value = valueIn(url.slice(start, end), name);
    if (value !== undefined) {
      if (found !== undefined) return REPEATED;
      found = value;
    }
    start = end + 1;
  }
  return found;
}

/** Marks of a pair that says something else than it reads. */
const ENCODED = /[%+]/;

/**
 * The value of a pair of the query, if it has this name. Few pairs are encoded: only those are decoded. A question mark
 * at the beginning would be left out there, and belongs to the name.
 */
function valueIn(pair: string, name: string): string | undefined {
  if (ENCODED.test(pair)) return new URLSearchParams(`&${pair}`).get(name) ?? undefined;
  if (!pair.startsWith(name)) return undefined;
  if (pair.length === name.length) return "";
  return pair[name.length] === "=" ? pair.slice(name.length + 1) : undefined;
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
