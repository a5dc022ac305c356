/** Letters, digits, `-`, `.`, `_` and `~`, percent-encoded (RFC 3986, section 2.3). */
const ENCODED_UNRESERVED = /%(?:2[DE]|3\d|[46][1-9A-F]|5[0-9AF]|7[0-9AE])/gi;

/**
 * A path with its percent-encoded letters as letters, which mean the same (RFC 3986, section 6.2.2.2). What would mean
 * something else, such as an encoded slash, and what is malformed stays as it is.
 */
export function plainPath(path: string): string {
  return path.includes("%") ? path.replace(ENCODED_UNRESERVED, decodeOne) : path;
}

function decodeOne(encoded: string): string {
  return String.fromCharCode(parseInt(encoded.slice(1), 16));
}
