/**
 * Providers that sign the body alone: without a time, repeats can only be recognised by the delivery's id.
 *
 * @module
 */

import type { Providers } from "./provider.ts";

/** HMAC over the body, the secret as it is. */
export const bodySigned: Providers = {
  github: {
    title: "GitHub",
    evidence: { sdk: "@octokit/webhooks-methods 6.0.0" },
    scheme: {
      signature: { at: "X-Hub-Signature-256", prefix: "sha256=" },
      id: "X-GitHub-Delivery",
      event: "X-GitHub-Event",
      needsBody: true,
    },
    forms: { field: "payload" },
    note: "Both content types work. The older header with SHA-1 is not accepted.",
  },
  shopify: {
    title: "Shopify",
    evidence: { sdk: "@shopify/shopify-api 15.0.0" },
    scheme: {
      signature: { at: "X-Shopify-Hmac-Sha256", encoding: "base64" },
      id: "X-Shopify-Webhook-Id",
      event: "X-Shopify-Topic",
      topic: "X-Shopify-Topic",
      needsBody: true,
    },
  },
  "shopify-events": {
    title: "Shopify, newer deliveries",
    evidence: { sdk: "@shopify/shopify-api 15.0.0" },
    scheme: {
      signature: { at: "shopify-hmac-sha256", encoding: "base64" },
      id: "shopify-webhook-id",
      event: "shopify-topic",
      topic: "shopify-topic",
      needsBody: true,
    },
  },
  line: {
    title: "LINE",
    evidence: { sdk: "@line/bot-sdk 11.2.0" },
    scheme: { signature: { at: "x-line-signature", encoding: "base64" } },
  },
  razorpay: {
    title: "Razorpay",
    evidence: { sdk: "razorpay 2.9.8" },
    scheme: { signature: { at: "X-Razorpay-Signature" }, id: "x-razorpay-event-id", event: "/event" },
  },
  "modern-treasury": {
    title: "Modern Treasury",
    evidence: { sdk: "modern-treasury 3.3.0" },
    scheme: { signature: { at: "X-Signature" }, id: "X-Event-ID", event: "X-Topic" },
  },
  gocardless: {
    title: "GoCardless",
    evidence: { sdk: "gocardless-nodejs 10.1.2" },
    scheme: { signature: { at: "Webhook-Signature" }, id: "/meta/webhook_id" },
  },
  onfido: {
    title: "Onfido",
    evidence: { sdk: "@onfido/api 6.2.0" },
    scheme: { signature: { at: "X-SHA2-Signature" }, event: "/payload/action" },
  },
  "coinbase-commerce": {
    title: "Coinbase Commerce",
    evidence: { sdk: "coinbase-commerce-node 1.0.4" },
    scheme: { signature: { at: "X-CC-Webhook-Signature" }, id: "/event/id", event: "/event/type" },
  },
  trigger: {
    title: "Trigger.dev",
    evidence: { sdk: "@trigger.dev/sdk 4.8.3" },
    scheme: {
      signature: { at: "x-trigger-signature-hmacsha256" },
      id: "/id",
      event: "/type",
      needsBody: true,
    },
  },
  easypost: {
    title: "EasyPost",
    evidence: { sdk: "@easypost/api 8.9.0" },
    scheme: {
      signature: { at: "X-Hmac-Signature", prefix: "hmac-sha256-hex=" },
      key: "nfkd",
      id: "/id",
      event: "/description",
      needsBody: true,
    },
  },
  pusher: {
    title: "Pusher",
    evidence: { sdk: "pusher 5.3.4" },
    settings: ["key"],
    scheme: { signature: { at: "X-Pusher-Signature" }, keyName: "X-Pusher-Key", needsBody: true },
  },
  "adyen-platform": {
    title: "Adyen, platform webhooks",
    evidence: { sdk: "@adyen/api-library 32.1.0" },
    scheme: {
      signature: { at: "HmacSignature", encoding: "base64" },
      key: "hex",
      event: "/type",
    },
  },
};
