/**
 * Microsoft Graph repeats the secret of the subscription in each notification of a request. No data: the body is a list,
 * and every item must have it.
 *
 * @see https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
 * @module
 */

import { secretMatcher } from "../../crypto/constant_time.ts";
import { jsonObjectIn } from "../../signature/sign.ts";
import { type CodedScheme, isObject, objectIn, textOf, utf8 } from "./coded_scheme.ts";

interface GraphNotifications {
  /** `clientState` of each. */
  readonly states: readonly string[];
  readonly body: string;
}

/** The secret is the `clientState` that the subscription was made with. */
export const msgraph: CodedScheme<GraphNotifications> = {
  headers: [],
  needsUrl: false,
  read: ({ body }) => {
    const text = textOf(body);
    const items = objectIn(text)?.["value"];
    if (text === undefined || !Array.isArray(items) || items.length === 0) return undefined;
    const states = items.map((item) => isObject(item) ? item["clientState"] : undefined);
    return states.every((state) => typeof state === "string") ? { states, body: text } : undefined;
  },
  signed: ({ body }) => body,
  prepare: (secret) => {
    const matches = secretMatcher(secret);
    return ({ states }) => states.every(matches);
  },
  sign: ({ method, url, body }, secret) => {
    const given = jsonObjectIn(body);
    const items: readonly unknown[] = Array.isArray(given["value"]) ? given["value"] : [given];
    const value = items.map((item) => ({ ...item as object, clientState: secret }));
    return { method, url, headers: {}, body: utf8(JSON.stringify({ value })) };
  },
};
