/** A collector of OpenTelemetry data, as far as the tests need one: OTLP over HTTP, in JSON. */

import { HttpTarget } from "./http/target.ts";

/** One span as it arrived. */
export interface RecordedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** The traces and spans that it has links to. */
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface SpanJson {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes?: readonly Attribute[];
  readonly links?: RecordedSpan["links"];
}

interface TracesJson {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly SpanJson[] }[];
  }[];
}

/**
 * A collector on a free port of 127.0.0.1.
 *
 *     await using collector = await OtlpCollector.start();
 *     await using gateway = await GatewayProcess.start({ env: collector.environment });
 */
export class OtlpCollector implements AsyncDisposable {
  readonly #target: HttpTarget;

  private constructor(target: HttpTarget) {
    this.#target = target;
  }

  static async start(): Promise<OtlpCollector> {
    return new OtlpCollector(await HttpTarget.start());
  }

  /** What has a gateway send its telemetry here, several times a second. */
  get environment(): Readonly<Record<string, string>> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: this.#target.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
      OTEL_DENO_CONSOLE: "ignore",
    };
  }

  /** From now on requests are taken and never answered. */
  fallSilent(): void {
    this.#target.answer("hang");
  }

  get spans(): RecordedSpan[] {
    return this.#received("/v1/traces")
      .flatMap((text) => (JSON.parse(text) as TracesJson).resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap(({ spans }) => spans)
      .map(({ traceId, spanId, parentSpanId, name, attributes = [], links = [] }) => ({
        traceId,
        spanId,
        parentSpanId: parentSpanId === "" ? undefined : parentSpanId,
        name,
        links,
        attributes: new Map(attributes.map(({ key, value }) => [key, value.stringValue ?? ""])),
      }));
  }

  /** The metrics that have arrived, as they were sent. */
  get metrics(): string {
    return this.#received("/v1/metrics").join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target[Symbol.asyncDispose]();
  }

  #received(path: string): string[] {
    return this.#target.requests.filter(({ target }) => target === path).map(({ text }) => text);
  }
}
