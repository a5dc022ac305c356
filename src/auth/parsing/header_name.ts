/**
 * Names of headers that a configuration asks for: what is said about a missing one, and about the name.
 *
 * @module
 */

import { cureForHeader, doubtAboutHeader } from "../../schema/header_names.ts";
import type { Notice, Refusal } from "../verifier.ts";

/** The refusal of a request without a header that the configuration asks for. */
export function missingHeader(name: string): Refusal {
  const cure = cureForHeader(name);
  const hint = cure === undefined
    ? ""
    : `: a proxy may have dropped it, as its name has more than letters, digits and '-' (${cure})`;
  return { code: "unauthorized", reason: `The header '${name}' is missing${hint}` };
}

/** What to know of a name that some proxies drop; nothing of others. @param path the key that holds the name */
export function headerNotices(path: string, name: string): readonly Notice[] {
  const message = doubtAboutHeader(name);
  return message === undefined ? [] : [{ path, message }];
}
