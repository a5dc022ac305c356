/** Real PostgreSQL servers, and everything that can happen to them. */

import { ChildProcess } from "../process/child_process.ts";
import type { TestCertificates } from "../etcd/certificates.ts";
import { eventually } from "../eventually.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";
import { PostgresAccess, SUPERUSER } from "./access.ts";
import { childrenOf, freezeProcess, killProcesses, processorSeconds, thawProcess } from "./processes.ts";
import { AS_SERVER_USER, giveToServer, pathOf, runPostgresProgram } from "./programs.ts";

/** How a server is started. */
export interface PostgresServerOptions {
  /** Whether what is committed survives a power cut of the machine, and costs what that costs. @default false */
  readonly fsync?: boolean;
  /** Settings as in `postgresql.conf`, for example `{ max_connections: "5" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of `pg_hba.conf`. @default everybody of this machine is trusted */
  readonly access?: readonly string[];
  /** Serves TLS, beside connections without, with this certificate of {@linkcode TestCertificates}. */
  readonly tls?: { readonly certificates: TestCertificates; readonly name: string };
  /** Where the data lies, a path that does not exist. @default a temporary directory */
  readonly data?: string;
  /** Where the log of what is written lies, a path that does not exist. @default with the data */
  readonly wal?: string;
  /** How large each file of that log is, in MiB; 16 is what servers have outside of tests. @default 1 */
  readonly walFileMiB?: number;
}

const TRUSTED = [
  "local all all trust",
  "host all all 127.0.0.1/32 trust",
  "host replication all 127.0.0.1/32 trust",
];

/** What a synchronous standby calls itself. */
const STANDBY = "standby";

/** One PostgreSQL with its processes, restarted on the same port and data at will. */
export class PostgresServer extends PostgresAccess implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly #data: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: TempDir, data: string) {
    super(port);
    this.#directory = directory;
    this.#data = data;
  }

  /** Makes an empty server on a free port, starts it and waits until it serves. */
  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    await using undo = new AsyncDisposableStack();
    const server = undo.use(await PostgresServer.#place(options.data));
    await initializeData(server.#data, options);
    await server.#configure(options);
    await server.restart();
    undo.move();
    return server;
  }

  /**
   * Starts a server that follows a primary, and waits until it has all that the primary has.
   *
   * @param options.synchronous whether commits of the primary wait for it from now on. @default true
   * @param options.port where it listens. @default a free port
   */
  static async startStandby(
    primary: PostgresServer,
    { synchronous = true, port }: { readonly synchronous?: boolean; readonly port?: number } = {},
  ): Promise<PostgresServer> {
    await using undo = new AsyncDisposableStack();
    const standby = undo.use(await PostgresServer.#place(undefined, port));
    const source = `host=127.0.0.1 port=${primary.port} user=${SUPERUSER} application_name=${STANDBY}`;
    await runPostgresProgram(
      "pg_basebackup",
      ...["--pgdata", standby.#data, "--dbname", source, "--write-recovery-conf"],
      ...["--checkpoint", "fast", "--no-sync"],
    );
    await standby.#addSettings({ port: `${standby.port}` });
    await standby.restart();
    if (synchronous) await primary.set("synchronous_standby_names", STANDBY);
    await eventually(async () => {
      const [row] = await primary.query(
        "select sync_state, replay_lsn = sent_lsn as even from pg_stat_replication",
      );
      return row?.even === true && (!synchronous || row.sync_state === "sync");
    });
    undo.move();
    return standby;
  }

  static async #place(data?: string, port: number = freePort()): Promise<PostgresServer> {
    const directory = await TempDir.create();
    await giveToServer(directory.path);
    return new PostgresServer(port, directory, data ?? directory.file("data"));
  }

  /** The first process, which starts one for each connection. */
  get pid(): number {
    return this.#running.pid;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  get #running(): ChildProcess {
    if (this.#process === undefined) throw new Error("PostgreSQL is not running");
    return this.#process;
  }

  /** Starts the server, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    const [program = "", ...args] = [...AS_SERVER_USER, await pathOf("postgres"), "-D", this.#data];
    const process = ChildProcess.spawn(program, { args, cwd: "/", env: { LC_ALL: "C.UTF-8" } });
    this.#process = process;
    // Its number may soon be that of another process.
    void process.exited.then(() => {
      if (this.#process === process) this.#process = undefined;
    });
    await process.waitForLine(/database system is ready to accept/);
  }

  /** Ends all processes at once, as a power cut does. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    // It cannot start others once it stands still.
    await freezeProcess(process.pid);
    await killProcesses([...await childrenOf(process.pid), process.pid]);
    await process.exited;
  }

  /** Ends the server as its operator does: statements under way fail, and their connections close. */
  async stop(): Promise<void> {
    this.#running.kill("SIGINT");
    await this.#running.exited;
  }

  /** Resolves when the server has ended by itself, for example with a full disk. */
  async ended(): Promise<void> {
    await this.#running.exited;
  }

  /** Stops all processes: connections stay open, new ones are taken, and nothing answers. */
  async freeze(): Promise<void> {
    await freezeProcess(this.pid);
    await Promise.all((await childrenOf(this.pid)).map(freezeProcess));
  }

  async thaw(): Promise<void> {
    for (const pid of await childrenOf(this.pid)) thawProcess(pid);
    thawProcess(this.pid);
  }

  /** Makes a standby a primary, and waits until it takes what is written. */
  async promote(): Promise<void> {
    await this.query("select pg_promote(true, 60)");
    await eventually(async () =>
      (await this.query("select pg_is_in_recovery() as standby"))[0]?.standby === false
    );
  }

  /** Changes a setting, for all connections and over restarts. @param value left out: its default again */
  async set(name: string, value?: string): Promise<void> {
    await this.query(`alter system ${value === undefined ? `reset ${name}` : `set ${name} = '${value}'`}`);
    await this.query("select pg_reload_conf()");
    if (value === undefined) return;
    await eventually(async () => {
      const [row] = await this.query("select setting from pg_file_settings where name = $1 and applied", [
        name,
      ]);
      return row?.setting === value;
    });
  }

  /** Processor time that all processes have used, in seconds. */
  processorSeconds(): Promise<number> {
    return processorSeconds(this.pid);
  }

  /** How many bytes the log of what is written has grown to since the server was made. */
  async walBytes(): Promise<number> {
    const [row] = await this.query("select pg_current_wal_insert_lsn() - '0/0' as bytes");
    return Number(row?.bytes);
  }

  /** What the server printed, as one text. */
  get log(): string {
    return this.#running.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }

  async #configure(
    { fsync = false, settings = {}, access = TRUSTED, tls }: PostgresServerOptions,
  ): Promise<void> {
    await Deno.writeTextFile(`${this.#data}/pg_hba.conf`, `${access.join("\n")}\n`);
    await this.#addSettings({
      ...commonSettings(this.port, fsync),
      ...(tls === undefined ? {} : await this.#tlsSettings(tls)),
      ...settings,
    });
  }

  async #addSettings(settings: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    await Deno.writeTextFile(`${this.#data}/postgresql.conf`, lines.join(""), { append: true });
  }

  /** The server reads only a key of its own that nobody else can read. */
  async #tlsSettings(
    { certificates, name }: NonNullable<PostgresServerOptions["tls"]>,
  ): Promise<Record<string, string>> {
    const files = {
      crt: certificates.certificateOf(name),
      key: certificates.keyOf(name),
      ca: certificates.ca,
    };
    for (const [suffix, file] of Object.entries(files)) {
      const copy = this.#directory.file(`server.${suffix}`);
      await Deno.copyFile(file, copy);
      await Deno.chmod(copy, 0o600);
      await giveToServer(copy);
    }
    return {
      ssl: "on",
      ssl_cert_file: this.#directory.file("server.crt"),
      ssl_key_file: this.#directory.file("server.key"),
      ssl_ca_file: this.#directory.file("server.ca"),
    };
  }
}

/** Makes the files of an empty server. */
export async function initializeData(
  data: string,
  { wal, walFileMiB = 1 }: Pick<PostgresServerOptions, "wal" | "walFileMiB"> = {},
): Promise<void> {
  await runPostgresProgram(
    "initdb",
    ...["--pgdata", data, "--username", SUPERUSER, "--auth", "trust", "--no-sync"],
    ...["--encoding", "UTF8", "--locale", "C.UTF-8", "--wal-segsize", `${walFileMiB}`],
    ...(wal === undefined ? [] : ["--waldir", wal]),
  );
}

/** What all servers of tests are started with. */
export function commonSettings(port: number, fsync: boolean): Record<string, string> {
  return {
    port: `${port}`,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: fsync ? "on" : "off",
    shared_buffers: "32MB",
    min_wal_size: "32MB",
    log_checkpoints: "off",
    // A standby that is promoted after years of tests is no concern here.
    wal_keep_size: "32MB",
  };
}
