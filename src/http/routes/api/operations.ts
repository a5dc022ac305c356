import { adminOperations } from "./admin_routes.ts";
import { channelOperations } from "./channel_routes.ts";
import { eventOperations } from "./event_routes.ts";
import type { Operation } from "./operation.ts";
import { statusOperations } from "./status_routes.ts";
import { webhookOperations } from "./webhook_routes.ts";

/** Everything that the gateway answers. */
export const OPERATIONS: readonly Operation[] = [
  ...webhookOperations,
  ...statusOperations,
  ...channelOperations,
  ...adminOperations,
  ...eventOperations,
];
