/**
 * Where a replay sends events.
 *
 * @module
 */

import { webhookPath } from "../../event/names.ts";
import { type HttpAddress, parseHttpAddress } from "../../schema/addresses.ts";

/** A URL that gets requests, a webhook of the gateway, or the webhook of each event. */
export type ReplayTarget =
  | { readonly kind: "url"; readonly text: string; readonly address: HttpAddress }
  | { readonly kind: "webhook"; readonly path: string }
  | { readonly kind: "own" };

const SCHEME = /^https?:\/\//i;

/** `NAMESPACE/ID`, as in the path of a webhook's requests. */
const WEBHOOK = /^[\w-]{1,64}\/[\w.-]{1,64}$/;

/** The target of a command line, or what is wrong with it in words for the operator. */
export function parseTarget(to: string | undefined): ReplayTarget | string {
  if (to === undefined) return { kind: "own" };
  if (SCHEME.test(to)) {
    const address = parseHttpAddress(to);
    // They would stand in the list of processes, and in the command that goes on.
    if (address === "credentials") return "Option '--to' must hold no user and no password";
    return typeof address === "string"
      ? "Option '--to' is not a valid URL"
      : { kind: "url", text: to, address };
  }
  if (WEBHOOK.test(to)) {
    const [namespace = "", id = ""] = to.split("/");
    return { kind: "webhook", path: webhookPath(namespace, id) };
  }
  return `Option '--to' must be a URL that begins with http:// or https://, or NAMESPACE/ID of a webhook`;
}

/** The target as it is written on a command line; `undefined` where it is left out. */
export function targetText(target: ReplayTarget): string | undefined {
  return target.kind === "url" ? target.text : target.kind === "webhook" ? target.path : undefined;
}
