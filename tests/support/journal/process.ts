import { fromFileUrl } from "@std/path";
import { ChildProcess } from "../process/child_process.ts";
import { REPOSITORY } from "../repository.ts";

const PROGRAM = fromFileUrl(new URL("./program.ts", import.meta.url));

/** What a {@linkcode JournalProcess} can be told to do. */
export type JournalCommand =
  | { readonly do: "append"; readonly count: number; readonly claim?: boolean }
  | { readonly do: "claim"; readonly limit: number }
  | { readonly do: "settle"; readonly sequences: readonly number[] }
  | { readonly do: "nothing" };

/** The sequences that a command was about, or the code of the error that it was refused with. */
export interface JournalCommandReply {
  readonly sequences: readonly number[];
  readonly refused?: string;
}

/** Another process that owns a journal. Disposal kills it. */
export class JournalProcess implements AsyncDisposable {
  private constructor(readonly process: ChildProcess, readonly port: number) {}

  /**
   * @param wrapper a program, with its arguments, that starts the process
   * @throws {Error} when the process does not open the journal
   */
  static async start(directory: string, wrapper: readonly string[] = []): Promise<JournalProcess> {
    const process = JournalProcess.spawn(directory, wrapper);
    try {
      const [, port] = await process.waitForLine(/^Listening on (\d+)$/);
      return new JournalProcess(process, Number(port));
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts the process without waiting for it. */
  static spawn(directory: string, wrapper: readonly string[] = []): ChildProcess {
    const command = [...wrapper, Deno.execPath(), "run", "--quiet", "--allow-all", PROGRAM, directory];
    const [program, ...args] = command;
    return ChildProcess.spawn(program!, { args, cwd: REPOSITORY });
  }

  async tell(command: JournalCommand): Promise<JournalCommandReply> {
    const response = await fetch(`http://127.0.0.1:${this.port}`, {
      method: "POST",
      body: JSON.stringify(command),
    });
    return await response.json();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}
