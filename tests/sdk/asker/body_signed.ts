import { type Adapter, type Adapters, Sdk } from "./adapter.ts";

/** SDKs of providers that sign the body. */
export const bodySigned: Adapters = {
  github: {
    package: "@octokit/webhooks-methods@6.0.0",
    ask: (sdk, request) =>
      sdk.call("verify", request.secret, request.text, request.header("x-hub-signature-256")),
  },
  shopify: shopify(),
  "shopify-events": shopify(),
  line: {
    package: "@line/bot-sdk@11.2.0",
    ask: (sdk, request) =>
      sdk.call("validateSignature", request.bytes, request.secret, request.header("x-line-signature")),
  },
  razorpay: {
    package: "razorpay@2.9.8",
    ask: (sdk, request) =>
      sdk.call(
        "validateWebhookSignature",
        request.text,
        request.header("x-razorpay-signature"),
        request.secret,
      ),
  },
  "modern-treasury": {
    package: "modern-treasury@3.3.0",
    ask: (sdk, request) =>
      sdk.make("ModernTreasury", { apiKey: "none", organizationID: "none" }).call(
        "webhooks.validateSignature",
        request.text,
        request.headers,
        { key: request.secret },
      ),
  },
  gocardless: {
    package: "gocardless-nodejs@10.1.2",
    module: "gocardless-nodejs/webhooks",
    ask: (sdk, request) =>
      sdk.call("verifySignature", request.bytes, request.secret, request.header("webhook-signature")) ?? true,
  },
  onfido: {
    package: "@onfido/api@6.2.0",
    readsJson: true,
    ask: (sdk, request) =>
      sdk.make("WebhookEventVerifier", request.secret).call(
        "readPayload",
        request.bytes,
        request.header("x-sha2-signature"),
      ),
  },
  "coinbase-commerce": {
    package: "coinbase-commerce-node@1.0.4",
    ask: (sdk, request) =>
      sdk.call(
        "Webhook.verifySigHeader",
        request.text,
        request.header("x-cc-webhook-signature"),
        request.secret,
      ),
  },
  trigger: {
    package: "@trigger.dev/sdk@4.8.3",
    ask: (sdk, request) =>
      sdk.call(
        "webhooks.constructEvent",
        { payload: request.text, header: request.header("x-trigger-signature-hmacsha256") },
        request.secret,
      ),
  },
  easypost: {
    package: "@easypost/api@8.9.0",
    ask: (sdk, request) =>
      sdk.make("default", "none").call(
        "Utils.validateWebhook",
        request.bytes,
        request.headers,
        request.secret,
      ),
  },
  pusher: {
    package: "pusher@5.3.4",
    ask: (sdk, request) => {
      const pusher = sdk.make("default", {
        appId: "1",
        key: request.config("key"),
        secret: request.secret,
        cluster: "eu",
      });
      const webhook = new Sdk(pusher.call("webhook", { headers: request.headers, rawBody: request.text }));
      return webhook.call("isValid", [request.table("previous") ?? []].flat());
    },
  },
  "adyen-platform": {
    package: "@adyen/api-library@32.1.0",
    ask: (sdk, request) =>
      sdk.make("hmacValidator").call(
        "validateHMACSignature",
        request.secret,
        request.header("hmacsignature"),
        request.text,
      ),
  },
};

function shopify(): Adapter {
  return {
    package: "@shopify/shopify-api@15.0.0",
    first: "@shopify/shopify-api/adapters/node",
    ask: async (sdk, request) => {
      const shopify = new Sdk(
        sdk.call("shopifyApi", {
          apiKey: "none",
          apiSecretKey: request.secret,
          hostName: "hooks.example.com",
          apiVersion: sdk.at("ApiVersion.January26").value ?? "2026-01",
          isEmbeddedApp: false,
        }),
      );
      const verdict = await shopify.call("webhooks.validate", {
        rawBody: request.text,
        rawRequest: { method: request.method, url: request.target, headers: request.headers },
        rawResponse: {},
      });
      return new Sdk(verdict).at("valid").value;
    },
  };
}
