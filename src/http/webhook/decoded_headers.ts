import { copiedHeaders } from "../../event/copied_headers.ts";
import { withoutCharset } from "./charset.ts";
import type { BodyChange } from "./event_body.ts";

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

/**
 * The headers of a request whose body is not the one that was sent any more, since codings were undone, its
 * charset was changed or it became a JSON document: without those that describe the bytes as sent.
 *
 * @param change what was made of the body after its codings were undone
 */
export function decodedHeaders(received: Headers, change: BodyChange): Headers {
  const headers = copiedHeaders(received);
  for (const name of ABOUT_THE_BYTES) headers.delete(name);
  const contentType = headers.get("content-type");
  if (change === "document") headers.set("content-type", "application/json");
  else if (change === "charset" && contentType !== null) {
    headers.set("content-type", withoutCharset(contentType));
  }
  return headers;
}
