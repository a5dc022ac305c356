/**
 * How a request of the gateway becomes a part of a trace.
 *
 * @module
 */

import type { Endpoint } from "./endpoint.ts";

/** Makes requests parts of the traces of the work that they are sent for. */
export interface RequestTraces {
  /** Begins the span of a request, as a part of the work at hand. */
  begin(method: string, endpoint: Endpoint): RequestSpan;
}

/** A request as a part of a trace. */
export interface RequestSpan {
  /** Headers that carry the trace on, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The request has ended. @param outcome the status of its answer, or what it failed with */
  end(outcome: { readonly status: number } | { readonly error: unknown }): void;
}
