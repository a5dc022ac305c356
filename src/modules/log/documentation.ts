import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Writes one JSON line an event to standard output: the gateway's own log goes to standard error. The line has",
    "been handed to the operating system before the sender gets its 200. Lines are bounded to 10,000 characters,",
    "with a visible cut. Lines of the log and of events have the same names for the same things (`timestamp`,",
    "`level`, `category`, `event_id`, `request_id`, `namespace`, `webhook`), since the log of a container holds",
    "both; the category of events is `cwm.event`. `event_type` is the provider's name for the event, where it is",
    "known.",
  ],
  example: { webhooks: { orders: { module: "log", "module-config": { pretty_print: true } } } },
};
