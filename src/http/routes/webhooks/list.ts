/**
 * `GET /admin/webhooks`: the webhooks by their names, in pages.
 *
 * @module
 */

import type { Catalog } from "../../../config/catalog.ts";
import type { CatalogEntry } from "../../../config/entry.ts";
import { describeWebhook } from "../../../event/names.ts";
import { Pace } from "../../../time/pace.ts";
import { jsonResponse } from "../../responses.ts";
import type { Route } from "../../router.ts";
import type { AdminCall, Guard } from "../access/guard.ts";
import { limitOf, queryOf } from "../query.ts";
import { stateOf } from "./webhook.ts";

/** Where the route finds webhooks. */
export interface WebhookListSource {
  readonly catalog: Pick<Catalog, "entries" | "problemsOf">;
}

/** The route. */
export function webhookListRoute(source: WebhookListSource, guard: Guard): Route {
  return {
    path: "/admin/webhooks",
    methods: { GET: guard("viewer", (request, id, _rest, call) => list(source.catalog, request, id, call)) },
  };
}

/** Those whose `namespace/id` has the text in it, by name. A quarter of a million are looked at in slices. */
async function list(
  catalog: WebhookListSource["catalog"],
  request: Request,
  requestId: string,
  { caller }: AdminCall,
): Promise<Response> {
  const query = queryOf(request, ["search", "after", "limit"]);
  const [search, after, limit] = [query.get("search") ?? "", query.get("after") ?? "", limitOf(query)];
  const pace = new Pace();
  const found = new FirstEntries(limit + 1);
  let count = 0;
  for (const entry of catalog.entries()) {
    const pause = pace.keep();
    if (pause !== undefined) await pause;
    if (!entry.path.includes(search) || !caller.seesPath(entry.path)) continue;
    count++;
    if (entry.path > after) found.add(entry);
  }
  const isLast = found.sorted.length <= limit;
  const listed = found.sorted.slice(0, limit);
  return jsonResponse(200, {
    webhooks: listed.map((entry) => describe(catalog, entry)),
    count,
    after: isLast ? null : listed.at(-1)!.path,
  }, requestId);
}

/** The first of many entries by their paths: to sort all of them would take too long at a time. */
class FirstEntries {
  readonly sorted: CatalogEntry[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(entry: CatalogEntry): void {
    const { sorted } = this;
    if (sorted.length === this.#most) {
      if (entry.path > sorted.at(-1)!.path) return;
      sorted.pop();
    }
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]!.path < entry.path) low = middle + 1;
      else high = middle;
    }
    sorted.splice(low, 0, entry);
  }
}

function describe(catalog: WebhookListSource["catalog"], entry: CatalogEntry): unknown {
  const { webhook } = entry;
  return {
    namespace: entry.namespace,
    webhook: entry.id,
    state: stateOf(entry, catalog.problemsOf(describeWebhook(entry.path))),
    modules: webhook?.steps.map(({ module }) => module.name) ?? [],
    accept: webhook?.policy.acceptance ?? null,
  };
}
