/** The gateway's log of one test, as records. */

import { BufferedLineWriter } from "../../src/io/line_writer.ts";
import { type Logging, type LogLevel, setUpLogging } from "../../src/observability/logging.ts";

/** One record: level, category, message and properties. */
export type LoggedRecord = Readonly<Record<string, unknown>>;

/**
 * Takes what is logged from now on until it is disposed. Logging is one per process, so there is one of these
 * at a time.
 *
 *     await using log = RecordedLog.start("debug");
 *     assertEquals((await log.records()).map(({ level }) => level), ["warning"]);
 */
export class RecordedLog implements AsyncDisposable {
  readonly #writer: BufferedLineWriter;
  readonly #logging: Logging;
  #text = "";

  private constructor(level: LogLevel) {
    const decoder = new TextDecoder();
    const writeSync = (bytes: Uint8Array) => {
      this.#text += decoder.decode(bytes);
      return bytes.length;
    };
    this.#writer = new BufferedLineWriter({
      writeSync,
      write: (bytes) => Promise.resolve(writeSync(bytes)),
    });
    this.#logging = setUpLogging({ level, format: "json", writer: this.#writer });
  }

  /** @param level the least severe level that is recorded */
  static start(level: LogLevel): RecordedLog {
    return new RecordedLog(level);
  }

  /** The lines as they were written. */
  async text(): Promise<string> {
    await this.#writer.flush();
    return this.#text;
  }

  async records(): Promise<LoggedRecord[]> {
    return (await this.text()).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#logging[Symbol.asyncDispose]();
    await this.#writer[Symbol.asyncDispose]();
  }
}
