/**
 * The SDKs, in a process of Node that answers one question after the other.
 *
 * @module
 */

import { TextLineStream } from "../support/text_line_stream.ts";
import type { Question } from "./asker/adapter.ts";
import type { Verdict } from "./asker/main.ts";

/** How long one answer may take, in milliseconds: SDKs are loaded with their first question. */
const ANSWER_MS = 120_000;

/** Asks SDKs. */
export class SdkProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #questions: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: ReadableStreamDefaultReader<string>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#questions = child.stdin.getWriter();
    this.#answers = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
      .getReader();
  }

  /** @param program made by `bundleAsker`, which finds the SDKs beside itself */
  static start(program: string): SdkProcess {
    const child = new Deno.Command("node", {
      args: [program],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    return new SdkProcess(child.spawn());
  }

  /** @throws {Error} when there is no answer */
  async ask(question: Question): Promise<Verdict> {
    const deadline = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => deadline.reject(new Error(`The SDK of ${question.preset} does not answer`)),
      ANSWER_MS,
    );
    try {
      const [{ value }] = await Promise.race([
        deadline.promise,
        Promise.all([
          this.#answers.read(),
          this.#questions.write(new TextEncoder().encode(JSON.stringify(question) + "\n")),
        ]),
      ]);
      if (value === undefined) throw new Error(`The SDKs ended at a question of ${question.preset}`);
      return JSON.parse(value);
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#questions.close().catch(() => {});
    await this.#answers.cancel();
    await this.#child.status;
  }
}
