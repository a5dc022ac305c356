import type { Adapters } from "./adapter.ts";
import { bodySigned } from "./body_signed.ts";
import { coded } from "./coded.ts";
import { standardWebhooks } from "./standard_webhooks.ts";
import { timeSigned } from "./time_signed.ts";

/** Every preset that an SDK is asked about. */
export const adapters: Adapters = { ...bodySigned, ...timeSigned, ...standardWebhooks, ...coded };
