/**
 * Where requests that are signed name the type of their event, and which types a webhook wants.
 *
 * @module
 */

import {
  eventTypeAt,
  eventTypeMatcher,
  type EventTypes,
  type FindEventType,
} from "../../event/event_type.ts";
import type { Provider } from "../providers/provider.ts";
import type { Scheme } from "./scheme.ts";
import type { SignatureConfig } from "./settings.ts";

/** The webhook's key that lists the wanted types. */
export const EVENTS_KEY = "events";

/** One object for all webhooks of a provider that list no types. */
const shared = new WeakMap<Provider, EventTypes>();

/**
 * The types of a webhook's events.
 *
 * @param beside patterns of types that stand beside `signature`; `undefined` where all events are handed on
 * @returns `undefined` where the provider's requests name no type, or why a list of types has no effect
 */
export function eventTypesOf(
  config: SignatureConfig,
  beside: readonly string[] | undefined,
): EventTypes | { readonly path: string; readonly message: string } | undefined {
  const inside = config.settings.events;
  if (beside !== undefined && inside !== undefined) {
    return { path: EVENTS_KEY, message: "Stands in 'signature', too: remove one of them" };
  }
  const wanted = beside ?? inside;
  const known = config.provider === undefined ? undefined : shared.get(config.provider);
  const find = known?.find ?? findTypeOf(config);
  if (find === undefined) {
    if (wanted === undefined) return undefined;
    const message = config.provider === undefined
      ? "Has no effect: add 'event' to the scheme, which says where the type stands"
      : "Has no effect: requests of this provider name no type of their events";
    return { path: EVENTS_KEY, message };
  }
  if (wanted !== undefined) return { find, takes: eventTypeMatcher(wanted) };
  if (known !== undefined) return known;
  const types: EventTypes = { find, takes: undefined };
  if (config.provider !== undefined) shared.set(config.provider, types);
  return types;
}

function findTypeOf({ provider, schemes }: SignatureConfig): FindEventType | undefined {
  if (typeof provider?.event === "function") return provider.event;
  const places = eventPlacesOf(provider, schemes);
  return places.length === 0 ? undefined : eventTypeAt(places);
}

/** Where a provider names the type of an event: headers, and JSON Pointers into the document. */
export function eventPlacesOf(provider: Provider | undefined, schemes: readonly Scheme[]): readonly string[] {
  const own = typeof provider?.event === "function" ? [] : provider?.event ?? [];
  return [...new Set([own, ...schemes.map(({ event }) => event ?? [])].flat())];
}
