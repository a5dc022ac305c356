/**
 * Dropbox Sign puts its signature into a field of a multipart form. No data: it stands in JSON inside of the form, and
 * covers the event's time and type alone.
 *
 * @module
 */

import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { jsonObjectIn } from "../../signature/sign.ts";
import {
  type CodedScheme,
  fieldOf,
  formOf,
  isObject,
  objectIn,
  utf8,
  withMultipartForm,
} from "./coded_scheme.ts";

interface DropboxSignEvent {
  readonly signature: string;
  readonly content: string;
  /** The field that the event stands in. */
  readonly json: string;
}

/** HMAC-SHA256 in hexadecimal with the API key (@dropbox/sign 1.11.0). */
export const dropboxSign: CodedScheme<DropboxSignEvent> = {
  headers: [],
  needsUrl: false,
  read: async (request) => {
    const json = fieldOf(await formOf(request), "json") ?? "";
    const event = objectIn(json)?.["event"];
    if (!isObject(event)) return undefined;
    const { event_time: time, event_type: type, event_hash: signature } = event;
    if (typeof time !== "string" || typeof type !== "string" || typeof signature !== "string") {
      return undefined;
    }
    return { signature, content: time + type, json };
  },
  // Several events of a type in one second are signed alike.
  signed: ({ json }) => json,
  prepare: (secret) => {
    const digest = new HmacDigest("sha256", utf8(secret));
    return ({ signature, content }) => equalText(digest.hex(utf8(content)), signature);
  },
  sign: async (request, secret) => {
    const document = jsonObjectIn(request.body);
    const given = isObject(document["event"]) ? document["event"] : {};
    const time = String(Math.floor(request.now / 1000));
    const event = { event_time: time, event_type: "callback_test", ...given };
    const hash = new HmacDigest("sha256", utf8(secret)).hex(utf8(`${event.event_time}${event.event_type}`));
    const signed = { ...document, event: { ...event, event_hash: hash } };
    return await withMultipartForm(request, { json: JSON.stringify(signed) });
  },
};
