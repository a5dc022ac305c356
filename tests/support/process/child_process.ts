/** Programs that tests start: their output by lines, their end, and certainty that they are gone. */

import { RUN_VARIABLE } from "./leftover_processes.ts";
import { TextLineStream } from "../text_line_stream.ts";
import { patient } from "../patience.ts";

/**
 * What a child process sees of the environment of the tests. Nothing else gets through: settings of the
 * person who runs the tests must not change what is tested.
 */
const INHERITED_VARIABLES = [
  "PATH",
  "HOME",
  "TMPDIR",
  "LANG",
  "DENO_DIR",
  "XDG_CACHE_HOME",
  "DENO_TLS_CA_STORE",
  "NODE_EXTRA_CA_CERTS",
  RUN_VARIABLE,
] as const;

export interface ChildProcessOptions {
  readonly args?: readonly string[];
  /** Variables besides the few that every program needs, such as `PATH` and `HOME`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** One line that a child process printed. */
export interface OutputLine {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface WaitForLineOptions {
  /** How long to wait, in milliseconds. @default 60000 */
  readonly timeoutMs?: number;
  /** Looks only at lines from this index of `lines` on. @default 0 */
  readonly from?: number;
}

/** A running program. Disposal kills it and returns once it is gone. */
export class ChildProcess implements AsyncDisposable {
  /** Everything printed so far, in the order of arrival. */
  readonly lines: OutputLine[] = [];
  /** Resolves when the program has ended and all its output was read. */
  readonly exited: Promise<Deno.CommandStatus>;
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #lookers = new Set<() => void>();
  #ended = false;

  private constructor(name: string, child: Deno.ChildProcess) {
    this.#name = name;
    this.#child = child;
    this.exited = this.#readToEnd();
  }

  static spawn(program: string, { args = [], env = {}, cwd }: ChildProcessOptions = {}): ChildProcess {
    const inherited = INHERITED_VARIABLES.flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    });
    const child = new Deno.Command(program, {
      args: [...args],
      clearEnv: true,
      env: { ...Object.fromEntries(inherited), ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new ChildProcess([program, ...args].join(" "), child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What the program printed, as one text, for assertions and for the messages of errors. */
  get output(): string {
    return this.lines.map((line) => line.text).join("\n");
  }

  /**
   * Resolves with the first line that matches, whether it was already printed or is yet to come.
   *
   * @throws {Error} with the output so far when time is up, or when the program ends without that line
   */
  async waitForLine(
    pattern: RegExp,
    { timeoutMs = 60_000, from = 0 }: WaitForLineOptions = {},
  ): Promise<RegExpExecArray> {
    const found = Promise.withResolvers<RegExpExecArray>();
    let next = from;
    const look = () => {
      for (; next < this.lines.length; next++) {
        const match = pattern.exec(this.lines[next]!.text);
        if (match !== null) return found.resolve(match);
      }
      if (this.#ended) found.reject(this.#failure(`ended without printing ${pattern}`));
    };
    const timer = setTimeout(
      () => found.reject(this.#failure(`did not print ${pattern} within ${timeoutMs} ms`)),
      patient(timeoutMs),
    );
    this.#lookers.add(look);
    try {
      look();
      return await found.promise;
    } finally {
      clearTimeout(timer);
      this.#lookers.delete(look);
    }
  }

  /** Sends a signal; `exited` tells when the program is gone. Does nothing when it already is. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // Deno reports an ended child as a TypeError; anything else, such as a bad signal, is a mistake.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.exited;
  }

  async #readToEnd(): Promise<Deno.CommandStatus> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#collect("stdout", this.#child.stdout),
      this.#collect("stderr", this.#child.stderr),
    ]);
    this.#ended = true;
    this.#notify();
    return status;
  }

  async #collect(
    stream: OutputLine["stream"],
    bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    for await (const text of bytes.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
      this.lines.push({ stream, text });
      this.#notify();
    }
  }

  #notify(): void {
    for (const look of this.#lookers) look();
  }

  #failure(what: string): Error {
    return new Error(`${this.#name} ${what}; its output:\n${this.output}`);
  }
}
