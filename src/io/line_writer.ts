/**
 * Lines to standard output or a file, with group commit: all lines of one turn of the event loop go to
 * the operating system in one write, and everybody who waits for one of them shares one promise.
 *
 * @module
 */

import { assertCount } from "../errors.ts";
import { within } from "../time/within.ts";

/** Where modules that print write to. */
export interface LineWriter extends AsyncDisposable {
  /**
   * Queues one line, or several that belong together, without the final newline. Resolves once it was
   * handed to the operating system: from then on it survives the end of this process.
   *
   * Calls of one turn get the same promise, so callers can share what they derive from it.
   *
   * @throws {LineWriterError} when too much is waiting, when the write fails, or after disposal
   */
  write(line: string): Promise<void>;
}

/** The part of `Deno.FsFile` that is needed; `Deno.stdout` has it too. */
export interface LineTarget {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

/** Why a line was not written. */
export class LineWriterError extends Error {
  override readonly name = "LineWriterError";

  constructor(
    readonly code: "line_writer_full" | "line_writer_failed" | "line_writer_closed",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Bounds of a writer, and how it writes. */
export interface LineWriterOptions {
  /**
   * Whether each batch is written before anything else happens. Right for regular files, which take bytes
   * at once; a pipe or a terminal can stall, and would stall the whole process.
   *
   * @default false
   */
  readonly synchronous?: boolean;
  /**
   * How much may wait, in UTF-16 code units: for ASCII, bytes. Lines beyond are refused.
   *
   * @default 8388608
   */
  readonly maxWaiting?: number;
  /**
   * How long disposal waits for a stalled reader, in milliseconds. What is left is then given up.
   *
   * @default 5000
   */
  readonly disposeTimeoutMs?: number;
}

/** The lines that are written together. */
class Batch {
  text = "";
  /** How many of its lines nobody waits for. */
  unattended = 0;
  settled = false;
  readonly written = Promise.withResolvers<void>();

  constructor() {
    // A batch that holds only unattended lines must not end the process with an unhandled rejection.
    this.written.promise.catch(() => {});
  }
}

const SCRATCH_BYTES = 256 * 1024;
/** Most bytes that one UTF-16 code unit becomes in UTF-8. */
const BYTES_PER_UNIT = 3;
const encoder = new TextEncoder();

/** Writes lines to a target. */
export class BufferedLineWriter implements LineWriter {
  readonly #target: LineTarget;
  readonly #synchronous: boolean;
  readonly #maxWaiting: number;
  readonly #disposeTimeoutMs: number;
  readonly #close: () => void;
  /** Takes lines; not handed over yet. */
  #open: Batch | undefined;
  /** Being written; only while writing asynchronously. */
  #inFlight: Batch | undefined;
  /** Length of the text of both. */
  #waiting = 0;
  /** Whether the target may stand in the middle of a line: nobody knows how much a failed write took. */
  #torn = false;
  /** Every batch is encoded here if it fits: it saves an allocation, and only one is written at a time. */
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  #closed = false;
  #lostLines = 0;

  /** @param close called at the end of disposal; without it the target stays open */
  constructor(target: LineTarget, options: LineWriterOptions = {}, close: () => void = () => {}) {
    this.#target = target;
    this.#synchronous = options.synchronous ?? false;
    this.#maxWaiting = options.maxWaiting ?? 8 * 1024 * 1024;
    this.#disposeTimeoutMs = options.disposeTimeoutMs ?? 5_000;
    this.#close = close;
  }

  /** How many calls of `tryWrite` returned `true` although their line was lost in a failed write. */
  get lostLines(): number {
    return this.#lostLines;
  }

  write(line: string): Promise<void> {
    if (this.#hasRoomFor(line)) return this.#add(line).written.promise;
    return Promise.reject(this.#refusal());
  }

  /** Queues like `write`, without a promise. Returns `false`, and drops the line, when there is no room. */
  tryWrite(line: string): boolean {
    if (!this.#hasRoomFor(line)) return false;
    this.#add(line).unattended++;
    return true;
  }

  /** Resolves when everything that was queued before is written or has failed. Never rejects. */
  async flush(): Promise<void> {
    const last = this.#open ?? this.#inFlight;
    await last?.written.promise.catch(() => {});
  }

  /** Takes no more lines and writes what is queued, as long as the target takes it in time. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiting > 0) await within(this.#disposeTimeoutMs, this.flush());
    const error = new LineWriterError(
      "line_writer_closed",
      "Cannot write lines as the reader did not take them before the writer was closed",
    );
    for (const batch of [this.#inFlight, this.#open]) if (batch !== undefined) this.#settle(batch, error);
    this.#open = undefined;
    this.#close();
  }

  /** A line that is longer than the bound is let through when nothing waits: otherwise it never would be. */
  #hasRoomFor(line: string): boolean {
    return !this.#closed && (this.#waiting === 0 || this.#waiting + line.length < this.#maxWaiting);
  }

  #refusal(): LineWriterError {
    return this.#closed
      ? new LineWriterError("line_writer_closed", "Cannot write a line as the writer is closed")
      : new LineWriterError(
        "line_writer_full",
        `Cannot write a line as ${this.#waiting} characters are waiting for the reader of the output`,
      );
  }

  #add(line: string): Batch {
    const batch = this.#open ?? this.#startBatch();
    batch.text += line + "\n";
    this.#waiting += line.length + 1;
    return batch;
  }

  #startBatch(): Batch {
    this.#open = new Batch();
    // Not a microtask, which would end the batch before the next request is read; not a timer, which
    // would cost each batch a millisecond or more.
    if (this.#inFlight === undefined) setImmediate(() => this.#writeNext());
    return this.#open;
  }

  #writeNext(): void {
    const batch = this.#open;
    if (batch === undefined) return;
    this.#open = undefined;
    const bytes = this.#encode(this.#torn ? "\n" + batch.text : batch.text);
    if (this.#synchronous) {
      try {
        this.#writeAllSync(bytes);
        this.#settle(batch);
      } catch (error) {
        this.#settle(batch, asLineWriterError(error));
      }
    } else {
      this.#inFlight = batch;
      this.#writeAll(bytes)
        .then(() => this.#settle(batch), (error) => this.#settle(batch, asLineWriterError(error)))
        .then(() => {
          this.#inFlight = undefined;
          this.#writeNext();
        });
    }
  }

  #encode(text: string): Uint8Array {
    if (text.length * BYTES_PER_UNIT > SCRATCH_BYTES) return encoder.encode(text);
    return this.#scratch.subarray(0, encoder.encodeInto(text, this.#scratch).written);
  }

  #writeAllSync(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      done += checkedCount(this.#target.writeSync(bytes.subarray(done)));
    }
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += checkedCount(await this.#target.write(bytes.subarray(done)));
    }
  }

  #settle(batch: Batch, error?: LineWriterError): void {
    if (batch.settled) return; // Disposal gave it up, and then the reader took it after all.
    batch.settled = true;
    this.#waiting = assertCount(this.#waiting - batch.text.length, "characters that wait");
    this.#torn = error !== undefined;
    if (error === undefined) {
      batch.written.resolve();
    } else {
      this.#lostLines += batch.unattended;
      batch.written.reject(error);
    }
  }
}

/** A target that takes nothing and does not fail would be asked forever. */
function checkedCount(count: number): number {
  if (count === 0) throw new Error("The target took no bytes");
  return count;
}

function asLineWriterError(cause: unknown): LineWriterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LineWriterError("line_writer_failed", `Cannot write lines: ${reason}`, { cause });
}

/**
 * A writer to a standard stream: synchronous where that was redirected to a regular file.
 *
 * A pipe or terminal is opened once more. Deno's own standard streams buffer, so that after a failed write
 * nobody knows what was taken; and another program that shares the terminal may have made it
 * non-blocking, which is a property of the opened file and makes writes fail whenever the reader is slow.
 */
export function standardLineWriter(
  stream: "stdout" | "stderr",
  options: LineWriterOptions = {},
): BufferedLineWriter {
  const path = `/proc/self/fd/${stream === "stdout" ? 1 : 2}`;
  try {
    // A regular file is not: two positions in one file would overwrite each other.
    if (Deno.statSync(path).isFile) {
      return new BufferedLineWriter(Deno[stream], { synchronous: true, ...options });
    }
    const file = Deno.openSync(path, { write: true });
    return new BufferedLineWriter(file, options, () => file.close());
  } catch {
    // A socket, the terminal of another user, or no Linux.
    return new BufferedLineWriter(Deno[stream], options);
  }
}
