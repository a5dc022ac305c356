/**
 * Figures over the last minutes, from when the page was opened.
 *
 * @module
 */

import type { VNode } from "./library.ts";
import { useEffect, useRef } from "./library.ts";
import { UPlot } from "./library.ts";
import type { PageElement } from "./browser.ts";
import { html } from "./parts.ts";

/** Points of a line: ten minutes of one in two seconds. */
const MOST_POINTS = 300;
const HEIGHT = 160;

/** Counters that only grow, turned into what they grow by in a second. */
export class Rates {
  readonly times: number[] = [];
  readonly lines: number[][];
  #before: { readonly at: number; readonly counts: readonly number[] } | undefined;

  constructor(readonly names: readonly string[]) {
    this.lines = names.map(() => []);
  }

  /** @param counts in the order of the names */
  add(counts: readonly number[]): void {
    const at = Date.now() / 1_000;
    const before = this.#before;
    this.#before = { at, counts };
    // After a restart they begin again.
    if (
      before === undefined || at <= before.at || counts.some((count, index) => count < before.counts[index]!)
    ) return;
    this.times.push(at);
    counts.forEach((count, index) =>
      this.lines[index]!.push((count - before.counts[index]!) / (at - before.at))
    );
    if (this.times.length <= MOST_POINTS) return;
    this.times.shift();
    for (const line of this.lines) line.shift();
  }

  /** The last values, for whoever does not see the picture. */
  get summary(): string {
    const last = this.lines.map((line, index) => `${this.names[index]} ${(line.at(-1) ?? 0).toFixed(1)}`);
    return `${last.join(", ")} a second`;
  }
}

const COLOURS = ["#2f7d4f", "#b3541e", "#a3262e", "#2b5fa8"];

/** The lines of some rates. */
export function Chart({ rates, turn }: { readonly rates: Rates; readonly turn: number }): VNode {
  const place = useRef<PageElement>(null);
  const plot = useRef<UPlot>(null);
  useEffect(() => {
    const element = place.current!;
    const made = new UPlot(
      {
        width: Math.max(240, element.clientWidth),
        height: HEIGHT,
        cursor: { show: false },
        legend: { show: false },
        axes: [{ stroke: "#767676", grid: { show: false } }, { stroke: "#767676", size: 44 }],
        scales: { y: { range: (_: unknown, _least: number, most: number) => [0, Math.max(1, most * 1.1)] } },
        series: [{}, ...rates.names.map((label, index) => ({ label, stroke: COLOURS[index]!, width: 2 }))],
      } as never,
      dataOf(rates) as never,
      element as never,
    );
    plot.current = made;
    return () => made.destroy();
  }, [rates]);
  useEffect(() => plot.current?.setData(dataOf(rates)), [turn]);
  return html`
    <figure class="chart">
      <figcaption>
        ${rates.names.map((name, index) => html`<span class="key key-${index}">${name}</span>`)}
        <span class="quiet">a second, since this page was opened</span>
      </figcaption>
      <div ref=${place} role="img" aria-label=${rates.summary}></div>
    </figure>
  `;
}

function dataOf({ times, lines }: Rates): unknown {
  return [times, ...lines];
}
