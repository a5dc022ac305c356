/**
 * Credentials that are a list of parameters: `Digest username="shop", nc=00000001` (RFC 9110, section 11.4).
 *
 * @module
 */

/** Longest credentials that are read, in characters. */
const MAX_LENGTH = 8 * 1024;

/** Most parameters of one list. */
const MAX_PARAMETERS = 50;

/** One parameter with what separates it from the next one. A list may have empty elements. */
const PARAMETER =
  /[ \t,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))[ \t]*(,[ \t,]*|$)/y;

/** The name and the value of a parameter. */
export type AuthParameter = readonly [name: string, value: string];

/**
 * The parameters behind the scheme, in their order. `undefined` for what is no such list, is too long, or has a
 * parameter twice, in whatever case: two readers could each take another one for the true one.
 *
 * @param scheme matches the scheme and the spaces behind it, at the beginning
 */
export function parseAuthParameters(
  credentials: string,
  scheme: RegExp,
): readonly AuthParameter[] | undefined {
  if (credentials.length > MAX_LENGTH) return undefined;
  const parameters: AuthParameter[] = [];
  const names = new Set<string>();
  PARAMETER.lastIndex = scheme.exec(credentials)?.[0].length ?? 0;
  while (PARAMETER.lastIndex < credentials.length) {
    const [, name, quoted, token = ""] = PARAMETER.exec(credentials) ?? [];
    if (name === undefined || parameters.length === MAX_PARAMETERS) return undefined;
    if (names.size === names.add(name.toLowerCase()).size) return undefined;
    parameters.push([name, quoted === undefined ? token : unescape(quoted)]);
  }
  return parameters;
}

function unescape(quoted: string): string {
  return quoted.includes("\\") ? quoted.replace(/\\(.)/g, "$1") : quoted;
}
