/**
 * Who has changed what: each line of the audit goes to the log, and the last ones are kept for those who ask later.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";

/** Lines that are kept. All of them take less than 1 MiB. */
const KEPT_LINES = 500;

/** Longest list that is kept of a line, and longest text, in characters. */
const MAX_LIST = 20;
const MAX_TEXT = 500;

/** Takes lines of the audit. */
export interface Audit {
  /** Something was done. */
  info(message: string, properties: Record<string, unknown>): void;
  /** Something was refused. */
  warning(message: string, properties: Record<string, unknown>): void;
}

/** A line of the audit that is kept. */
export interface AuditLine {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly isRefused: boolean;
  /** What kind of line it is, and whose change of what. Never a value of the configuration, and no secret. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Keeps the last lines beside the log, in memory: a restart forgets them, and the log does not. */
export class AuditTrail implements Audit {
  readonly #logger: Logger;
  readonly #lines: AuditLine[] = [];

  /** @param logger of the audit */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The lines that are kept, the newest first. */
  get newestFirst(): readonly AuditLine[] {
    return this.#lines.toReversed();
  }

  info(message: string, properties: Record<string, unknown>): void {
    this.#logger.info(message, properties);
    this.#keep(false, properties);
  }

  warning(message: string, properties: Record<string, unknown>): void {
    this.#logger.warning(message, properties);
    this.#keep(true, properties);
  }

  #keep(isRefused: boolean, properties: Record<string, unknown>): void {
    this.#lines.push({ at: Date.now(), isRefused, properties: bounded(properties) });
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }
}

/** The same with bounds: names of webhooks and lists of paths are other people's. */
function bounded(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(properties).map(([name, value]): [string, unknown] => {
    if (typeof value === "string") return [name, value.slice(0, MAX_TEXT)];
    return [name, Array.isArray(value) ? value.slice(0, MAX_LIST) : value];
  });
  return Object.fromEntries(entries);
}
