/**
 * What a webhook in service would do with an event, for operators.
 *
 * @module
 */

import type { Catalog } from "../../../config/catalog.ts";
import { GatewayError } from "../../../errors.ts";
import { eventOf } from "../../../filters/asked_event.ts";
import { explainEvent } from "../../../filters/explanation.ts";
import { describeJsonError } from "../../../json/error.ts";
import { jsonResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import type { AdminCall, Guard } from "../access/guard.ts";
import { readDescribedEvent } from "./described_event.ts";

/** Where the route finds webhooks. */
export interface FilterSource {
  readonly catalog: Pick<Catalog, "find">;
}

/** `POST /admin/filter`. */
export function filterRoute(source: FilterSource, guard: Guard): Route {
  return {
    path: "/admin/filter",
    methods: { POST: guard("viewer", (request, id, _rest, call) => answer(source, request, id, call)) },
  };
}

async function answer(
  { catalog }: FilterSource,
  request: Request,
  requestId: string,
  { caller }: AdminCall,
): Promise<Response> {
  const question = await readDescribedEvent(request);
  const [namespace = "", webhook = ""] = question.webhook.split("/");
  const compiled = caller.seesPath(question.webhook) ? catalog.find(question.webhook)?.webhook : undefined;
  if (compiled === undefined) throw new GatewayError("webhook_not_found");
  const { filters, eventTypes, steps, dataType, rules } = compiled;
  const explained = {
    filters,
    eventTypes,
    cleanup: rules?.cleanup,
    isJson: dataType !== "blob",
    steps: steps.map(({ name }) => name),
  };
  const event = eventOf(explained, {
    namespace,
    webhook,
    headers: question.headers,
    query: question.query,
    body: question.body,
  });
  if (dataType !== "blob" && !event.body.isJson()) {
    throw new GatewayError("invalid_json", undefined, {
      reason: describeJsonError(event.body.text, "The event"),
    });
  }
  return jsonResponse(200, { webhook: question.webhook, ...await explainEvent(explained, event) }, requestId);
}
