/** A reverse proxy in front of two gateways, with the very configuration that stands in `docker/proxies/`. */

import { join } from "@std/path";
import { ChildProcess } from "../process/child_process.ts";
import { eventually } from "../eventually.ts";
import { REPOSITORY } from "../repository.ts";
import { TempDir } from "../temp_dir.ts";

/** How one program is started with its configuration. */
export interface ProxyProgram {
  readonly name: string;
  /** Files of `docker/proxies/`. */
  readonly files: readonly string[];
  /** What says in one of them where the proxy listens, and what says so for a port of the loopback interface. */
  readonly listen: readonly [text: string, at: (port: number) => string];
  /** The program's path and arguments. */
  command(directory: TempDir): Promise<readonly string[]>;
}

/** A running proxy. */
export class ReverseProxy implements AsyncDisposable {
  private constructor(
    readonly port: number,
    readonly process: ChildProcess,
    readonly directory: TempDir,
  ) {}

  /**
   * Starts the proxy and waits until it passes requests on.
   *
   * @param gateways the ports of the gateways
   * @param configure changes a file of the configuration: for what it says beside the lines that everybody needs
   * @throws {Error} with the proxy's output
   */
  static async start(
    program: ProxyProgram,
    gateways: readonly [number, number],
    configure: (text: string) => string = (text) => text,
  ): Promise<ReverseProxy> {
    await using undo = new AsyncDisposableStack();
    const directory = undo.use(await TempDir.create());
    const port = freePort();
    for (const file of program.files) {
      const text = await Deno.readTextFile(join(REPOSITORY, "docker/proxies", file));
      await Deno.writeTextFile(directory.file(file), filledIn(configure(text), program, port, gateways));
    }
    const [path = "", ...args] = await program.command(directory);
    const process = undo.use(ChildProcess.spawn(path, { args }));
    const proxy = new ReverseProxy(port, process, directory);
    try {
      await proxy.#passesOn();
    } catch (cause) {
      throw new Error(`${program.name} does not pass requests on; its output:\n${process.output}`, { cause });
    }
    undo.move();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }

  async #passesOn(): Promise<void> {
    await eventually(async () => {
      const answer = await fetch(`${this.url}/readyz`);
      await answer.body?.cancel();
      if (answer.status !== 200) throw new Error(`It answers ${answer.status}`);
    }, { timeoutMs: 20_000 });
  }
}

/** Puts the addresses of this run in the place of those that the files have. */
function filledIn(
  text: string,
  { listen: [listen, at] }: ProxyProgram,
  port: number,
  [one, other]: readonly [number, number],
): string {
  return text.replace(listen, at(port))
    .replaceAll("cwm-1:8000", `127.0.0.1:${one}`)
    .replaceAll("cwm-2:8000", `127.0.0.1:${other}`);
}

/** A port that nothing listens on. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
