/**
 * How far the changes of etcd are applied, and whether its history is still the same.
 *
 * @module
 */

import type { EtcdHeader } from "../wire/fields.ts";

/** Whether what was applied is still the beginning of what etcd holds, or why not. */
export type PositionState = "current" | "cluster_changed" | "revision_regressed" | "history_rewound";

/**
 * How far into etcd's history the changes have been applied. It is moved by lists, applied events and
 * progress notifications, all of which say "everything up to here is known". Nothing else says that: not
 * the creation of a watch, not a time-out, not the header of another request's answer. A position that
 * runs ahead of the events loses them for good at the next reconnect.
 */
export class Position {
  #clusterId: string | undefined;
  #revision = 0;
  #term = 0;

  /** 0 before the first list. */
  get revision(): number {
    return this.#revision;
  }

  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** Where a watch has to start so that nothing is missed and nothing is repeated. */
  get next(): number {
    return this.#revision + 1;
  }

  /** Whether a change of this revision is yet to be applied. */
  isNew(revision: number): boolean {
    return revision > this.#revision;
  }

  /** Every change up to this revision has been applied. */
  advance(revision: number): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  /** A complete list was applied; the history before it no longer matters. */
  replace({ clusterId, revision, term }: EtcdHeader): void {
    this.#clusterId = clusterId;
    this.#revision = revision;
    this.#term = term;
  }

  /** What is known now, to compare the answer to a read with that begins now. */
  get known(): EtcdHeader | undefined {
    const clusterId = this.#clusterId;
    return clusterId === undefined ? undefined : { clusterId, revision: this.#revision, term: this.#term };
  }

  /**
   * Compares with the header of a linearizable read. Such a read is answered from the newest state of the
   * whole cluster, so neither revision nor term can lie behind what was seen before it began, unless the
   * cluster was restored from a backup or replaced. The headers of watches say nothing here: a member that
   * lags behind may answer with an older revision at any time.
   *
   * @param before what was known when the read began: events may have overtaken its answer since
   */
  judge(
    { clusterId, revision, term }: EtcdHeader,
    before: EtcdHeader | undefined = this.known,
  ): PositionState {
    if (before === undefined) return "current";
    if (clusterId !== before.clusterId) return "cluster_changed";
    if (revision < before.revision) return "revision_regressed";
    // A restored cluster counts its elections from the beginning, and may have reached our revision on another way.
    if (term < before.term) return "history_rewound";
    this.#term = Math.max(this.#term, term);
    return "current";
  }
}
