import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Puts events into a channel, a durable queue that a connector in a private network drains: see",
    "[The connector](../../connector/README.md). A consumer that can only send requests fetches them by HTTP instead,",
    "or beside it: see [Pull](../../relay/PULL.md). The event is on disk (or in Redis) before the sender gets its 200.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "webhook_connect",
        "module-config": { channel: "inbox", channel_token: "{$INBOX_TOKEN}" },
      },
    },
  },
};
