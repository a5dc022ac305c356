/**
 * Lines of the Prometheus text format 0.0.4, and what is shown by them.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @module
 */

/** One series as a callback reports it. */
export type Reading = readonly [labels: Readonly<Record<string, string>>, value: number];

/** One series or, of a histogram, those that belong together. */
export interface Child {
  render(name: string, labels: string): string;
}

/** What can be shown as a sum with others of its kind. */
export interface Summable<Kind> extends Child {
  /** Whether it is not as it was made. */
  readonly isUsed: boolean;
  /** Counts what the other one has counted. */
  addAll(other: Kind): void;
}

/** One line. */
export function sample(name: string, labels: string, value: number): string {
  return `${name}${labels === "" ? "" : `{${labels}}`} ${formatNumber(value)}\n`;
}

/** A value as the format has it. */
export function formatNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/** Labels as they are written between the braces. */
export function formatLabels(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escapeLabel(values[index] ?? "")}"`).join(",");
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => character === "\n" ? "\\n" : "\\" + character);
}

/** A help text on one line. */
export function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (character) => character === "\n" ? "\\n" : "\\\\");
}
