/**
 * Series by webhook, of a bounded number: so many webhooks have series of their own, the others are summed.
 *
 * @module
 */

import { formatLabels, type Reading, type Summable } from "./exposition.ts";

/** Namespace and webhook of what is summed. No webhook has this id. */
export const OTHERS = "_others";

/** Namespace and webhook of what belongs to no configured webhook, however many names are tried. */
export const UNKNOWN = "_unknown";

/** A webhook by its names. */
export interface NamedSeries {
  readonly namespace: string;
  readonly webhook: string;
}

/** One webhook, whatever is counted of it. */
interface Owner extends NamedSeries {
  /** `namespace/webhook`: one text for all families. */
  readonly path: string;
  /** Whether its series have its name. */
  isNamed: boolean;
  /** Whether anything of it was counted at the last look. */
  isUsed: boolean;
  /** Whether its counts are in the sum: they stay there, or the sum would shrink. */
  isSummed: boolean;
}

/**
 * Which webhooks have series of their own. The first ones that are used do; while there are too few of those, also
 * webhooks that nothing was sent to. That is decided at scrapes: requests pay nothing for it.
 */
export class SeriesNames {
  readonly #limit: number;
  readonly #owners = new Map<string, Owner>();
  readonly #idle = new Set<Owner>();
  #named = 0;

  /** @param limit webhooks with series of their own. @default any number */
  constructor(limit: number = Infinity) {
    this.#limit = limit;
  }

  /** Whether a webhook that nothing was sent to would get series of its own. */
  get hasRoom(): boolean {
    return this.#named < this.#limit;
  }

  /** @internal */
  ownerOf({ namespace, webhook }: NamedSeries): Owner {
    const path = `${namespace}/${webhook}`;
    let owner = this.#owners.get(path);
    if (owner === undefined) {
      owner = { namespace, webhook, path, isNamed: false, isUsed: false, isSummed: false };
      if (webhook === UNKNOWN) owner.isNamed = owner.isUsed = true;
      else this.#owners.set(path, owner);
    }
    return owner;
  }

  /**
   * Whether a webhook has series of its own.
   *
   * @param isUsed whether anything was counted of it
   * @internal
   */
  decide(owner: Owner, isUsed: boolean): boolean {
    if (isUsed && !owner.isUsed) {
      owner.isUsed = true;
      this.#idle.delete(owner);
    }
    if (!owner.isNamed && !owner.isSummed) this.#name(owner);
    return owner.isNamed;
  }

  /** The webhook was removed: another one may have its place. */
  forget({ namespace, webhook }: NamedSeries): void {
    const path = `${namespace}/${webhook}`;
    const owner = this.#owners.get(path);
    if (owner === undefined) return;
    this.#owners.delete(path);
    this.#idle.delete(owner);
    if (owner.isNamed) this.#named--;
  }

  #name(owner: Owner): void {
    if (this.hasRoom) this.#named++;
    else if (!owner.isUsed) return;
    else if (!this.#takePlaceOfIdle()) {
      owner.isSummed = true;
      return;
    }
    owner.isNamed = true;
    if (!owner.isUsed) this.#idle.add(owner);
  }

  /** One that nothing was sent to loses series that are all 0. */
  #takePlaceOfIdle(): boolean {
    for (const idle of this.#idle) {
      this.#idle.delete(idle);
      idle.isNamed = false;
      return true;
    }
    return false;
  }
}

/** What is shown of each webhook from its load on, at 0: to Prometheus an increase from nothing is none. */
export interface ShownFromLoad {
  readonly webhooks: () => Iterable<{ readonly namespace: string; readonly id: string }>;
  /** The values of the labels behind namespace and webhook. */
  readonly values: readonly (readonly string[])[];
}

interface Series<Kind> {
  /** The labels behind namespace and webhook, as they are written: one text for all webhooks. */
  readonly rest: string;
  readonly child: Kind;
  /** All labels, once they were written. */
  labels: string | undefined;
}

interface OfWebhook<Kind> {
  readonly owner: Owner;
  readonly series: Series<Kind>[];
}

/** Webhooks that are passed at a time. */
const SLICE = 256;

/** One metric by namespace, webhook and other labels, with all its children. */
export class WebhookFamily<Kind extends Summable<Kind>> {
  readonly #name: string;
  readonly #restNames: readonly string[];
  readonly #create: () => Kind;
  readonly #names: SeriesNames;
  readonly #fromLoad: ShownFromLoad | undefined;
  readonly #webhooks = new Map<string, OfWebhook<Kind>>();
  readonly #rests = new Map<string, string>();
  /** What webhooks have left in the sum that are removed, by the other labels. */
  readonly #left = new Map<string, Kind>();

  /** Use the methods of `Metrics` instead. */
  constructor(
    name: string,
    restNames: readonly string[],
    create: () => Kind,
    names: SeriesNames,
    fromLoad?: ShownFromLoad,
  ) {
    this.#name = name;
    this.#restNames = restNames;
    this.#create = create;
    this.#names = names;
    this.#fromLoad = fromLoad;
  }

  /** The child with these label values, made on first use. Keep it where it is used often. */
  with(namespace: string, webhook: string, ...rest: readonly string[]): Kind {
    return this.#childOf(this.#of({ namespace, webhook }), this.#restOf(rest));
  }

  /** The child with these label values; `undefined` while nothing has used it. */
  find(namespace: string, webhook: string, ...rest: readonly string[]): Kind | undefined {
    const series = this.#webhooks.get(`${namespace}/${webhook}`)?.series;
    if (series === undefined) return undefined;
    const labels = this.#restOf(rest);
    return series.find((each) => each.rest === labels)?.child;
  }

  /** The webhooks that have a child. */
  *known(): Iterable<NamedSeries> {
    for (const { owner } of this.#webhooks.values()) yield owner;
  }

  /** Stops showing the children of a webhook. Whoever still holds one may go on counting. */
  forget({ namespace, webhook }: NamedSeries): void {
    const path = `${namespace}/${webhook}`;
    const of = this.#webhooks.get(path);
    if (of === undefined) return;
    this.#webhooks.delete(path);
    if (!of.owner.isSummed) return;
    for (const { rest, child } of of.series) this.#addTo(this.#left, rest, child);
  }

  /**
   * One sample after the other, or nothing where other work may be done. Children may come and go meanwhile; each is
   * rendered once.
   *
   * @internal
   */
  *render(): Iterable<string> {
    yield* this.#beginIdle();
    let passed = 0;
    for (const of of this.#webhooks.values()) {
      this.#isNamed(of);
      if (++passed % SLICE === 0) yield "";
    }
    const sums = new Map<string, Kind>();
    for (const [rest, child] of this.#left) this.#addTo(sums, rest, child);
    for (const of of this.#webhooks.values()) {
      if (++passed % SLICE === 0) yield "";
      if (!this.#isNamed(of)) { for (const { rest, child } of of.series) this.#addTo(sums, rest, child); }
      else {
        this.#complete(of);
        for (const series of of.series) yield this.#render(of, series);
      }
    }
    const others = { namespace: OTHERS, webhook: OTHERS };
    for (const [rest, child] of sums) yield child.render(this.#name, labelsOf(others, rest));
  }

  #render({ owner }: OfWebhook<Kind>, series: Series<Kind>): string {
    series.labels ??= labelsOf(owner, series.rest);
    return series.child.render(this.#name, series.labels);
  }

  #isNamed({ owner, series }: OfWebhook<Kind>): boolean {
    if (owner.isSummed || (owner.isNamed && owner.isUsed)) return owner.isNamed;
    return this.#names.decide(owner, series.some(({ child }) => child.isUsed));
  }

  /** Makes series of webhooks that nothing was sent to, as far as there is room. */
  *#beginIdle(): Iterable<string> {
    if (this.#fromLoad === undefined || !this.#names.hasRoom) return;
    let passed = 0;
    for (const { namespace, id } of this.#fromLoad.webhooks()) {
      if (!this.#names.hasRoom) return;
      this.#isNamed(this.#of({ namespace, webhook: id }));
      if (++passed % SLICE === 0) yield "";
    }
  }

  #complete(of: OfWebhook<Kind>): void {
    if (this.#fromLoad === undefined || of.owner.webhook === UNKNOWN) return;
    for (const values of this.#fromLoad.values) this.#childOf(of, this.#restOf(values));
  }

  #of({ namespace, webhook }: NamedSeries): OfWebhook<Kind> {
    const path = `${namespace}/${webhook}`;
    let of = this.#webhooks.get(path);
    if (of === undefined) {
      const owner = this.#names.ownerOf({ namespace, webhook });
      this.#webhooks.set(owner.path, of = { owner, series: [] });
    }
    return of;
  }

  #childOf({ series }: OfWebhook<Kind>, rest: string): Kind {
    for (const each of series) if (each.rest === rest) return each.child;
    const child = this.#create();
    series.push({ rest, child, labels: undefined });
    return child;
  }

  #addTo(sums: Map<string, Kind>, rest: string, child: Kind): void {
    let sum = sums.get(rest);
    if (sum === undefined) sums.set(rest, sum = this.#create());
    sum.addAll(child);
  }

  #restOf(values: readonly string[]): string {
    if (values.length === 0) return "";
    const rest = formatLabels(this.#restNames, values);
    const known = this.#rests.get(rest);
    if (known === undefined) this.#rests.set(rest, rest);
    return known ?? rest;
  }
}

function labelsOf({ namespace, webhook }: NamedSeries, rest: string): string {
  const names = formatLabels(["namespace", "webhook"], [namespace, webhook]);
  return rest === "" ? names : `${names},${rest}`;
}

/** A value of one webhook, as a callback reads it. */
export type WebhookReading = readonly [
  of: NamedSeries,
  value: number,
  others?: Readonly<Record<string, string>>,
];

/**
 * The readings of webhooks with series of their own, and one for all others together.
 *
 * @param together the value of two. @default their sum
 */
export function boundReadings(
  names: SeriesNames,
  readings: Iterable<WebhookReading>,
  together: (one: number, other: number) => number = (one, other) => one + other,
): Reading[] {
  const shown: Reading[] = [];
  const others = new Map<string, Reading>();
  for (const [{ namespace, webhook }, value, rest = {}] of readings) {
    if (names.decide(names.ownerOf({ namespace, webhook }), value > 0)) {
      shown.push([{ namespace, webhook, ...rest }, value]);
      continue;
    }
    const key = JSON.stringify(rest);
    const before = others.get(key)?.[1];
    const sum = before === undefined ? value : together(before, value);
    others.set(key, [{ namespace: OTHERS, webhook: OTHERS, ...rest }, sum]);
  }
  return [...shown, ...others.values()];
}
