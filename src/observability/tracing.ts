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

/** An attempt to deliver events. */
export interface TracedCall {
  /** The name of the output's module. */
  readonly output: string;
  /** From 1. */
  readonly attempt: number;
  readonly events: readonly (TracedEvent & { readonly trace?: TraceCarrier | undefined })[];
}

/** Most traces that one span has links to. */
const MAX_LINKS = 128;

/** What a sender may say about a trace. */
const TRACE_HEADERS = ["traceparent", "tracestate", "baggage"];

/** Traces of the runtime's own OpenTelemetry. */
export interface Tracing {
  /**
   * What the trace of an event is known by, to be stored with it: that of the work at hand, whose span gets the event's
   * names, or where a stranger has chosen that, a trace of its own with a link to it. `undefined` outside of any.
   *
   * @param headers of the request
   * @param isTrusted whether its sender may choose the trace
   */
  carrier(event: TracedEvent, headers: Headers, isTrusted: boolean): TraceCarrier | undefined;
  /** The headers without those of the sender's trace, in whose place the event's own go to outputs. */
  ownHeaders(headers: Headers): Headers;
  /**
   * Hands events to an output: a span of the event's trace, or of none with links to those of all where there are
   * several.
   *
   * @param isNested whether what the output sends belongs to the span: not where it sends for several events at once
   * @param failureOf the code of what has failed; `undefined` where nothing has
   */
  deliver<Result>(
    call: TracedCall,
    isNested: boolean,
    work: () => Result | Promise<Result>,
    failureOf: (result: Result) => string | undefined,
  ): Result | Promise<Result>;
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
    carrier: (event, headers, isTrusted) => {
      const attributes = namesOf(event);
      const active = trace.getActiveSpan();
      active?.setAttributes(attributes);
      let own = context.active();
      if (!isTrusted && active !== undefined && headers.has("traceparent")) {
        const links = [{ context: active.spanContext() }];
        const span = tracer.startSpan(
          "event",
          { root: true, kind: SpanKind.CONSUMER, attributes, links },
          ROOT_CONTEXT,
        );
        own = trace.setSpan(ROOT_CONTEXT, span);
        span.end();
      }
      const carrier: Record<string, string> = {};
      propagation.inject(own, carrier);
      return carrier["traceparent"] === undefined ? undefined : carrier;
    },
    ownHeaders: (headers) => {
      if (!TRACE_HEADERS.some((name) => headers.has(name))) return headers;
      const own = new Headers(headers);
      for (const name of TRACE_HEADERS) own.delete(name);
      return own;
    },
    deliver: (call, isNested, work, failureOf) => {
      const { events: [event, ...others] } = call;
      const isOne = event?.trace !== undefined && others.length === 0;
      const parent = isOne ? propagation.extract(ROOT_CONTEXT, event.trace) : ROOT_CONTEXT;
      const span = tracer.startSpan(`deliver ${call.output}`, {
        kind: SpanKind.PRODUCER,
        attributes: {
          "cwm.output": call.output,
          "cwm.attempt": call.attempt,
          ...(event !== undefined && others.length === 0
            ? namesOf(event)
            : { "messaging.batch.message_count": call.events.length }),
        },
        links: isOne ? [] : call.events.slice(0, MAX_LINKS).flatMap(({ trace: carrier }) => {
          const linked = carrier && trace.getSpanContext(propagation.extract(ROOT_CONTEXT, carrier));
          return linked === undefined ? [] : [{ context: linked }];
        }),
      }, parent);
      const end = (failure: string | undefined) => {
        if (failure !== undefined) {
          span.setAttribute("error.type", failure);
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      };
      const within = isNested && isOne ? trace.setSpan(parent, span) : ROOT_CONTEXT;
      const result = context.with(within, work);
      if (!(result instanceof Promise)) {
        end(failureOf(result));
        return result;
      }
      result.then((value) => end(failureOf(value)), (error) => end(errorCode(error)));
      return result;
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

function namesOf({ namespace, webhook, id }: TracedEvent): Record<string, string> {
  return { "cwm.namespace": namespace, "cwm.webhook": webhook, "cwm.event_id": id };
}

function runtimeApi(): object | undefined {
  return Reflect.get(globalThis, RUNTIME_API) as object | undefined;
}
