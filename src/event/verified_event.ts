import type { Event } from "./event.ts";

declare const verified: unique symbol;

/**
 * An event whose request passed every verifier of its webhook. Only `authenticator.ts` makes one, and
 * outputs accept nothing else, so an unverified event cannot reach them: it does not type-check.
 */
export type VerifiedEvent = Event & { readonly [verified]: true };
