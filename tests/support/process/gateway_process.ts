/** The whole program as a child process, started and stopped the way an operator does it. */

import { join } from "@std/path";
import { ChildProcess, type OutputLine, type WaitForLineOptions } from "./child_process.ts";
import { eventually } from "../eventually.ts";
import { REPOSITORY } from "../repository.ts";
import { TempDir } from "../temp_dir.ts";
import { V8_FLAGS } from "../v8_flags.ts";
import { patience } from "../patience.ts";

/** The text form of the line that names the port. */
const LISTENING = /Listening on http:\/\/(?:\[[^\]]+\]|[^\s:/]+):(\d+)/;

export interface GatewayProcessOptions {
  /**
   * Environment variables of the gateway. `HOST` is 127.0.0.1 and `PORT` is 0, a free one, unless set. With a
   * `LOG_LEVEL` above info nothing says where it listens, and the start fails.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory. @default an empty one, removed at the end */
  readonly cwd?: string;
  /** The subcommand and its arguments. @default ["serve"] */
  readonly args?: readonly string[];
  /**
   * The program, from the root of the repository: for gateways with modules of a test's own.
   *
   * @default "src/main.ts"
   */
  readonly program?: string;
  /** The root of the sources that are run. @default this repository */
  readonly repository?: string;
  /**
   * The beginning of the command line, for what runs the program in its own place: `["setpriv", "--nnp"]`.
   *
   * @default []
   */
  readonly through?: readonly string[];
}

/**
 * A running gateway. Disposal kills it, whatever state it is in, and returns once it is gone.
 *
 *     await using gateway = await GatewayProcess.start({ cwd: dir.path, env: { LOG_LEVEL: "debug" } });
 *     const answer = await fetch(`${gateway.url}/webhook/orders`, { method: "POST", body: "{}" });
 */
export class GatewayProcess implements AsyncDisposable {
  private constructor(
    readonly process: ChildProcess,
    /** The port that it listens on. */
    readonly port: number,
    readonly cwd: string,
    private readonly ownDirectory: TempDir | undefined,
  ) {}

  /**
   * Starts the program and waits until it listens, which is before it is ready.
   *
   * @throws {Error} with the program's output when it ends or takes longer than a minute to listen
   */
  static async start(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
    await using undo = new AsyncDisposableStack();
    const ownDirectory = options.cwd === undefined ? undo.use(await TempDir.create()) : undefined;
    const cwd = options.cwd ?? ownDirectory!.path;
    const process = undo.use(spawnProgram({ ...options, cwd }));
    const port = await listeningPort(process);
    undo.move();
    return new GatewayProcess(process, port, cwd, ownDirectory);
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Everything printed so far. */
  get lines(): readonly OutputLine[] {
    return this.process.lines;
  }

  /** Resolves when the program has ended and all its output was read. */
  get exited(): Promise<Deno.CommandStatus> {
    return this.process.exited;
  }

  waitForLine(pattern: RegExp, options?: WaitForLineOptions): Promise<RegExpExecArray> {
    return this.process.waitForLine(pattern, options);
  }

  /**
   * Waits until `/readyz` answers 200.
   *
   * @throws {Error} with the program's output when it ends or does not become ready in time
   */
  async waitUntilReady({ timeoutMs = 60_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    let ended = false;
    void this.exited.then(() => ended = true);
    await eventually(async () => {
      if (ended) return;
      const answer = await fetch(`${this.url}/readyz`, { signal: patience(timeoutMs) });
      const body = await answer.text();
      if (!answer.ok) {
        throw new Error(`/readyz answers ${answer.status} ${body}; the output:\n${this.process.output}`);
      }
    }, { timeoutMs });
    if (ended) throw new Error(`The gateway ended before it was ready; its output:\n${this.process.output}`);
  }

  /** Sends a signal, for example `SIGTERM` to drain, `SIGKILL` to crash or `SIGSTOP` to freeze it. */
  kill(signal: Deno.Signal): void {
    this.process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await this.ownDirectory?.[Symbol.asyncDispose]();
  }
}

/**
 * Starts the program without waiting for anything: for subcommands that end by themselves, and for starts
 * that are meant to fail.
 */
export function spawnProgram(
  {
    env = {},
    cwd,
    args = ["serve"],
    program = "src/main.ts",
    repository = REPOSITORY,
    through = [],
  }: GatewayProcessOptions & { readonly cwd: string },
): ChildProcess {
  const [command = "", ...rest] = [...through, Deno.execPath()];
  return ChildProcess.spawn(command, {
    args: [
      ...rest,
      "run",
      // `deno task test` has put everything into the cache; a start must not depend on the network.
      "--cached-only",
      "--no-check",
      `--v8-flags=${V8_FLAGS}`,
      "--allow-all",
      "--config",
      join(repository, "deno.json"),
      join(repository, program),
      ...args,
    ],
    env: { HOST: "127.0.0.1", PORT: "0", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    cwd,
  });
}

/**
 * The port from the line that says where the gateway listens: text, or a JSON record with the field `port`.
 * Which of the two is the gateway's choice: it writes JSON when it is not on a terminal.
 */
async function listeningPort(process: ChildProcess): Promise<number> {
  const { input } = await process.waitForLine(/Listening on /);
  const port = input.startsWith("{")
    ? (JSON.parse(input) as { readonly port?: unknown }).port
    : LISTENING.exec(input)?.[1];
  if (!(Number(port) > 0)) throw new Error(`The line that names the port does not name one: ${input}`);
  return Number(port);
}
