/** Real PgBouncers in front of a server, in each of their modes. */

import { ChildProcess } from "../process/child_process.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";
import { PostgresAccess, SUPERUSER } from "./access.ts";
import { freezeProcess, thawProcess } from "./processes.ts";
import { AS_SERVER_USER, giveToServer, pathOf } from "./programs.ts";

/** For how long a client has a connection of the server to itself. */
export type PoolMode = "session" | "transaction" | "statement";

/** One PgBouncer, which serves every database of a server; restarted on the same port at will. */
export class PgBouncer extends PostgresAccess implements AsyncDisposable {
  readonly #directory: TempDir;
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: TempDir) {
    super(port);
    this.#directory = directory;
  }

  /**
   * Starts one on a free port and waits until it serves.
   *
   * @param settings as in the section `[pgbouncer]`, for example `{ default_pool_size: "1" }`
   */
  static async start(
    server: PostgresAccess,
    mode: PoolMode,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<PgBouncer> {
    await using undo = new AsyncDisposableStack();
    const bouncer = new PgBouncer(freePort(), undo.use(await TempDir.create()));
    await giveToServer(bouncer.#directory.path);
    const users = await bouncer.#directory.writeText("users.txt", `"${SUPERUSER}" ""\n`);
    const lines = Object.entries({
      listen_addr: "127.0.0.1",
      listen_port: `${bouncer.port}`,
      unix_socket_dir: "",
      auth_type: "trust",
      auth_file: users,
      pool_mode: mode,
      log_connections: "0",
      log_disconnections: "0",
      ...settings,
    }).map(([name, value]) => `${name} = ${value}`);
    const target = `* = host=127.0.0.1 port=${server.port}`;
    await bouncer.#directory.writeText(
      "pgbouncer.ini",
      ["[databases]", target, "[pgbouncer]", ...lines, ""].join("\n"),
    );
    await bouncer.restart();
    undo.move();
    return bouncer;
  }

  /** Starts it, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    const file = this.#directory.file("pgbouncer.ini");
    const [program = "", ...args] = [...AS_SERVER_USER, await pathOf("pgbouncer"), file];
    this.#process = ChildProcess.spawn(program, { args, cwd: "/" });
    await this.#process.waitForLine(/process up/);
  }

  /** Ends it at once, with all connections. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Stops it: connections stay open, and nothing passes. */
  async freeze(): Promise<void> {
    if (this.#process !== undefined) await freezeProcess(this.#process.pid);
  }

  thaw(): void {
    if (this.#process !== undefined) thawProcess(this.#process.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }
}
