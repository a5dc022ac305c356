/**
 * The refusal of a request whose signatures do not fit.
 *
 * @module
 */

import { OTHER_SECRET_OR_URL } from "../public_url.ts";
import type { Refusal } from "../verifier.ts";

/** @param signsUrl whether the URL is signed as well, which proxies on the way may have changed */
export function noMatch(signsUrl: boolean): Refusal {
  const cause = signsUrl ? `: ${OTHER_SECRET_OR_URL}` : "";
  return { code: "unauthorized", isMismatch: true, reason: `No signature matches the request${cause}` };
}
