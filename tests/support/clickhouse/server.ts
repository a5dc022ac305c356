/**
 * Real ClickHouse servers, and everything that can happen to them: Debian's 18.16, or where `CHDB_PYTHON` names a
 * Python that has chdb, its current engine behind a front that speaks HTTP.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join } from "@std/path";
import { ChildProcess } from "../process/child_process.ts";
import type { TestCertificates } from "../etcd/certificates.ts";
import { REPOSITORY } from "../repository.ts";
import { TempDir } from "../temp_dir.ts";

/** How a ClickHouse server is started. */
export interface ClickhouseServerOptions {
  /** Serves HTTPS, on another port, with this certificate of {@linkcode TestCertificates}. */
  readonly tls?: {
    readonly certificates: TestCertificates;
    readonly name: string;
    readonly clientAuth?: boolean;
  };
  /** @default "Etc/UTC" */
  readonly timezone?: string;
}

/** A user besides `default`, who has no password. */
export const CLICKHOUSE_USER = { name: "writer", password: 'pä:ss"w`or d<&>' } as const;

/** A user who may read alone, of Debian's server. */
export const CLICKHOUSE_READER = { name: "reader", password: "reader-s3cret" } as const;

/** The Python with chdb; `undefined` for Debian's server. */
const CHDB_PYTHON = Deno.env.get("CHDB_PYTHON");

/** Whether servers are as they were in 2018: no token, no limit of partitions, and other codes for some errors. */
export const IS_OLD_CLICKHOUSE = CHDB_PYTHON === undefined;

/** One ClickHouse process of the user who runs the tests, restarted on the same ports and data at will. */
export class ClickhouseServer implements AsyncDisposable {
  readonly port: number;
  readonly httpsPort: number;
  readonly #directory: TempDir;
  readonly #timezone: string;
  #process: ChildProcess | undefined;

  private constructor(
    directory: TempDir,
    [port, httpsPort]: readonly [number, number],
    { timezone = "Etc/UTC" }: ClickhouseServerOptions,
  ) {
    this.#directory = directory;
    this.#timezone = timezone;
    this.port = port;
    this.httpsPort = httpsPort;
  }

  /** Starts a server and waits until it serves. */
  static async start(options: ClickhouseServerOptions = {}): Promise<ClickhouseServer> {
    const server = new ClickhouseServer(await TempDir.create(), freePorts(), options);
    await server.#directory.writeText("config.xml", server.#config(options));
    await server.#directory.writeText("users.xml", USERS);
    await server.restart();
    return server;
  }

  get pid(): number {
    return this.#running.pid;
  }

  get #running(): ChildProcess {
    if (this.#process === undefined) throw new Error("ClickHouse is not running");
    return this.#process;
  }

  /** Starts the server, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    this.#process = CHDB_PYTHON === undefined
      ? ChildProcess.spawn("clickhouse-server", {
        args: [`--config-file=${this.#directory.file("config.xml")}`],
        cwd: this.#directory.path,
      })
      : ChildProcess.spawn(CHDB_PYTHON, {
        args: [
          join(REPOSITORY, "tests/real/clickhouse/front.py"),
          this.#directory.file("data"),
          `${this.port}`,
          JSON.stringify({ default: "", [CLICKHOUSE_USER.name]: CLICKHOUSE_USER.password }),
        ],
        cwd: this.#directory.path,
        env: { TZ: this.#timezone },
      });
    await this.#process.waitForLine(/Ready for connections/);
  }

  /** Ends the server as a power cut does. Its data stays. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Freezes the server: its sockets stay open and nothing answers. */
  freeze(): void {
    this.#running.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /**
   * Runs a statement past everything that is tested and returns what it prints.
   *
   * @throws {Error} with what the server says
   */
  async query(statement: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.port}/`, { method: "POST", body: statement });
    const text = await response.text();
    if (!response.ok) throw new Error(`${statement} failed: ${text}`);
    return text.trimEnd();
  }

  /** Makes a table with the columns that the module fills; more may be added, or others used instead. */
  async createTable(
    name: string,
    { columns = COLUMNS, engine = "MergeTree ORDER BY id" } = {},
  ): Promise<void> {
    await this.query(`CREATE TABLE ${name} (${columns}) ENGINE = ${engine}`);
  }

  /** How many rows a table has. */
  async count(table: string): Promise<number> {
    return Number(await this.query(`SELECT count() FROM ${table}`));
  }

  /** The rows of a table by the order of their ids. */
  async rows(table: string): Promise<readonly TableRow[]> {
    const text = await this.query(`SELECT id, hex(payload) FROM ${table} ORDER BY id FORMAT TabSeparated`);
    if (text === "") return [];
    return text.split("\n").map((line) => {
      const [id = "", payload = ""] = line.split("\t");
      return { id, body: new Uint8Array(Buffer.from(payload, "hex")) };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }

  #config({ tls }: ClickhouseServerOptions): string {
    const file = (name: string) => this.#directory.file(name);
    return `<yandex>
  <logger><level>information</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${this.port}</http_port>
  ${tls === undefined ? "" : `<https_port>${this.httpsPort}</https_port>${tlsConfig(tls)}`}
  <path>${file("data/")}</path>
  <tmp_path>${file("tmp/")}</tmp_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
  <timezone>${this.#timezone}</timezone>
</yandex>`;
  }
}

/** A row as far as tests compare it. */
export interface TableRow {
  readonly id: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The original's columns, and the namespace. */
const COLUMNS = `id String, namespace String, webhook_id String, timestamp DateTime('UTC'), payload String,
  headers String`;

const USERS = `<yandex>
  <profiles><default/><reading><readonly>2</readonly></reading></profiles>
  <quotas><default/></quotas>
  <users>
    <default>${userConfig("")}</default>
    <${CLICKHOUSE_READER.name}>${
  userConfig(CLICKHOUSE_READER.password, "reading")
}</${CLICKHOUSE_READER.name}>
    <${CLICKHOUSE_USER.name}>${userConfig(CLICKHOUSE_USER.password)}</${CLICKHOUSE_USER.name}>
  </users>
</yandex>`;

function userConfig(password: string, profile = "default"): string {
  const escaped = password.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<password>${escaped}</password><networks><ip>127.0.0.1</ip></networks>` +
    `<profile>${profile}</profile><quota>default</quota>`;
}

function tlsConfig({ certificates, name, clientAuth = false }: NonNullable<ClickhouseServerOptions["tls"]>) {
  return `<openSSL><server>
    <certificateFile>${certificates.certificateOf(name)}</certificateFile>
    <privateKeyFile>${certificates.keyOf(name)}</privateKeyFile>
    <caConfig>${certificates.ca}</caConfig>
    <verificationMode>${clientAuth ? "strict" : "none"}</verificationMode>
  </server></openSSL>`;
}

/** Two ports that nothing listens on. */
function freePorts(): [number, number] {
  const one = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports: [number, number] = [one.addr.port, other.addr.port];
  one.close();
  other.close();
  return ports;
}
