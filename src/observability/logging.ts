/**
 * The gateway's own log, through LogTape. It is for what an operator must know; the successful request
 * path never logs, it counts (`metrics.ts`).
 *
 * @module
 */

import { configureSync, getLogger, type Logger, type LogRecord, resetSync } from "@logtape/logtape";
import type { BufferedLineWriter } from "../io/line_writer.ts";
import { withPriority } from "./journal_stream.ts";
import { formatJson, formatText, type LogFormat } from "./log_format.ts";

/** Levels of the log, from the least to the most severe. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** How and where to log. */
export interface LoggingOptions {
  /** The least severe level that is written. */
  readonly level: LogLevel;
  /** `text` for people, `json` for machines: one object a line. */
  readonly format: "text" | "json";
  /** Whether systemd's journal reads the lines, and takes their level from a prefix. @default false */
  readonly toJournal?: boolean;
  /** Where the lines go. It stays open when logging is disposed. */
  readonly writer: BufferedLineWriter;
}

/** The logger of one part of the gateway: category `cwm.{room}`. */
export function logger(room: string): Logger {
  return getLogger(["cwm", room]);
}

/** Logs warnings whose texts were made elsewhere: braces in them are no names of properties. */
export function logWarnings(room: string, texts: readonly string[]): void {
  for (const text of texts) logger(room).warning(text.replace(/[{}]/g, "$&$&"));
}

/** Logging, while it is set up. Disposal writes what is queued and silences all loggers. */
export interface Logging extends AsyncDisposable {
  /** How many records were lost because the reader of the log was too slow or the write failed. */
  readonly droppedRecords: number;
}

/**
 * Sends the records of all loggers below `cwm` to the writer. LogTape's configuration is one per process,
 * so this is for the program, not for its parts.
 *
 * @throws {ConfigError} when logging is set up already
 */
export function setUpLogging({ level, format, toJournal = false, writer }: LoggingOptions): Logging {
  const formatWith = format === "json" ? formatJson : formatText;
  // What a library has done is of use to who looks for a bug, and noise to everybody else.
  const formatRecord: LogFormat = (record) => formatWith(record, level === "debug");
  const sink = new LineSink(writer, toJournal ? withPriority(formatRecord) : formatRecord);
  configureSync({
    sinks: { lines: (record) => sink.take(record) },
    loggers: [
      { category: ["cwm"], sinks: ["lines"], lowestLevel: level },
      // LogTape's own troubles. Its greeting is an `info` record.
      { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "warning" },
    ],
  });
  return {
    get droppedRecords() {
      return sink.dropped;
    },
    async [Symbol.asyncDispose]() {
      resetSync();
      await writer.flush();
      sink.reportDropped();
      await writer.flush();
    },
  };
}

/** A LogTape sink that is bounded by its writer, and counts what it has to drop. */
class LineSink {
  readonly #writer: BufferedLineWriter;
  readonly #format: LogFormat;
  #refused = 0;
  #reported = 0;
  #reporting = false;

  constructor(writer: BufferedLineWriter, format: LogFormat) {
    this.#writer = writer;
    this.#format = format;
  }

  get dropped(): number {
    return this.#refused + this.#writer.lostLines;
  }

  take(record: LogRecord): void {
    this.reportDropped();
    if (!this.#writer.tryWrite(this.#format(record))) this.#refused++;
  }

  /** Says how many records were dropped since it was last said and written. */
  reportDropped(): void {
    const dropped = this.dropped;
    if (dropped === this.#reported || this.#reporting) return;
    this.#reporting = true;
    this.#writer.write(this.#notice(dropped))
      .then(() => this.#reported = dropped, () => {}) // Not written: it will be said with the next record.
      .then(() => this.#reporting = false);
  }

  #notice(dropped: number): string {
    const count = dropped - this.#reported;
    return this.#format({
      category: ["cwm", "observability"],
      level: "warning",
      rawMessage: "{count} log records were dropped",
      message: ["", count, " log records were dropped"],
      timestamp: Date.now(),
      properties: { count },
    });
  }
}
