/** Figures and tables of the benchmarks of the etcd backend. */

/** A line of output. */
export function print(line = ""): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

/** What is going on, for whoever waits for the tables. */
export function progress(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`... ${line}\n`));
}

/** A line of a table: a name and figures. */
export function row(name: string, figures: readonly string[]): string {
  return name.padEnd(46) + figures.map((figure) => figure.padStart(13)).join("");
}

/** The smallest value that this share of all values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Says whether a target is met, such as `1.12 (at most 1.30)`. */
export function judge(value: number, target: number): string {
  return `${value.toFixed(2)} (at most ${target.toFixed(2)}${value <= target ? "" : ", MISSED"})`;
}

/** The same of a target that is to be reached, such as `2.71 (at least 2.60)`. */
export function judgeLeast(value: number, target: number): string {
  return `${value.toFixed(2)} (at least ${target.toFixed(2)}${value >= target ? "" : ", MISSED"})`;
}

export function residentMiB(pid: number): number {
  return memoryMiB(pid, "VmRSS");
}

/** The most memory that a process has ever had resident. */
export function peakMiB(pid: number): number {
  return memoryMiB(pid, "VmHWM");
}

function memoryMiB(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
}
