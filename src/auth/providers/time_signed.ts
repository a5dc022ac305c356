/**
 * Providers that sign a time with the body, so that old requests are worth nothing.
 *
 * @module
 */

import type { Providers } from "./provider.ts";

/** `{time}.{body}`, both in one header. */
const inOneHeader = (at: string, name = "v1") => ({ at, items: ",", pair: "=", name } as const);

/** HMAC or a public key, over the body and what stands beside it. */
export const timeSigned: Providers = {
  stripe: {
    title: "Stripe",
    evidence: { sdk: "stripe 23.1.0" },
    scheme: {
      signature: inOneHeader("Stripe-Signature"),
      timestamp: { field: "t", unit: "s", window: 300 },
      content: "{t}.{body}",
      id: "/id",
      event: "/type",
    },
    note: "The secret of the endpoint, `whsec_…`, as it stands in the dashboard.",
  },
  mux: {
    title: "Mux",
    evidence: { sdk: "@mux/mux-node 15.3.0" },
    scheme: {
      signature: inOneHeader("Mux-Signature"),
      timestamp: { field: "t", unit: "s", window: 300 },
      content: "{t}.{body}",
      id: "/id",
      event: "/type",
    },
  },
  paddle: {
    title: "Paddle",
    evidence: { sdk: "@paddle/paddle-node-sdk 3.10.0" },
    scheme: {
      signature: { at: "Paddle-Signature", items: ";", pair: "=", name: "h1" },
      timestamp: { field: "ts", unit: "s", window: 5 },
      content: "{t}:{body}",
      id: "/event_id",
      event: "/event_type",
    },
    note: "Five seconds are short where a queue stands in front: see `tolerance`.",
  },
  workos: {
    title: "WorkOS",
    evidence: { sdk: "@workos-inc/node 11.0.0" },
    scheme: {
      signature: { ...inOneHeader("WorkOS-Signature"), trim: true },
      timestamp: { field: "t", unit: "ms", window: 180 },
      content: "{t}.{body}",
      id: "/id",
      event: "/event",
    },
  },
  elevenlabs: {
    title: "ElevenLabs",
    evidence: { sdk: "@elevenlabs/elevenlabs-js 2.73.0" },
    scheme: {
      signature: inOneHeader("ElevenLabs-Signature", "v0"),
      timestamp: { field: "t", unit: "s", window: 1800 },
      content: "{t}.{body}",
      event: "/type",
    },
  },
  sanity: {
    title: "Sanity",
    evidence: { sdk: "@sanity/webhook 4.0.4" },
    scheme: {
      signature: { ...inOneHeader("sanity-webhook-signature"), encoding: "base64url" },
      timestamp: { field: "t", unit: "ms" },
      content: "{t}.{body}",
      id: "idempotency-key",
      event: "sanity-operation",
      needsBody: true,
    },
  },
  slack: {
    title: "Slack",
    evidence: { sdk: "@slack/bolt 5.1.0" },
    scheme: {
      signature: { at: "X-Slack-Signature", prefix: "v0=" },
      timestamp: { at: "X-Slack-Request-Timestamp", unit: "s", window: 300 },
      content: "v0:{t}:{body}",
      id: "/event_id",
      event: ["/event/type", "/type", "/command"],
    },
    forms: { field: "payload" },
    note: "The signing secret of the app. JSON and form bodies.",
  },
  twitch: {
    title: "Twitch EventSub",
    evidence: { sdk: "@twurple/eventsub-http 8.1.4" },
    scheme: {
      signature: { at: "Twitch-Eventsub-Message-Signature", prefix: "sha256=" },
      timestamp: { at: "Twitch-Eventsub-Message-Timestamp", unit: "rfc3339", window: 600 },
      content: "{id}{t}{body}",
      id: "Twitch-Eventsub-Message-Id",
      event: "Twitch-Eventsub-Subscription-Type",
    },
  },
  linear: {
    title: "Linear",
    evidence: { sdk: "@linear/sdk 98.0.0" },
    scheme: {
      signature: { at: "Linear-Signature" },
      timestamp: { at: "/webhookTimestamp", unit: "ms", window: 60 },
      id: "Linear-Delivery",
      event: "Linear-Event",
    },
  },
  box: {
    title: "Box",
    evidence: { sdk: "box-node-sdk 10.12.0" },
    settings: ["secondary_secret"],
    scheme: {
      signature: {
        at: ["BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY"],
        ownSecrets: true,
        encoding: "base64",
      },
      timestamp: { at: "BOX-DELIVERY-TIMESTAMP", unit: "rfc3339", window: 600, future: 0 },
      content: ["{body}{t}", "{asciiJson}{t}"],
      equals: { "BOX-SIGNATURE-VERSION": "1", "BOX-SIGNATURE-ALGORITHM": "HmacSHA256" },
      id: "BOX-DELIVERY-ID",
      event: "/trigger",
    },
  },
  "messagebird-legacy": {
    title: "MessageBird, deprecated signatures",
    evidence: { sdk: "messagebird 4.0.1" },
    scheme: {
      signature: { at: "MessageBird-Signature", encoding: "base64" },
      timestamp: { at: "MessageBird-Request-Timestamp", unit: "s", window: 100 },
      content: "{t}\n{sortedQuery}\n{bodySha256}",
    },
  },
  "plivo-v2": {
    title: "Plivo, second version",
    evidence: { sdk: "plivo 4.79.0" },
    scheme: {
      signature: { at: "X-Plivo-Signature-V2", encoding: "base64" },
      nonce: "X-Plivo-Signature-V2-Nonce",
      content: "{urlNoQuery}{nonce}",
      event: "/Event",
    },
    forms: {},
    note: "The signature does not cover the body.",
  },
  square: {
    title: "Square",
    evidence: { sdk: "square 46.0.0" },
    scheme: {
      signature: { at: "x-square-hmacsha256-signature", encoding: "base64" },
      content: "{url}{body}",
      id: "/event_id",
      event: "/type",
    },
    note: "Signs the notification URL exactly as it was registered.",
  },
  hubspot: {
    title: "HubSpot",
    evidence: { sdk: "@hubspot/api-client 14.0.1" },
    scheme: {
      signature: { at: "X-HubSpot-Signature-v3", encoding: "base64" },
      timestamp: { at: "X-HubSpot-Request-Timestamp", unit: "ms", window: 300 },
      content: "{method}{url}{body}{t}",
    },
  },
  "hubspot-v2": {
    title: "HubSpot, second version",
    evidence: { sdk: "@hubspot/api-client 14.0.1" },
    scheme: {
      signature: { at: "X-HubSpot-Signature" },
      algorithm: "sha256",
      content: "{secret}{method}{url}{body}",
    },
  },
  "hubspot-v1": {
    title: "HubSpot, first version",
    evidence: { sdk: "@hubspot/api-client 14.0.1" },
    scheme: { signature: { at: "X-HubSpot-Signature" }, algorithm: "sha256", content: "{secret}{body}" },
  },
  cloudinary: {
    title: "Cloudinary",
    evidence: { sdk: "cloudinary 2.11.0" },
    settings: ["algorithm"],
    scheme: {
      signature: { at: "X-Cld-Signature" },
      algorithm: "sha1",
      timestamp: { at: "X-Cld-Timestamp", unit: "s", window: 7200 },
      content: "{body}{t}{secret}",
      event: "/notification_type",
    },
  },
  discord: {
    title: "Discord",
    evidence: { sdk: "discord-interactions 4.4.0" },
    secret: "public_key",
    scheme: {
      signature: { at: "X-Signature-Ed25519" },
      algorithm: "ed25519",
      key: "hex",
      timestamp: { at: "X-Signature-Timestamp", unit: "text" },
      content: "{t}{body}",
      id: "/id",
      event: ["/event/type", "/type"],
    },
  },
  telnyx: {
    title: "Telnyx",
    evidence: { sdk: "telnyx 7.24.0" },
    secret: "public_key",
    scheme: {
      signature: { at: "telnyx-signature-ed25519", encoding: "base64" },
      algorithm: "ed25519",
      key: "base64",
      timestamp: { at: "telnyx-timestamp", unit: "s", window: 300 },
      content: "{t}|{body}",
      id: "/data/id",
      event: "/data/event_type",
    },
  },
  sendgrid: {
    title: "SendGrid",
    evidence: { sdk: "@sendgrid/eventwebhook 8.0.0" },
    secret: "public_key",
    scheme: {
      signature: { at: "X-Twilio-Email-Event-Webhook-Signature", encoding: "base64" },
      algorithm: "ecdsa-p256-sha256",
      key: "spki",
      timestamp: { at: "X-Twilio-Email-Event-Webhook-Timestamp", unit: "s" },
      content: "{t}{body}",
    },
  },
};
