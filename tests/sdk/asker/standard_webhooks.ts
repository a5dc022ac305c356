import type { Adapter, Adapters, Asked, Sdk } from "./adapter.ts";

/** SDKs of providers that sign as the Standard Webhooks specification has it. */
export const standardWebhooks: Adapters = {
  standard: specified("standardwebhooks@1.1.1"),
  svix: specified("svix@2.5.0"),
  resend: {
    package: "resend@6.38.0",
    ask: (sdk, request) =>
      sdk.make("Resend", "re_none").call("webhooks.verify", {
        payload: request.text,
        headers: {
          id: request.header("svix-id"),
          timestamp: request.header("svix-timestamp"),
          signature: request.header("svix-signature"),
        },
        webhookSecret: request.secret,
      }),
  },
  clerk: {
    package: "@clerk/backend@3.25.0",
    module: "@clerk/backend/webhooks",
    ask: (sdk, request) =>
      sdk.call(
        "verifyWebhook",
        new Request(request.url, { method: "POST", headers: { ...request.headers }, body: request.text }),
        { signingSecret: request.secret },
      ),
  },
  lithic: client("lithic@0.145.0", { apiKey: "none" }, "webhooks.verifySignature", (request) => [
    request.text,
    request.headers,
    request.secret,
  ]),
  anthropic: client("@anthropic-ai/sdk@1.10.0", { apiKey: "none" }, "beta.webhooks.unwrap", (request) => [
    request.text,
    { headers: request.headers, key: request.secret },
  ]),
  openai: client("openai@7.55.0", { apiKey: "none" }, "webhooks.verifySignature", (request) => [
    request.text,
    request.headers,
    request.secret,
  ]),
  liveblocks: {
    package: "@liveblocks/node@3.24.2",
    readsJson: true,
    ask: (sdk, request) =>
      sdk.make("WebhookHandler", request.secret).call("verifyRequest", {
        headers: request.headers,
        rawBody: request.text,
      }),
  },
  polar: {
    package: "@polar-sh/sdk@1.0.1",
    module: "@polar-sh/sdk/2026-10",
    ask: (sdk, request) => sdk.call("webhooks.validateEvent", request.text, request.headers, request.secret),
  },
  replicate: {
    package: "replicate@1.4.0",
    ask: (sdk, request) =>
      sdk.call("validateWebhook", {
        id: request.header("webhook-id"),
        timestamp: request.header("webhook-timestamp"),
        signature: request.header("webhook-signature"),
        body: request.text,
        secret: request.secret,
      }),
  },
};

function specified(name: string): Adapter {
  return {
    package: name,
    readsJson: true,
    ask: async (sdk, request) => {
      await sdk.make("Webhook", request.secret).call("verify", request.text, request.headers);
      return true;
    },
  };
}

/** An SDK with a client, whose method returns nothing or the event, and throws otherwise. */
function client(
  name: string,
  options: Readonly<Record<string, string>>,
  method: string,
  args: (request: Asked) => readonly unknown[],
): Adapter {
  return {
    package: name,
    readsJson: true,
    ask: async (sdk: Sdk, request) => {
      await sdk.make("default", options).call(method, ...args(request));
      return true;
    },
  };
}
