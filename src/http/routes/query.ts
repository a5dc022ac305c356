/**
 * The queries of admin routes.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;

/**
 * The query, if it holds no other names than those.
 *
 * @throws {GatewayError} `invalid_query`
 */
export function queryOf(request: Request, known: readonly string[]): URLSearchParams {
  const query = new URL(request.url).searchParams;
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      throw new GatewayError("invalid_query", `'${name}' is not known here: expected ${known.join(", ")}`);
    }
  }
  return query;
}

/**
 * How many entries a page may have.
 *
 * @throws {GatewayError} `invalid_query`
 */
export function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get("limit") ?? DEFAULT_PAGE);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE) return limit;
  throw new GatewayError(
    "invalid_query",
    `'limit' must be a whole number from 1 to ${MAX_PAGE}, current value is '${query.get("limit")}'`,
  );
}
