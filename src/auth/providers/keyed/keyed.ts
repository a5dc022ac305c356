/**
 * Providers whose requests are checked with keys that they publish.
 *
 * @module
 */

import type { ReplayTtl } from "../../signature/signed_key.ts";
import type { BodyVerifier } from "../../verifier.ts";
import type { EbayApi } from "./ebay_keys.ts";

/** Settings of such a webhook. */
export interface KeyedSettings {
  /** In PEM by URL: these are not fetched. */
  readonly certificates?: Readonly<Record<string, string>> | undefined;
  /** In PEM by the names that requests have for them. */
  readonly publicKeys?: Readonly<Record<string, string>> | undefined;
  /** Where eBay's keys are asked for that are not among them. */
  readonly ebayApi?: EbayApi | undefined;
  /** Topics whose messages are taken. @default all */
  readonly topics?: readonly string[] | undefined;
  /** The id that PayPal knows the webhook by. */
  readonly webhookId?: string | undefined;
  readonly replayTtlMs?: ReplayTtl;
}

/** Makes the verifier of one webhook. */
export type KeyedVerifier = new (settings: KeyedSettings) => BodyVerifier;
