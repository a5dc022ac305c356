import type { Adapter, Adapters } from "./adapter.ts";

/** SDKs of providers that sign a time, a URL or an id with the body. */
export const timeSigned: Adapters = {
  stripe: {
    package: "stripe@23.1.0",
    ask: (sdk, request) =>
      sdk.make("default", "none").call(
        "webhooks.signature.verifyHeader",
        request.bytes,
        request.header("stripe-signature"),
        request.secret,
        300,
      ),
  },
  mux: {
    package: "@mux/mux-node@15.3.0",
    ask: async (sdk, request) => {
      const mux = sdk.make("default", { tokenId: "none", tokenSecret: "none" });
      await mux.call("webhooks.verifySignature", request.text, request.headers, request.secret);
      return true;
    },
  },
  paddle: {
    package: "@paddle/paddle-node-sdk@3.10.0",
    ask: (sdk, request) =>
      sdk.make("Paddle", "none").call(
        "webhooks.isSignatureValid",
        request.text,
        request.secret,
        request.header("paddle-signature"),
      ),
  },
  workos: {
    package: "@workos-inc/node@11.0.0",
    ask: (sdk, request) =>
      sdk.make("WorkOS", "none").call("webhooks.verifyHeader", {
        payload: request.bytes,
        sigHeader: request.header("workos-signature"),
        secret: request.secret,
      }),
  },
  elevenlabs: {
    package: "@elevenlabs/elevenlabs-js@2.73.0",
    readsJson: true,
    ask: (sdk, request) =>
      sdk.make("ElevenLabsClient", { apiKey: "none" }).call(
        "webhooks.constructEvent",
        request.text,
        request.header("elevenlabs-signature"),
        request.secret,
      ),
  },
  sanity: {
    package: "@sanity/webhook@4.0.4",
    ask: (sdk, request) =>
      sdk.call("isValidSignature", request.text, request.header("sanity-webhook-signature"), request.secret),
  },
  slack: {
    package: "@slack/bolt@5.1.0",
    module: "@slack/bolt/dist/receivers/verify-request.js",
    ask: (sdk, request) =>
      sdk.call("isValidSlackRequest", {
        signingSecret: request.secret,
        body: request.text,
        headers: {
          "x-slack-signature": request.header("x-slack-signature"),
          "x-slack-request-timestamp": Number(request.header("x-slack-request-timestamp")),
        },
      }),
  },
  twitch: {
    package: "@twurple/eventsub-http@8.1.4",
    ask: (sdk, request) => {
      const id = request.header("twitch-eventsub-message-id");
      const time = request.header("twitch-eventsub-message-timestamp");
      const signature = request.header("twitch-eventsub-message-signature");
      const verifies = sdk.at("EventSubMiddleware.prototype._verifyData").value as (
        this: { readonly _secret: string },
        ...texts: readonly string[]
      ) => boolean;
      // Where its listener drops what is old it asks nobody: ten minutes, as in the documentation of Twitch.
      const isFresh = Date.now() - Date.parse(time) <= 600_000;
      return isFresh && verifies.call({ _secret: request.secret }, id, time, request.text, signature);
    },
  },
  linear: {
    package: "@linear/sdk@98.0.0",
    module: "@linear/sdk/webhooks",
    ask: (sdk, request) =>
      sdk.make("LinearWebhookClient", request.secret).call(
        "verify",
        request.bytes,
        request.header("linear-signature"),
      ),
  },
  box: {
    package: "box-node-sdk@10.12.0",
    module: "box-node-sdk/lib/managers/webhooks",
    ask: (sdk, request) =>
      sdk.call("WebhooksManager.validateMessage", request.text, request.headers, request.secret, {
        secondaryKey: request.config("secondarySecret"),
      }),
  },
  cloudinary: {
    package: "cloudinary@2.11.0",
    ask: (sdk, request) => {
      sdk.call("v2.config", {
        cloud_name: "none",
        api_key: "none",
        api_secret: request.secret,
        signature_algorithm: request.config("algorithm"),
      });
      return sdk.call(
        "v2.utils.verifyNotificationSignature",
        request.text,
        Number(request.header("x-cld-timestamp")),
        request.header("x-cld-signature"),
      );
    },
  },
  square: {
    package: "square@46.0.0",
    ask: (sdk, request) =>
      sdk.call("WebhooksHelper.verifySignature", {
        requestBody: request.text,
        signatureHeader: request.header("x-square-hmacsha256-signature"),
        signatureKey: request.secret,
        notificationUrl: request.url,
      }),
  },
  hubspot: hubspot("v3", "x-hubspot-signature-v3"),
  "hubspot-v2": hubspot("v2", "x-hubspot-signature"),
  "hubspot-v1": hubspot("v1", "x-hubspot-signature"),
  "plivo-v2": {
    package: "plivo@4.79.0",
    ask: (sdk, request) =>
      sdk.call(
        "validateSignature",
        request.url,
        request.header("x-plivo-signature-v2-nonce"),
        request.header("x-plivo-signature-v2"),
        request.secret,
      ),
  },
  discord: {
    package: "discord-interactions@4.4.0",
    ask: (sdk, request) =>
      sdk.call(
        "verifyKey",
        request.bytes,
        request.header("x-signature-ed25519"),
        request.header("x-signature-timestamp"),
        request.config("publicKey"),
      ),
  },
  telnyx: {
    package: "telnyx@7.24.0",
    module: "telnyx/lib/webhooks",
    ask: async (sdk, request) => {
      await sdk.make("TelnyxWebhook", request.config("publicKey")).call(
        "verify",
        request.text,
        request.headers,
      );
      return true;
    },
  },
  sendgrid: {
    package: "@sendgrid/eventwebhook@8.0.0",
    ask: (sdk, request) => {
      const webhook = sdk.make("EventWebhook");
      return webhook.call(
        "verifySignature",
        webhook.call("convertPublicKeyToECDSA", request.config("publicKey")),
        request.text,
        request.header("x-twilio-email-event-webhook-signature"),
        request.header("x-twilio-email-event-webhook-timestamp"),
      );
    },
  },
  "messagebird-legacy": {
    package: "messagebird@4.0.1",
    module: "messagebird/lib/signature.js",
    ask: (sdk, request) => {
      const question = {
        headers: request.headers,
        query: Object.fromEntries(new URL(request.url).searchParams),
        body: request.text,
      };
      return new Promise((resolve) => {
        (sdk.call("default", request.secret) as (...args: readonly unknown[]) => void)(
          question,
          {},
          (error: unknown) => resolve(error === undefined),
        );
      });
    },
  },
};

function hubspot(signatureVersion: string, header: string): Adapter {
  return {
    package: "@hubspot/api-client@14.0.1",
    ask: (sdk, request) =>
      sdk.call("Signature.isValid", {
        signatureVersion,
        signature: request.header(header),
        clientSecret: request.secret,
        requestBody: request.text,
        method: request.method,
        url: request.url,
        ...signatureVersion === "v3"
          ? { timestamp: Number(request.header("x-hubspot-request-timestamp")) }
          : {},
      }),
  };
}
