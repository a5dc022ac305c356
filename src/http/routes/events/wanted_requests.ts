/**
 * Which requests are asked for, by those that come and by those that came.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";

/** What may stand in the query. */
export const WANTED_NAMES = ["namespace", "webhook", "outcome", "refused"] as const;

/** A request that may be asked for. */
export interface WantedRequest {
  readonly namespace: string;
  readonly webhook: string;
  readonly outcome: string;
  readonly status: number;
}

/** @throws {GatewayError} `invalid_query` */
export function wantedBy(query: URLSearchParams): (request: WantedRequest) => boolean {
  for (const name of WANTED_NAMES) {
    if (query.getAll(name).length > 1) throw new GatewayError("invalid_query", `Name one '${name}'`);
  }
  const [namespace, webhook, outcome, refused] = WANTED_NAMES.map((name) => query.get(name) ?? undefined);
  if (webhook !== undefined && !webhook.includes("/")) {
    throw new GatewayError("invalid_query", "'webhook' must be NAMESPACE/ID, such as team-a/orders");
  }
  if (refused !== undefined && refused !== "true") {
    throw new GatewayError("invalid_query", "'refused' must be true, or be left out");
  }
  return (request) =>
    (namespace === undefined || request.namespace === namespace) &&
    (webhook === undefined || `${request.namespace}/${request.webhook}` === webhook) &&
    (outcome === undefined || request.outcome === outcome) &&
    (refused === undefined || request.status >= 400);
}
