/**
 * `GET /stats`: how many requests each webhook has accepted, in the form of the Python service.
 *
 * @module
 */

import type { Caller } from "../../../access/caller.ts";
import { secretMatcher } from "../../../auth/crypto/constant_time.ts";
import { jsonResponse } from "../../responses.ts";
import type { Handler, Route } from "../../router.ts";
import type { Statistics } from "../../statistics/statistics.ts";
import type { AdminGuard } from "../access/guard.ts";
import { compressing } from "../compression.ts";

/** What the route shows, and to whom. */
export interface StatisticsSource {
  readonly statistics: Statistics;
  readonly guard: Pick<AdminGuard, "callerOf" | "requireCaller">;
  /** Shows everything, beside the tokens of callers; `undefined` where there is none. */
  readonly token: string | undefined;
  /** Whose webhooks are called by their ids alone. */
  readonly defaultNamespace: string;
}

/** The route `/stats`. What a caller sees are the webhooks of its namespaces. */
export function statisticsRoute({ statistics, guard, token, defaultNamespace }: StatisticsSource): Route {
  const isToken = token === undefined ? undefined : secretMatcher(token);
  const own = `${defaultNamespace}/`;
  const answer: Handler = async (given, id, _rest, info) => {
    const request = withScheme(given);
    const caller: Caller | undefined = isToken === undefined
      ? guard.requireCaller(request, info)
      : guard.callerOf(request, info, isToken);
    const figures = await statistics.figures();
    const shown = [...figures].filter(([path]) => caller?.seesPath(path) !== false)
      .map(([path, values]) => [path.startsWith(own) ? path.slice(own.length) : path, values] as const)
      .sort(([a], [b]) => a < b ? -1 : 1);
    return jsonResponse(200, Object.fromEntries(shown), id);
  };
  return { path: "/stats", methods: { GET: compressing(answer) } };
}

/** The Python service takes the token alone, too. */
function withScheme(request: Request): Request {
  const given = request.headers.get("authorization");
  if (given === null || given.includes(" ")) return request;
  const headers = new Headers(request.headers);
  headers.set("authorization", `Bearer ${given}`);
  return new Request(request.url, { headers });
}
