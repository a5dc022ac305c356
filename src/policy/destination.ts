/**
 * What outputs and verifiers go to, in the words that a policy knows it by.
 *
 * @module
 */

import type { AllowedHost, DestinationPolicy } from "../io/destination_policy.ts";
import { comparableHost } from "../io/destination_policy.ts";

/** What a destination can be, each with patterns of its own in a policy. */
export const DESTINATION_KINDS = [
  "hosts",
  "topics",
  "subjects",
  "queues",
  "exchanges",
  "streams",
  "tables",
  "buckets",
  "buses",
  "functions",
  "channels",
  "paths",
] as const;

export type DestinationKind = typeof DESTINATION_KINDS[number];

/** Stands in a name for what an event says: any characters. Only a `*` of a pattern permits it. */
export const ANY_TEXT = "\u0000";

/** Stands in a name for the namespace of the webhook. */
export const NAMESPACE_TEXT = "\u0001";

/** One place that a webhook has the gateway go to. */
export interface Destination {
  readonly kind: DestinationKind | "directories" | "files";
  /** Its name as configured, with {@linkcode ANY_TEXT} and {@linkcode NAMESPACE_TEXT} in it; a host as compared. */
  readonly name: string;
  /** The key that says so, below the one of the whole; empty where a default does. */
  readonly key: string;
  /** Of a host; left out where nothing is known of it. */
  readonly port?: number;
  /**
   * Of a host whose addresses are looked at before each connection: all that are permitted, private ones included;
   * empty for every public one. Left out where nobody looks at them.
   */
  readonly allowed?: readonly AllowedHost[];
}

/** A host, in any spelling, or the path of a socket of this machine. */
export function hostDestination(host: string, port: number | undefined, key: string): Destination {
  if (host.startsWith("/")) return { kind: "paths", name: host, key };
  const name = comparableHost(host.trim().toLowerCase());
  return { kind: "hosts", name, key, ...(port === undefined ? {} : { port }) };
}

/** A host whose addresses `allowed_hosts` guards. */
export function guardedDestination(
  { hostname, port, policy }: {
    readonly hostname: string;
    readonly port: number;
    readonly policy: DestinationPolicy;
  },
  key: string,
): Destination {
  return { ...hostDestination(hostname, port, key), allowed: policy.allowed };
}

/**
 * A name with places for values of the event, as patterns have it: `orders.{/country}` is `orders.` and anything.
 *
 * @param literals what stands before, between and behind the places
 * @param names what is between the braces, one fewer
 */
export function nameWithPlaces(literals: readonly string[], names: readonly string[]): string {
  let text = literals[0] ?? "";
  for (const [index, name] of names.entries()) {
    text += name === "namespace" ? NAMESPACE_TEXT : ANY_TEXT;
    text += literals[index + 1] ?? "";
  }
  return text;
}

/** A host with its port in one text: `host:port`, IPv6 in brackets. */
export function addressDestination(text: string, key: string): Destination {
  const [, host = text, port] = /^(.*):(\d{1,5})$/s.exec(text) ?? [];
  return hostDestination(host, port === undefined ? undefined : Number(port), key);
}

/** Files with certificates and keys that a webhook names; what stands there in PEM is no file. */
export function fileDestinations(
  files: { readonly [Key in "ca" | "cert" | "key"]?: string | undefined },
  placeOf: (key: "ca" | "cert" | "key") => string,
): readonly Destination[] {
  return (["ca", "cert", "key"] as const).flatMap((key): Destination[] => {
    const path = files[key];
    if (path === undefined || path.includes("-----BEGIN")) return [];
    return [{ kind: "files", name: path, key: placeOf(key) }];
  });
}
