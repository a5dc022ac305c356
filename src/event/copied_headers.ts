/**
 * A copy of headers that says what they say. The runtime's own copies lack an empty value that stands before others of
 * the same name, so that a header that was sent twice would look like one that was sent once.
 */
export function copiedHeaders(received: Headers): Headers {
  const headers = new Headers();
  for (const name of received.keys()) headers.set(name, received.get(name) ?? "");
  return headers;
}
