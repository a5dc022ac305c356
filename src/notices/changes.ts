/**
 * What has changed in the health of the gateway and was not said yet. A thing that goes and comes back before it can
 * be said was never away; one that does so all the time is said once in a while, with how often.
 *
 * @module
 */

import type { HealthChange } from "../health/health.ts";
import type { Trouble } from "../health/trouble.ts";
import { type NoticeKind, noticeKindOf } from "./kinds.ts";
import { boundedItem, type NoticeItem } from "./notice.ts";
import type { NoticeSettings } from "./settings.ts";

/** Things that are remembered at most; of more, the first are forgotten, and counted where something was to be said. */
const MAX_FOLLOWED = 10_000;

/** Things that one notice lists. */
const LISTED_ITEMS = 10;

/** What of a thing was said, and is to be said. */
interface Followed {
  readonly kind: NoticeKind;
  trouble: Trouble;
  /** How it ended, and when; `undefined` while it goes on. */
  over: { readonly as: "well" | "removed" } | undefined;
  /** Whether the last word about it was that there is a trouble. */
  isSaid: boolean;
  /** The trouble's count in that word. */
  saidCount: number;
  /** When it was said last that it begins, and that it is over: by `performance.now()`. */
  readonly saidAt: { began: number; over: number };
  /** How often it began or was over since the last word. */
  changes: number;
}

/** What one notice is to say. */
export interface Group {
  readonly kind: NoticeKind;
  readonly isOver: boolean;
  readonly items: readonly NoticeItem[];
  /** Things that have no room in `items`. */
  readonly more: number;
}

/** What is to be said now, and how long it is until there is more. */
export interface Due {
  /** The first of the groups; the others follow when it was said. `undefined` while there is nothing. */
  readonly group: Group | undefined;
  /** In milliseconds; `undefined` where nothing waits. */
  readonly nextInMs: number | undefined;
}

/** Which things a notice is not about, though its kind is asked for. */
export type IsOwn = (trouble: Trouble) => boolean;

/** Collects changes until they are said. */
export class Changes {
  readonly #followed = new Map<string, Followed>();
  /** Those of which something may have to be said. */
  readonly #waiting = new Set<string>();
  readonly #lost = new Map<NoticeKind, number>();
  readonly #startedAt: number;

  /** @param startedAt what was wrong before is known, in milliseconds since 1970 */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** Takes a change. Returns whether there may be something to say. */
  note(change: HealthChange, trouble: Trouble): boolean {
    const kind = noticeKindOf(trouble);
    if (kind === undefined) return false;
    const key = `${trouble.part}\0${trouble.kind}\0${trouble.name}`;
    const known = this.#followed.get(key);
    if (known === undefined && (change === "ended" || change === "removed")) return false;
    const followed = known ?? this.#follow(key, kind, trouble);
    if (change !== "continued") followed.changes++;
    followed.trouble = trouble;
    followed.over = change === "removed"
      ? { as: "removed" }
      : change === "ended"
      ? { as: "well" }
      : undefined;
    this.#waiting.add(key);
    return true;
  }

  /** What is due. Taking a group says it. */
  take({ about, everyMs }: NoticeSettings, isOwn: IsOwn, now: number): Due {
    let nextInMs: number | undefined;
    let first: { readonly kind: NoticeKind; readonly isOver: boolean } | undefined;
    const taken: Followed[] = [];
    for (const key of this.#waiting) {
      const followed = this.#followed.get(key)!;
      const { kind, over } = followed;
      const isOver = over !== undefined;
      const isNews = isOver ? followed.isSaid : !followed.isSaid || hasGrown(followed);
      if (!isNews || !about.has(kind) || isOwn(followed.trouble)) {
        this.#settle(key, followed, now, everyMs);
        continue;
      }
      const leftMs = followed.saidAt[isOver ? "over" : "began"] + everyMs - now;
      if (leftMs > 0) nextInMs = Math.min(nextInMs ?? Infinity, leftMs);
      else if (first === undefined || (first.kind === kind && first.isOver === isOver)) {
        first = { kind, isOver };
        taken.push(followed);
        this.#waiting.delete(key);
      } else nextInMs = 0;
    }
    if (first === undefined) return { group: undefined, nextInMs };
    const more = Math.max(0, taken.length - LISTED_ITEMS) + this.#takeLost(first.kind);
    const items = taken.slice(0, LISTED_ITEMS).map(itemOf);
    for (const followed of taken) say(followed, now);
    return { group: { ...first, items, more }, nextInMs };
  }

  #follow(key: string, kind: NoticeKind, trouble: Trouble): Followed {
    if (this.#followed.size >= MAX_FOLLOWED) this.#forgetFirst();
    const isKnown = trouble.since < this.#startedAt;
    const followed: Followed = {
      kind,
      trouble,
      over: undefined,
      isSaid: isKnown,
      saidCount: isKnown ? trouble.count ?? 0 : 0,
      saidAt: { began: -Infinity, over: -Infinity },
      changes: 0,
    };
    this.#followed.set(key, followed);
    return followed;
  }

  /** There is nothing to say of it: what is over and was said long enough ago need not be remembered. */
  #settle(key: string, followed: Followed, now: number, everyMs: number): void {
    this.#waiting.delete(key);
    followed.isSaid = followed.over === undefined;
    followed.saidCount = followed.trouble.count ?? 0;
    const { began, over } = followed.saidAt;
    if (followed.over !== undefined && Math.max(began, over) + everyMs <= now) this.#followed.delete(key);
  }

  #forgetFirst(): void {
    for (const [key, { kind }] of this.#followed) {
      this.#followed.delete(key);
      if (this.#waiting.delete(key)) this.#lost.set(kind, (this.#lost.get(kind) ?? 0) + 1);
      return;
    }
  }

  #takeLost(kind: NoticeKind): number {
    const lost = this.#lost.get(kind) ?? 0;
    this.#lost.delete(kind);
    return lost;
  }
}

function hasGrown({ trouble: { count }, saidCount }: Followed): boolean {
  return count !== undefined && count > saidCount;
}

function say(followed: Followed, now: number): void {
  const isOver = followed.over !== undefined;
  followed.isSaid = !isOver;
  followed.saidCount = followed.trouble.count ?? 0;
  followed.saidAt[isOver ? "over" : "began"] = now;
  followed.changes = 0;
}

function itemOf({ trouble, over, changes }: Followed): NoticeItem {
  const { part, name, state, since, cause, count } = trouble;
  return boundedItem({
    part,
    name,
    state: over?.as ?? state,
    since: new Date(since).toISOString(),
    cause,
    ...(count === undefined ? {} : { count }),
    ...(changes <= 1 ? {} : { changes }),
  });
}
