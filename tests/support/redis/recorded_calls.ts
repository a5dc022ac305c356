import { eventually } from "../eventually.ts";
import type { ChildProcess } from "../process/child_process.ts";

/** What functions of a Python worker wrote down about their calls: a line of JSON for each. */
export class RecordedCalls<Call> {
  readonly #path: string;
  readonly #worker: ChildProcess;

  /** @param path the file that the worker's variable `CWM_RECORDED` names */
  constructor(path: string, worker: ChildProcess) {
    this.#path = path;
    this.#worker = worker;
  }

  /** The calls so far, in order. */
  async read(): Promise<readonly Call[]> {
    let text: string;
    try {
      text = await Deno.readTextFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
    // A line that is just being written has no end yet.
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Waits until there are so many; says what the worker printed when they do not come. */
  async waitFor(count: number): Promise<readonly Call[]> {
    return await eventually(async () => {
      const calls = await this.read();
      if (calls.length < count) {
        throw new Error(`${calls.length} of ${count} calls were made: ${this.#worker.output}`);
      }
      return calls;
    }, { timeoutMs: 20_000 });
  }
}
