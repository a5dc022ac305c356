/**
 * systemd's journal as the reader of the log. It takes a line's priority from a prefix: sd-daemon(3).
 *
 * @module
 */

import type { LogRecord } from "@logtape/logtape";
import type { LogFormat } from "./log_format.ts";

/** Priorities of syslog(3). */
const PRIORITIES: Readonly<Record<LogRecord["level"], number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warning: 4,
  error: 3,
  fatal: 2,
};

/**
 * Whether standard error leads to the journal: systemd names the device and inode of what it has connected, and
 * the variable stays when something else is put in its place.
 *
 * @param journalStream the variable `JOURNAL_STREAM`, see systemd.exec(5)
 */
export function leadsToJournal(journalStream: string | undefined): boolean {
  if (journalStream === undefined || journalStream === "") return false;
  try {
    const { dev, ino } = Deno.statSync("/proc/self/fd/2");
    return journalStream === `${dev}:${ino}`;
  } catch {
    return false; // No Linux, or standard error is closed.
  }
}

/** Puts the record's priority before each line: the journal takes every line by itself. */
export function withPriority(format: LogFormat): LogFormat {
  return (record) => {
    const prefix = `<${PRIORITIES[record.level]}>`;
    return prefix + format(record).replaceAll("\n", `\n${prefix}`);
  };
}
