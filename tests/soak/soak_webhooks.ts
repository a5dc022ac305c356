/** The webhooks of the soak, by who sends to them. */

import { httpWebhook } from "../attacks/victim.ts";

type Webhooks = Readonly<Record<string, unknown>>;

const RETRY = { max_attempts: 6, initial_delay: 0.1, max_delay: 1 };
const SOON_OVER = { max_attempts: 2, initial_delay: 0.1, max_delay: 0.2 };

/** Webhooks of good senders, whose destinations are well. */
export function goodWebhooks(receiver: string): Webhooks {
  return {
    "good-durable": httpWebhook(`${receiver}/well`, { retry: RETRY }),
    "good-delivered": httpWebhook(`${receiver}/well`, { accept: "delivered" }),
  };
}

/** Webhooks of good senders, whose destinations fail: what is accepted arrives or is a dead letter. */
export function failingWebhooks(receiver: string): Webhooks {
  return {
    "failing-down": httpWebhook(`${receiver}/down`, { retry: SOON_OVER }),
    "failing-rejects": httpWebhook(`${receiver}/rejects`, { retry: SOON_OVER }),
    "failing-flaky": httpWebhook(`${receiver}/flaky`, { retry: RETRY }),
    "failing-slow": httpWebhook(`${receiver}/slow`, { retry: RETRY }),
    "failing-hangs": httpWebhook(`${receiver}/hangs`, { retry: SOON_OVER }, { timeout: 1 }),
  };
}

/** Webhooks that hostile senders have found. */
export function hostileWebhooks(receiver: string): Webhooks {
  return {
    "hostile-durable": httpWebhook(`${receiver}/slow`, { retry: RETRY }),
    "hostile-blob": httpWebhook(`${receiver}/well`, { data_type: "blob", retry: RETRY }),
    "hostile-delivered": httpWebhook(`${receiver}/slow`, { accept: "delivered" }),
    "hostile-hangs": httpWebhook(`${receiver}/hangs`, { accept: "delivered" }, { timeout: 2 }),
    "hostile-signed": httpWebhook(`${receiver}/well`, { hmac: { secret: "unknown-to-them" } }),
  };
}
