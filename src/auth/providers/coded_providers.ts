/**
 * Providers whose scheme cannot be data: see the file of each for the reason.
 *
 * @module
 */

import { adyen } from "./coded/adyen.ts";
import { atlassianConnect } from "./coded/atlassian_connect.ts";
import { braintree, braintreeKind } from "./coded/braintree.ts";
import type { CodedScheme } from "./coded/coded_scheme.ts";
import { contentful } from "./coded/contentful.ts";
import { dropboxSign } from "./coded/dropbox_sign.ts";
import { inngest } from "./coded/inngest.ts";
import { msgraph } from "./coded/msgraph.ts";
import { plivo } from "./coded/plivo.ts";
import { fusionauth, livekit, messagebird, netlify, qstash, vonage } from "./coded/token_signed.ts";
import { transloadit } from "./coded/transloadit.ts";
import { twilio } from "./coded/twilio.ts";
import type { Providers } from "./provider.ts";

/** The engine hands each scheme back what that scheme has read. */
function coded<Read>(scheme: CodedScheme<Read>): CodedScheme {
  return scheme as CodedScheme;
}

/** All of them. */
export const codedProviders: Providers = {
  twilio: {
    title: "Twilio",
    evidence: { sdk: "twilio 6.2.0" },
    coded: coded(twilio),
    event: ["/EventType", "/MessageStatus", "/CallStatus", "/SmsStatus"],
    forms: {},
    note: "Forms, and JSON where the URL has `bodySHA256`.",
  },
  plivo: {
    title: "Plivo",
    evidence: { sdk: "plivo 4.79.0" },
    coded: coded(plivo),
    event: "/Event",
    forms: {},
  },
  contentful: {
    title: "Contentful",
    evidence: { sdk: "@contentful/node-apps-toolkit 3.16.1" },
    coded: coded(contentful),
    event: "X-Contentful-Topic",
  },
  adyen: {
    title: "Adyen",
    evidence: { sdk: "@adyen/api-library 32.1.0" },
    coded: coded(adyen),
    event: "/notificationItems/0/NotificationRequestItem/eventCode",
    note: "Eight fields of each item are signed, and no others.",
  },
  "dropbox-sign": {
    title: "Dropbox Sign",
    evidence: { sdk: "@dropbox/sign 1.11.0" },
    coded: coded(dropboxSign),
    event: "/event/event_type",
    forms: { field: "json", isMultipart: true },
    note: "Only the time and the type of the event are signed.",
  },
  braintree: {
    title: "Braintree",
    evidence: { sdk: "braintree 3.40.0" },
    secret: "private_key",
    settings: ["public_key", "merchant_id"],
    coded: coded(braintree),
    event: braintreeKind,
    forms: {},
  },
  inngest: {
    title: "Inngest",
    evidence: { sdk: "inngest 4.24.0" },
    settings: ["fallback_secret"],
    coded: coded(inngest),
  },
  qstash: {
    title: "Upstash QStash",
    evidence: { sdk: "@upstash/qstash 2.12.0" },
    settings: ["next_secret"],
    coded: coded(qstash),
  },
  livekit: {
    title: "LiveKit",
    evidence: { sdk: "livekit-server-sdk 2.19.2" },
    settings: ["key"],
    coded: coded(livekit),
    event: "/event",
  },
  vonage: { title: "Vonage", evidence: { sdk: "@vonage/jwt 1.17.1" }, coded: coded(vonage) },
  messagebird: { title: "MessageBird", evidence: { sdk: "messagebird 4.0.1" }, coded: coded(messagebird) },
  fusionauth: {
    title: "FusionAuth",
    evidence: { by: "source" },
    coded: coded(fusionauth),
    event: "/event/type",
  },
  netlify: {
    title: "Netlify",
    evidence: { by: "source" },
    coded: coded(netlify),
    event: "X-Netlify-Event",
  },
  "atlassian-connect": {
    title: "Atlassian Connect",
    evidence: { sdk: "atlassian-jwt 2.0.3" },
    settings: ["base_url"],
    coded: coded(atlassianConnect),
    note: "The body is not signed.",
  },
  msgraph: {
    title: "Microsoft Graph",
    evidence: { by: "recalled" },
    coded: coded(msgraph),
    alike: true,
    note:
      "`secret` is the `clientState` of the subscription, which requests carry themselves. The tokens of " +
      "notifications with resource data are not looked at.",
  },
  transloadit: {
    title: "Transloadit",
    evidence: { by: "source" },
    coded: coded(transloadit),
    event: "/ok",
    forms: { field: "transloadit", isMultipart: true },
  },
};
