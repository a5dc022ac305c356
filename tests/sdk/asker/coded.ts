import { createHash, createSecretKey } from "node:crypto";
import { type Adapters, type Asked, Refused, Sdk } from "./adapter.ts";

/** SDKs of providers whose scheme is no data. */
export const coded: Adapters = {
  twilio: {
    package: "twilio@6.2.0",
    ask: (sdk, request) => {
      const signature = request.header("x-twilio-signature");
      return request.url.includes("bodySHA256=")
        ? sdk.call("validateRequestWithBody", request.secret, signature, request.url, request.text)
        : sdk.call("validateRequest", request.secret, signature, request.url, request.form());
    },
  },
  plivo: {
    package: "plivo@4.79.0",
    ask: (sdk, request) =>
      sdk.call(
        "validateV3Signature",
        request.method,
        request.url,
        request.header("x-plivo-signature-v3-nonce"),
        request.secret,
        request.header("x-plivo-signature-v3"),
        request.method === "GET" ? {} : request.form(),
      ),
  },
  contentful: {
    package: "@contentful/node-apps-toolkit@3.16.1",
    ask: (sdk, request) =>
      sdk.call("verifyRequest", request.secret, {
        method: request.method,
        path: request.target,
        headers: { ...request.headers },
        body: request.text,
      }),
  },
  adyen: {
    package: "@adyen/api-library@32.1.0",
    ask: (sdk, request) => {
      const items = request.json()["notificationItems"];
      if (!Array.isArray(items) || items.length === 0) throw new Refused("There are no items");
      const validator = sdk.make("hmacValidator");
      return items.every(({ NotificationRequestItem }) =>
        validator.call("validateHMAC", NotificationRequestItem, request.secret)
      );
    },
  },
  "dropbox-sign": {
    package: "@dropbox/sign@1.11.0",
    ask: async (sdk, request) => {
      const event = sdk.call(
        "EventCallbackRequest.init",
        request.json(await multipartField(request, "json")),
      );
      return sdk.call("EventCallbackHelper.isValid", request.secret, event);
    },
  },
  braintree: {
    package: "braintree@3.40.0",
    ask: (sdk, request) => {
      const gateway = sdk.make("BraintreeGateway", {
        environment: sdk.at("Environment.Sandbox").value,
        merchantId: request.config("merchantId"),
        publicKey: request.config("publicKey"),
        privateKey: request.config("privateKey"),
      });
      const { bt_signature: signature = "", bt_payload: payload = "" } = request.form();
      return gateway.call("webhookNotification.parse", signature, payload);
    },
  },
  inngest: {
    package: "inngest@4.24.0",
    ask: async (sdk, request) => {
      const client = sdk.make("Inngest", {
        id: "none",
        isDev: false,
        signingKey: request.secret,
        signingKeyFallback: request.config("fallbackSecret") || undefined,
      });
      const handler = sdk.make("InngestCommHandler", {
        frameworkName: "none",
        client: client.value,
        functions: [],
        handler: () => ({}),
      });
      const validation = await handler.call(
        "validateSignature",
        request.header("x-inngest-signature"),
        request.json(),
      );
      return new Sdk(validation).at("success").value;
    },
  },
  qstash: {
    package: "@upstash/qstash@2.12.0",
    ask: (sdk, request) =>
      sdk.make("Receiver", {
        currentSigningKey: request.secret,
        nextSigningKey: request.config("nextSecret"),
      }).call("verify", {
        signature: request.header("upstash-signature"),
        body: request.text,
        url: request.url,
      }),
  },
  livekit: {
    package: "livekit-server-sdk@2.19.2",
    ask: (sdk, request) =>
      sdk.make("WebhookReceiver", request.config("key"), request.secret).call(
        "receive",
        request.text,
        request.header("authorization"),
      ),
  },
  vonage: {
    package: "@vonage/jwt@1.17.1",
    ask: (sdk, request) => {
      const [scheme, token = ""] = request.header("authorization").split(" ");
      if (scheme !== "Bearer" || sdk.call("verifySignature", token, request.secret) !== true) return false;
      // The SDK leaves the comparison with the body to its users.
      const claims = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
      return claims["payload_hash"] === createHash("sha256").update(request.bytes).digest("hex");
    },
  },
  messagebird: {
    package: "messagebird@4.0.1",
    module: "messagebird/lib/webhook-signature-jwt.js",
    ask: (sdk, request) =>
      sdk.call(
        "verify",
        request.url,
        request.bytes,
        request.header("messagebird-signature-jwt"),
        createSecretKey(request.secret, "utf8"),
      ),
  },
  "atlassian-connect": {
    package: "atlassian-jwt@2.0.3",
    ask: (sdk, request) => {
      const [scheme, token = ""] = request.header("authorization").split(" ");
      if (scheme !== "JWT") return false;
      const claims = new Sdk(sdk.call("decodeSymmetric", token, request.secret, "HS256"));
      const { pathname, search } = new URL(request.url);
      const asked = sdk.call("fromMethodAndUrl", request.method, pathname + search);
      // When a token expires is left to its users.
      return claims.at("qsh").value ===
          sdk.call("createQueryStringHash", asked, false, request.config("baseUrl")) &&
        Number(claims.at("exp").value) > request.now;
    },
  },
  sns: {
    package: "sns-validator@0.3.5",
    ask: (sdk, request) =>
      new Promise((resolve) =>
        sdk.make("default").call(
          "validate",
          request.json(),
          (error: unknown) => resolve(error === null || error === undefined),
        )
      ),
  },
  ebay: {
    package: "event-notification-nodejs-sdk@1.0.3",
    module: "event-notification-nodejs-sdk/lib/validator.js",
    ask: (sdk, request) =>
      sdk.call("validateSignature", request.json(), request.header("x-ebay-signature"), {}),
  },
};

/** A field of a multipart body, which the SDK leaves to its users. @throws {Refused} when it is missing */
async function multipartField({ bytes, headers }: Asked, name: string): Promise<string> {
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { ...headers } }).formData();
    return String(form.get(name));
  } catch {
    throw new Refused("The body is no form");
  }
}
