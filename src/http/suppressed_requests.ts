/**
 * The ids of failed requests that have no line of their own in the log, one line for each webhook and code: a
 * sender quotes an id, and an operator finds it.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { namesIn } from "../event/names.ts";
import type { ErrorCode } from "../errors.ts";

/** How long ids are collected, in milliseconds. */
const INTERVAL_MS = 10_000;

/** Most ids in one line, and in all lines of an interval: strangers decide how many requests fail. */
const LINE_IDS = 100;
const INTERVAL_IDS = 1_000;

/** Most lines of an interval. */
const INTERVAL_LINES = 50;

/** What requests of one line have in common. */
export interface FailureKind {
  readonly level: "info" | "warning" | "error";
  /** `namespace/id` of the configured webhook; `undefined` when the request led to none. */
  readonly path: string | undefined;
  readonly code: ErrorCode;
}

/** What a request was for, as a part of a message with the properties of {@linkcode namesIn}. */
export function target(path: string | undefined): string {
  return path === undefined ? "that led to no webhook" : "to {namespace}/{webhook}";
}

interface Line {
  readonly kind: FailureKind;
  readonly ids: string[];
  count: number;
}

/** Collects ids, and writes them at the end of each interval and at disposal. */
export class SuppressedRequests implements Disposable {
  readonly #logger: Logger;
  readonly #lines = new Map<string, Line>();
  #ids = 0;
  /** Requests beyond the bound on lines. */
  #others = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A request of this kind failed, and the log has no line for it. */
  add(kind: FailureKind, requestId: string): void {
    this.#timer ??= setTimeout(() => this.#write(), INTERVAL_MS);
    const key = `${kind.path ?? ""} ${kind.code}`;
    let line = this.#lines.get(key);
    if (line === undefined) {
      if (this.#lines.size >= INTERVAL_LINES) {
        this.#others++;
        return;
      }
      line = { kind, ids: [], count: 0 };
      this.#lines.set(key, line);
    }
    line.count++;
    if (line.ids.length >= LINE_IDS || this.#ids >= INTERVAL_IDS) return;
    line.ids.push(requestId);
    this.#ids++;
  }

  [Symbol.dispose](): void {
    this.#write();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { kind: { level, path, code }, ids, count } of this.#lines.values()) {
      this.#logger[level](`{count} more requests ${target(path)} failed: {code}`, {
        ...(path === undefined ? {} : namesIn(path)),
        code,
        count,
        requestIds: ids,
      });
    }
    if (this.#others > 0) {
      this.#logger.warning("{count} requests to further webhooks failed", { count: this.#others });
    }
    this.#lines.clear();
    this.#ids = 0;
    this.#others = 0;
  }
}
