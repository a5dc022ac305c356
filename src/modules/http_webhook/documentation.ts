/**
 * What the page of `http_webhook` says.
 *
 * @module
 */

import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Sends the body on as it came, with `cwm-event-id`, `cwm-attempt` (the number of the attempt, from 1),",
    "`cwm-namespace`, `cwm-webhook`, `cwm-received-at`, and `cwm-event-type` where it is known. Redirects are not followed. Private, loopback, link-local and metadata addresses are refused after name",
    "resolution, unless `allowed_hosts` names them. Of several addresses of a name, IPv6 and IPv4, the first that answers",
    "is used (RFC 8305); one that never does costs 150 milliseconds, and half a minute is not tried first again.",
  ],
  example: {
    webhooks: { orders: { module: "http_webhook", "module-config": { url: "https://shop.example/hooks" } } },
  },
  notes: [
    "## Answers",
    "",
    "- 2xx: the event is delivered.",
    "- 408, 425, 429 and 5xx: it is tried again, as `retry` of the webhook says, and not before `Retry-After`.",
    "- 401, 403, 404, 407, 409, 421, 423, 424 and redirects: it is tried again in the same way. Routes are missing",
    "  while something is deployed, and tokens are changed.",
    "- 410 and every other 4xx: it is a dead letter.",
    "",
    "`final_statuses` and `retry_statuses` win over these rules. A sender that waits (`accept` is `delivered`) gets",
    "502 in any case, never the destination's own status, which it would take for a word about itself:",
    "`output_failed` when trying again did not help within `DELIVERY_BUDGET_MS`, `output_rejected` when the answer",
    "is final.",
    "",
    "## Destinations that want a login",
    "",
    "`auth` holds one of these:",
    "",
    '- `{"bearer": "{$TOKEN}"}`',
    '- `{"basic": {"username": "gateway", "password": "{$PASSWORD}"}}`',
    '- `{"oauth2": {"token_url": "https://login.example/token", "client_id": "gateway", "client_secret": "{$SECRET}"}}`:',
    "  an access token of a server, which the gateway asks for as a client (RFC 6749, section 4.4); with `scope` and",
    '  `audience` where the server wants them. `"client_auth": "post"` puts id and secret into the form instead of',
    "  `Authorization`.",
    "",
    "Webhooks with the same `oauth2` share a token. It is asked for once, used until shortly before it ends, and",
    "renewed when a destination answers 401, once an attempt. `allowed_hosts` counts for `token_url` as well, and has",
    "to name its host where that is `http`. While the server gives no token, events wait as they do while a",
    "destination is down (`output_unavailable`).",
    "",
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
