/**
 * Copies of headers.
 *
 * @module
 */

/**
 * A copy of headers that says what they say. The runtime's own copies lack an empty value that stands before others of
 * the same name, so that a header that was sent twice would look like one that was sent once.
 */
export function copiedHeaders(received: Headers): Headers {
  const headers = new Headers();
  for (const name of received.keys()) headers.set(name, received.get(name) ?? "");
  return headers;
}

/**
 * What describes the bytes of a body (RFC 9110, section 8; RFC 9530; RFC 3230; RFC 1864), and is false of other
 * ones.
 */
const ABOUT_THE_BYTES = [
  "content-digest",
  "content-encoding",
  "content-length",
  "content-md5",
  "digest",
  "repr-digest",
];

/** A copy of headers for another body than the one that was sent: without those that describe its bytes. */
export function headersOfOtherBody(received: Headers): Headers {
  const headers = copiedHeaders(received);
  for (const name of ABOUT_THE_BYTES) headers.delete(name);
  return headers;
}
