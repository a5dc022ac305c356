/**
 * Names of headers that a configuration asks for. Some proxies drop headers by their names without a word: what is
 * said about a missing one, and about the name, says so.
 *
 * @module
 */

import { z } from "zod";
import type { Notice, Refusal } from "../verifier.ts";

/** A header's name: `token` of RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Names that every proxy passes on. */
const PLAIN_NAME = /^[0-9A-Za-z-]+$/;

/** The name of a header, in any case. */
export function headerNameField(): z.ZodString {
  return z.string().regex(HEADER_NAME, { error: "Must be the name of a header" });
}

/** The refusal of a request without a header that the configuration asks for. */
export function missingHeader(name: string): Refusal {
  const hint = PLAIN_NAME.test(name)
    ? ""
    : `: a proxy may have dropped it, as its name has more than letters, digits and '-' (${cureFor(name)})`;
  return { code: "unauthorized", reason: `The header '${name}' is missing${hint}` };
}

/** What to know of a name that some proxies drop; nothing of others. @param path the key that holds the name */
export function headerNotices(path: string, name: string): readonly Notice[] {
  if (PLAIN_NAME.test(name)) return [];
  const message = `Some proxies drop headers whose names have more than letters, digits and '-': ${
    cureFor(name)
  }`;
  return [{ path, message }];
}

/** nginx 1.22: `underscores_in_headers`, `ignore_invalid_headers`. Caddy drops such names from 2.11.4 on. */
function cureFor(name: string): string {
  return PLAIN_NAME.test(name.replaceAll("_", ""))
    ? "nginx without 'underscores_in_headers on', Caddy without 'expected_underscore_headers'"
    : "nginx without 'ignore_invalid_headers off', Caddy always";
}
