import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Sends the body on as it came, with `cwm-event-id`, `cwm-attempt` (the number of the attempt, from 1),",
    "`cwm-namespace`, `cwm-webhook`, `cwm-received-at`, and `cwm-event-type` where it is known. Redirects are not followed. Private, loopback, link-local and metadata addresses are refused after name",
    "resolution, unless `allowed_hosts` names them.",
  ],
  example: {
    webhooks: { orders: { module: "http_webhook", "module-config": { url: "https://shop.example/hooks" } } },
  },
  notes: [
    "## Signed deliveries",
    "",
    "With `sign` every attempt carries `webhook-id` (the event's id), `webhook-timestamp` (of the attempt) and",
    "`webhook-signature`, so that the destination can tell what the gateway sends from what others send, by any library of",
    "[Standard Webhooks](https://www.standardwebhooks.com). Received headers of these names are not sent along.",
    "",
    "```json",
    '{ "url": "https://shop.example/hooks", "sign": { "secret": "{$HOOKS_SECRET}" } }',
    "```",
    "",
    "```js",
    'import { Webhook } from "standardwebhooks"; // throws unless the signature is right and 5 minutes old at most',
    "const order = new Webhook(hooksSecret).verify(body, headers);",
    "```",
    "",
    "The secret is `whsec_` and 24 to 64 random bytes in base64, which the destination has as well:",
    "`printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\"` makes one. Or it is `whsk_` and a private key of Ed25519 in",
    "base64 (32 bytes, or 64 with the public key), so that the destination has nothing that signs. To change a",
    "secret, list the new one and the old one: each delivery is signed with both, until the old one is taken out.",
  ],
};
