/**
 * Which paths may be asked for. Vault itself answers a path with an empty segment by a redirect, and one with a
 * slash at its end by an error of the server or by "not there", as if a default could stand in.
 *
 * @module
 */

const MAX_LENGTH = 512;

/**
 * What is wrong with the path of a secret, as a sentence; `undefined` when nothing is.
 *
 * @param path below the mount, for example `webhooks/auth`
 */
export function refusePath(path: string): string | undefined {
  if (path === "") return "The path of the secret is empty";
  if (path.length > MAX_LENGTH) return `The path of the secret is longer than ${MAX_LENGTH} characters`;
  if (!/^[A-Za-z0-9_./-]+$/.test(path)) {
    return "The path of the secret may hold letters, digits and the characters _ . - / only";
  }
  const segments = path.split("/");
  if (segments.includes("")) {
    return `The path '${path}' has a slash at its beginning or end, or two in a row: write it without`;
  }
  if (segments.includes(".") || segments.includes("..")) {
    return `The path '${path}' has a segment '.' or '..': write the whole path without`;
  }
  return undefined;
}
