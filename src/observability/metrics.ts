/**
 * Counters, gauges and histograms of our own, in the Prometheus text format 0.0.4. They live on the
 * request path, so a child (one combination of label values) is looked up when the configuration is
 * compiled, and counting is then one addition.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @module
 */

import { type Child, escapeHelp, formatLabels, formatNumber, type Reading, sample } from "./exposition.ts";
import { type SeriesNames, type ShownFromLoad, WebhookFamily } from "./webhook_series.ts";

export type { Reading } from "./exposition.ts";

/** Content type of {@linkcode Metrics.render}. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Buckets for the duration of requests, in seconds. */
export const DURATION_BUCKETS: readonly number[] = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
];

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

type MetricType = "counter" | "gauge" | "histogram";

/** Label values in the order of the label names. */
type ValuesOf<Names extends readonly string[]> = { readonly [Index in keyof Names]: string };

/** A number that only grows. */
export class Counter {
  #value = 0;

  increment(): void {
    this.#value++;
  }

  /** @param amount must not be negative */
  add(amount: number): void {
    this.#value += amount;
  }

  get value(): number {
    return this.#value;
  }

  /** Whether anything was counted. */
  get isUsed(): boolean {
    return this.#value > 0;
  }

  addAll({ value }: Counter): void {
    this.#value += value;
  }

  /** @internal */
  render(name: string, labels: string): string {
    return sample(name, labels, this.#value);
  }
}

/** How often values fell into which range. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** Per bucket, not cumulative; the last one is for values above every bound. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds upper bounds of the buckets, ascending, without infinity */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (value > (this.#bounds[bucket] ?? Infinity)) bucket++;
    this.#counts[bucket]!++;
    this.#sum += value;
  }

  /** Whether anything was observed. */
  get isUsed(): boolean {
    return this.#counts.some((inBucket) => inBucket > 0);
  }

  /** @param other with the same bounds */
  addAll(other: Histogram): void {
    for (let index = 0; index < this.#counts.length; index++) this.#counts[index]! += other.#counts[index]!;
    this.#sum += other.#sum;
  }

  /** @internal */
  render(name: string, labels: string): string {
    let text = "";
    let count = 0;
    this.#counts.forEach((inBucket, index) => {
      count += inBucket;
      const bound = `le="${formatNumber(this.#bounds[index] ?? Infinity)}"`;
      text += sample(`${name}_bucket`, labels === "" ? bound : `${labels},${bound}`, count);
    });
    return text + sample(`${name}_sum`, labels, this.#sum) + sample(`${name}_count`, labels, count);
  }
}

/** Label values that are shown from the start. */
type Always<Names extends readonly string[]> = () => Iterable<ValuesOf<Names>>;

/** One metric with all its children. */
export class Family<Kind extends Child, Names extends readonly string[]> {
  readonly #name: string;
  readonly #labelNames: Names;
  readonly #create: () => Kind;
  readonly #always: Always<Names>;
  readonly #children = new Map<string, Kind>();
  /** Of each rendering that has passed the children: those made since. */
  readonly #late = new Set<Set<string>>();

  /** Use the methods of {@linkcode Metrics} instead. */
  constructor(name: string, labelNames: Names, create: () => Kind, always: Always<Names>) {
    this.#name = name;
    this.#labelNames = labelNames;
    this.#create = create;
    this.#always = always;
  }

  /** The child with these label values, made on first use. Keep it where it is used often. */
  with(...values: ValuesOf<Names>): Kind {
    const labels = this.#labels(values);
    let child = this.#children.get(labels);
    if (child === undefined) {
      child = this.#create();
      this.#children.set(labels, child);
      for (const late of this.#late) late.add(labels);
    }
    return child;
  }

  /** The child with these label values; `undefined` while nothing has used it. */
  find(...values: ValuesOf<Names>): Kind | undefined {
    return this.#children.get(this.#labels(values));
  }

  /** Stops showing a child, say of a deleted webhook. Whoever still holds it may go on counting. */
  remove(...values: ValuesOf<Names>): void {
    this.#children.delete(this.#labels(values));
  }

  /**
   * One sample after the other. Children may come and go meanwhile; each is rendered once.
   *
   * @internal
   */
  *render(): Iterable<string> {
    for (const [labels, child] of this.#children) yield child.render(this.#name, labels);
    const late = new Set<string>();
    this.#late.add(late);
    try {
      for (const values of this.#always()) {
        const labels = this.#labels(values);
        const child = this.#children.get(labels);
        if (child === undefined) yield sample(this.#name, labels, 0);
        else if (late.has(labels)) yield child.render(this.#name, labels);
      }
    } finally {
      this.#late.delete(late);
    }
  }

  #labels(values: readonly string[]): string {
    return formatLabels(this.#labelNames, values);
  }
}

/** All metrics of one gateway. */
export class Metrics {
  readonly #sections = new Map<string, { readonly head: string; readonly render: () => Iterable<string> }>();
  readonly #readErrors = this.counter(
    "cwm_metric_read_errors_total",
    "Metrics left out of a scrape because reading their value failed",
    ["metric"],
  );

  /**
   * As with the other kinds, the name can be registered once.
   *
   * @param always label values whose series are shown at 0 until they are counted, asked for at each scrape: an
   * increase from nothing to something is none to Prometheus, so that an alert on it would not fire
   * @throws {TypeError} when a name is not valid; {Error} when the metric's is taken
   */
  counter<const Names extends readonly string[] = []>(
    name: string,
    help: string,
    labelNames?: Names,
    always?: Always<Names>,
  ): Family<Counter, Names> {
    return this.#family(name, help, "counter", labelNames, () => new Counter(), always);
  }

  /** @param buckets upper bounds, ascending, without infinity */
  histogram<const Names extends readonly string[] = []>(
    name: string,
    help: string,
    labelNames: Names,
    buckets: readonly number[],
  ): Family<Histogram, Names> {
    if (buckets.some((bound, index) => !(bound > (buckets[index - 1] ?? -Infinity)) || bound === Infinity)) {
      throw new TypeError(`Cannot register metric '${name}' as its buckets are not ascending finite numbers`);
    }
    return this.#family(name, help, "histogram", labelNames, () => new Histogram(buckets));
  }

  /**
   * A counter by namespace, webhook and other labels.
   *
   * @param names which webhooks have series of their own
   * @param restNames the labels behind namespace and webhook
   * @param fromLoad series that are shown at 0 until they are counted. @default none
   */
  webhookCounter(
    name: string,
    help: string,
    names: SeriesNames,
    restNames: readonly string[] = [],
    fromLoad?: ShownFromLoad,
  ): WebhookFamily<Counter> {
    const family = new WebhookFamily(name, restNames, () => new Counter(), names, fromLoad);
    this.#register(name, help, "counter", restNames, () => family.render());
    return family;
  }

  /** A histogram by namespace and webhook. @param names which webhooks have series of their own */
  webhookHistogram(
    name: string,
    help: string,
    names: SeriesNames,
    buckets: readonly number[],
  ): WebhookFamily<Histogram> {
    const family = new WebhookFamily(name, [], () => new Histogram(buckets), names);
    this.#register(name, help, "histogram", [], () => family.render());
    return family;
  }

  /** A gauge whose value, or values with labels, are asked for at each scrape. */
  gaugeFrom(name: string, help: string, read: () => number | Iterable<Reading>): void {
    this.#register(name, help, "gauge", [], () => [this.#read(name, read)]);
  }

  /** A counter that somebody else keeps: asked for at each scrape. */
  counterFrom(name: string, help: string, read: () => number | Iterable<Reading>): void {
    this.#register(name, help, "counter", [], () => [this.#read(name, read)]);
  }

  /** Everything in the Prometheus text format. */
  render(): string {
    let text = "";
    for (const piece of this.pieces()) text += piece;
    return text;
  }

  /**
   * The Prometheus text in small pieces, between which other work may be done.
   *
   * @param sees whether a namespace is shown: nothing else is then, not even what has no namespace. @default everything
   */
  *pieces(sees?: (namespace: string) => boolean): Iterable<string> {
    for (const { head, render } of this.#sections.values()) {
      if (sees === undefined) {
        yield head;
        yield* render();
      } else yield* ofNamespaces(head, render(), sees);
    }
  }

  #family<Kind extends Child, const Names extends readonly string[]>(
    name: string,
    help: string,
    type: MetricType,
    labelNames: Names | undefined,
    create: () => Kind,
    always: Always<Names> = () => [],
  ): Family<Kind, Names> {
    const names = labelNames ?? ([] as readonly string[] as Names);
    const family = new Family(name, names, create, always);
    this.#register(name, help, type, names, () => family.render());
    return family;
  }

  #register(
    name: string,
    help: string,
    type: MetricType,
    labelNames: readonly string[],
    render: () => Iterable<string>,
  ): void {
    if (!METRIC_NAME.test(name)) {
      throw new TypeError(`Cannot register metric '${name}' as its name is not valid`);
    }
    checkLabelNames(name, labelNames);
    if (this.#sections.has(name)) {
      throw new Error(`Cannot register metric '${name}' as it is registered already`);
    }
    const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    this.#sections.set(name, { head, render });
  }

  /** One metric that cannot be read must not take the others away. */
  #read(name: string, read: () => number | Iterable<Reading>): string {
    try {
      const readings = read();
      if (typeof readings === "number") return sample(name, "", readings);
      let text = "";
      for (const [labels, value] of readings) {
        checkLabelNames(name, Object.keys(labels));
        text += sample(name, formatLabels(Object.keys(labels), Object.values(labels)), value);
      }
      return text;
    } catch {
      this.#readErrors.with(name).increment();
      return "";
    }
  }
}

/** The label itself: in the value of another one, a quotation mark has a backslash before it. */
const NAMESPACE_LABEL = /[{,]namespace="([^"\\]*)"/;

/** The samples of some namespaces, behind the head of their metric where there are any. An empty piece for the others. */
function* ofNamespaces(
  head: string,
  pieces: Iterable<string>,
  sees: (namespace: string) => boolean,
): Iterable<string> {
  let before = head;
  for (const piece of pieces) {
    const seen = piece.split("\n").filter((line) => {
      const namespace = NAMESPACE_LABEL.exec(line)?.[1];
      return namespace !== undefined && sees(namespace);
    });
    yield seen.length === 0 ? "" : `${before}${seen.join("\n")}\n`;
    if (seen.length > 0) before = "";
  }
}

function checkLabelNames(metric: string, names: readonly string[]): void {
  for (const name of names) {
    if (!LABEL_NAME.test(name) || name === "le") {
      throw new TypeError(`Cannot use label '${name}' in metric '${metric}' as its name is not valid`);
    }
  }
}
