/**
 * Providers that publish the keys which their requests are checked with.
 *
 * @module
 */

import { EbayVerifier } from "./keyed/ebay.ts";
import { PaypalVerifier } from "./keyed/paypal.ts";
import { signAsEbay, signAsPaypal, signAsSns } from "./keyed/signing.ts";
import { SnsVerifier } from "./keyed/sns.ts";
import type { Providers } from "./provider.ts";

/** All of them. */
export const keyedProviders: Providers = {
  sns: {
    title: "Amazon SNS",
    evidence: { sdk: "sns-validator 0.3.5" },
    secret: "none",
    settings: ["certificates", "topics"],
    keyed: SnsVerifier,
    sign: signAsSns,
    event: "x-amz-sns-message-type",
    note: "Without `topics` messages of everybody's topics are taken, and no subscription is confirmed. " +
      "Raw message delivery is not signed.",
  },
  ebay: {
    title: "eBay",
    evidence: { sdk: "event-notification-nodejs-sdk 1.0.3" },
    secret: "none",
    settings: ["public_keys", "client_id", "client_secret", "api_url", "allowed_hosts"],
    keyed: EbayVerifier,
    sign: signAsEbay,
    event: "/metadata/topic",
    note:
      "With `client_id` and `client_secret` of your application there keys are asked for as they are named. Or " +
      "`public_keys` holds them by their names, as eBay's API hands them out.",
  },
  paypal: {
    title: "PayPal",
    evidence: { by: "recalled" },
    secret: "none",
    settings: ["certificates", "webhook_id"],
    keyed: PaypalVerifier,
    sign: signAsPaypal,
    event: "/event_type",
  },
};
