/** The SQS that tests run against: fauxqs in their own process, or the one that `SQS_PORT` names. */

import { type Fauxqs, serveFauxqs } from "./fauxqs.ts";

/** A server whose queues are those of the tests. Disposal ends one that was started here. */
export function startQueues(): Promise<Fauxqs> {
  const given = Deno.env.get("SQS_PORT");
  if (given === undefined) return serveFauxqs();
  return Promise.resolve({ port: Number(given), [Symbol.asyncDispose]: () => Promise.resolve() });
}
