/**
 * Ties work that is done later to the trace of the request that it is for. The traces themselves are the
 * runtime's (`OTEL_DENO=true`); while they are off there is no {@linkcode Tracing}, and nothing here is loaded.
 *
 * @module
 */

import { errorCode } from "../errors.ts";
import type { RequestTraces } from "../io/http/request_traces.ts";
import { REDACTED } from "./redaction.ts";

/** The object under which the runtime offers its OpenTelemetry, as far as it was switched on. */
const RUNTIME_API = Symbol.for("opentelemetry.js.api.1");

/**
 * What the trace of a request is known by: the headers `traceparent`, `tracestate` and `baggage` of the work that
 * continues it (W3C Trace Context, W3C Baggage), as far as there are any.
 */
export type TraceCarrier = Readonly<Record<string, string>>;

/** What a span has of the event that it is for. */
export interface TracedEvent {
  readonly namespace: string;
  readonly webhook: string;
  readonly id: string;
}

/** Traces of the runtime's own OpenTelemetry. */
export interface Tracing {
  /**
   * What the trace of the work at hand is known by, to be stored with an event, whose names the active span gets;
   * `undefined` outside of any.
   */
  carrier(event: TracedEvent): TraceCarrier | undefined;
  /** Does work as a part of the trace; without a carrier outside of any, whoever called. */
  within<T>(carrier: TraceCarrier | undefined, work: () => T): T;
  /** Names the request at hand by its route's template, never by its path: each value is a series of its own. */
  setRoute(method: string, template: string): void;
  /** Takes the query out of the active span's address: it may hold a credential. @param url with a query or without */
  hideQuery(url: string): void;
  /** Makes requests of the gateway parts of the traces of their events. Paths are not shown: they may hold a secret. */
  readonly requests: RequestTraces;
}

/** From this status on an answer is an error of the request, for traces. */
const FIRST_ERROR = 400;

/** Whether the runtime sends telemetry of any kind, and so does it once more when the process ends. */
export function sendsTelemetry(): boolean {
  return runtimeApi() !== undefined;
}

/** `undefined` while the runtime records no traces. */
export async function openTracing(): Promise<Tracing | undefined> {
  if (!("trace" in (runtimeApi() ?? {}))) return undefined;
  const { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await import(
    "@opentelemetry/api"
  );
  const tracer = trace.getTracer("cwm");
  const requests: RequestTraces = {
    begin: (method, { protocol, hostname, port }) => {
      const span = tracer.startSpan(method, {
        kind: SpanKind.CLIENT,
        attributes: {
          "http.request.method": method,
          "url.scheme": protocol.slice(0, -1),
          "server.address": hostname,
          "server.port": port,
        },
      });
      const headers: Record<string, string> = {};
      propagation.inject(trace.setSpan(context.active(), span), headers);
      return {
        headers,
        end: (outcome) => {
          if ("status" in outcome) span.setAttribute("http.response.status_code", outcome.status);
          else span.setAttribute("error.type", errorCode(outcome.error));
          if ("error" in outcome || outcome.status >= FIRST_ERROR) {
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },
  };
  return {
    requests,
    carrier: ({ namespace, webhook, id }) => {
      trace.getActiveSpan()?.setAttributes({
        "cwm.namespace": namespace,
        "cwm.webhook": webhook,
        "cwm.event_id": id,
      });
      const carrier: Record<string, string> = {};
      propagation.inject(context.active(), carrier);
      return carrier["traceparent"] === undefined ? undefined : carrier;
    },
    within: (carrier, work) =>
      context.with(carrier === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, carrier), work),
    setRoute: (method, template) =>
      trace.getActiveSpan()?.setAttribute("http.route", template).updateName(`${method} ${template}`),
    hideQuery: (url) => {
      const query = url.indexOf("?");
      if (query === -1) return;
      const shown = `${url.slice(0, query)}?${REDACTED}`;
      trace.getActiveSpan()?.setAttributes({ "url.full": shown, "url.query": REDACTED });
    },
  };
}

function runtimeApi(): object | undefined {
  return Reflect.get(globalThis, RUNTIME_API) as object | undefined;
}
