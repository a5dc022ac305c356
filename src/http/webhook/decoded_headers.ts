import { headersOfOtherBody } from "../../event/copied_headers.ts";
import { withoutCharset } from "./charset.ts";
import type { BodyChange } from "./event_body.ts";

/**
 * The headers of a request whose body is not the one that was sent any more, since codings were undone, its
 * charset was changed or it became a JSON document: without those that describe the bytes as sent.
 *
 * @param change what was made of the body after its codings were undone
 */
export function decodedHeaders(received: Headers, change: BodyChange): Headers {
  const headers = headersOfOtherBody(received);
  const contentType = headers.get("content-type");
  if (change === "document") headers.set("content-type", "application/json");
  else if (change === "charset" && contentType !== null) {
    headers.set("content-type", withoutCharset(contentType));
  }
  return headers;
}
