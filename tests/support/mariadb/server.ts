/** Real MariaDB servers, and everything that can happen to them. */

import type { TestCertificates } from "../etcd/certificates.ts";
import { eventually } from "../eventually.ts";
import { freezeProcess, processorSeconds, thawProcess } from "../postgres/processes.ts";
import { ChildProcess } from "../process/child_process.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";
import { MariadbAccess } from "./access.ts";
import { giveToServer, serverCommand } from "./programs.ts";
import { copyData } from "./shared.ts";

/** How a server is started. */
export interface MariadbServerOptions {
  /** Options of the command line, the last of which counts, such as `--max-connections=5`. */
  readonly settings?: readonly string[];
  /** Serves TLS, beside connections without, with this certificate of {@linkcode TestCertificates}. */
  readonly tls?: { readonly certificates: TestCertificates; readonly name: string };
}

/** One MariaDB, restarted on the same port and data at will. Its user `root` has no password. */
export class MariadbServer extends MariadbAccess implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: TempDir, settings: readonly string[]) {
    super(port);
    this.#directory = directory;
    this.#settings = settings;
  }

  /** Makes an empty server on a free port, starts it and waits until it serves. */
  static async start({ settings = [], tls }: MariadbServerOptions = {}): Promise<MariadbServer> {
    await using undo = new AsyncDisposableStack();
    const directory = undo.use(await TempDir.create());
    const files = tls === undefined ? [] : await tlsSettings(directory, tls);
    await copyData(directory.path);
    const server = undo.use(new MariadbServer(freePort(), directory, [...files, ...settings]));
    await server.restart();
    undo.move();
    return server;
  }

  /** Starts the server, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    const place = { directory: this.#directory.path, port: this.port };
    const [program = "", ...args] = await serverCommand(place, this.#settings);
    this.#process = ChildProcess.spawn(program, { args, cwd: "/" });
    await this.#process.waitForLine(/ready for connections/);
  }

  /** Ends it at once, as a power cut does. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Stops all of it: connections stay open, new ones are taken, and nothing answers. */
  async freeze(): Promise<void> {
    await freezeProcess(this.#pid);
  }

  thaw(): void {
    thawProcess(this.#pid);
  }

  /** Ends all connections but the one that does so. */
  async cutConnections(): Promise<void> {
    const rows = await this.sql(
      "select id from information_schema.processlist where id <> connection_id() and user <> 'system user'",
    );
    await this.sql(rows.map(([id]) => `kill ${id};`).join(" ") || "select 1");
  }

  /** Resolves when a transaction waits for a row that another one has locked. */
  async someoneWaits(): Promise<void> {
    await eventually(async () => {
      const sql = "select trx_id from information_schema.innodb_trx where trx_state = 'LOCK WAIT'";
      if ((await this.sql(sql)).length === 0) throw new Error("No transaction waits");
    });
  }

  /** Processor time that it has used, in seconds. */
  processorSeconds(): Promise<number> {
    return processorSeconds(this.#pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }

  get #pid(): number {
    if (this.#process === undefined) throw new Error("MariaDB is not running");
    return this.#process.pid;
  }
}

/** The server reads only a key that its user can read. */
async function tlsSettings(
  directory: TempDir,
  { certificates, name }: NonNullable<MariadbServerOptions["tls"]>,
): Promise<readonly string[]> {
  const files = {
    cert: certificates.certificateOf(name),
    key: certificates.keyOf(name),
    ca: certificates.ca,
  };
  for (const [role, file] of Object.entries(files)) await Deno.copyFile(file, directory.file(`${role}.pem`));
  await giveToServer(directory.path);
  return Object.keys(files).map((role) => `--ssl-${role}=${directory.file(`${role}.pem`)}`);
}
