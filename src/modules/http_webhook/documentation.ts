import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Sends the body on as it came, with `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at`, and",
    "`cwm-event-type` where it is known. Redirects are not followed. Private, loopback, link-local and metadata addresses are refused after name",
    "resolution, unless `allowed_hosts` names them.",
  ],
  example: {
    webhooks: { orders: { module: "http_webhook", "module-config": { url: "https://shop.example/hooks" } } },
  },
};
