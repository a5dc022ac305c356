import { describeKey } from "../../src/event/names.ts";
import type { ProblemReason } from "../../src/config/problem.ts";
import type { ConfigChange, ConfigPut, ConfigSink } from "../../src/config/provider.ts";

/** A problem as a provider reported it for a file or a raw key. */
export interface RecordedSource {
  readonly problem: ProblemReason;
  readonly serving: "last_good" | "nothing";
}

/** A configuration sink that takes everything as it comes and remembers all of it. */
export class RecordingSink implements ConfigSink {
  /** Every call of `apply`. */
  readonly batches: (readonly ConfigChange[])[] = [];
  /** What is in service by key, for example `webhook default/orders`. */
  readonly values = new Map<string, ConfigPut["value"]>();
  /** The problems that stand, by source. */
  readonly sources = new Map<string, RecordedSource>();
  /** Every call of `reportSource`, as `set {source}` or `clear {source}`. */
  readonly reports: string[] = [];

  apply(changes: readonly ConfigChange[]): void {
    this.batches.push(changes);
    for (const change of changes) {
      if ("deleted" in change) this.values.delete(describeKey(change.key));
      else this.values.set(describeKey(change.key), change.value);
    }
  }

  reportSource(
    source: string,
    problem: ProblemReason | undefined,
    _revision: string,
    serving: "last_good" | "nothing" = "nothing",
    _moreFollow?: boolean,
  ): void {
    this.reports.push(`${problem === undefined ? "clear" : "set"} ${source}`);
    if (problem === undefined) this.sources.delete(source);
    else this.sources.set(source, { problem, serving });
  }

  /** Every change so far, as `put {key}` or `delete {key}`. */
  get changes(): string[] {
    return this.batches.flat().map((change) =>
      `${"deleted" in change ? "delete" : "put"} ${describeKey(change.key)}`
    );
  }

  /** The keys in service, sorted. */
  get keys(): string[] {
    return [...this.values.keys()].sort();
  }

  /** The JSON value of a key in service; `undefined` when there is none or it has a problem. */
  json(key: string): unknown {
    const value = this.values.get(key);
    return value !== undefined && "json" in value ? value.json : undefined;
  }

  /** Every JSON value that a key has had, oldest first. */
  history(key: string): unknown[] {
    return this.batches.flat().flatMap((change) =>
      describeKey(change.key) === key && "value" in change && "json" in change.value
        ? [change.value.json]
        : []
    );
  }

  /** The code of the problem of a value or a source, if it has one. */
  problemCode(name: string): string | undefined {
    const value = this.values.get(name);
    return value !== undefined && "problem" in value
      ? value.problem.code
      : this.sources.get(name)?.problem.code;
  }
}
