import type { Refusal } from "../verifier.ts";

/** Names that every proxy passes on. */
const PLAIN_NAME = /^[0-9A-Za-z-]+$/;

/**
 * The refusal of a request without a header that the configuration asks for. Some proxies drop headers by
 * their names without a word: the reason then says so.
 */
export function missingHeader(name: string): Refusal {
  return { code: "unauthorized", reason: `The header '${name}' is missing${proxyHint(name)}` };
}

/** nginx 1.22: `underscores_in_headers`, `ignore_invalid_headers`. Caddy drops such names from 2.11.4 on. */
function proxyHint(name: string): string {
  if (PLAIN_NAME.test(name)) return "";
  const cure = PLAIN_NAME.test(name.replaceAll("_", ""))
    ? "nginx without 'underscores_in_headers on', Caddy without 'expected_underscore_headers'"
    : "nginx without 'ignore_invalid_headers off', Caddy always";
  return `: a proxy may have dropped it, as its name has more than letters, digits and '-' (${cure})`;
}
