/** Real NATS servers with JetStream, and what can happen to them. */

import type { TestCertificates } from "../etcd/certificates.ts";
import { eventually } from "../eventually.ts";
import { ChildProcess } from "../process/child_process.ts";
import { findProgram } from "../process/test_servers.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";
import { NatsDesk } from "./desk.ts";

/** How a server is started. */
export interface NatsServerOptions {
  /** Serves over TLS with this certificate of {@linkcode TestCertificates}. */
  readonly tls?: {
    readonly certificates: TestCertificates;
    readonly name: string;
    /** Lets in only clients with a certificate of the same authority. @default false */
    readonly clientAuth?: boolean;
  };
  /** Lines about who may log in; {@linkcode DESK} has to be among them. @default anybody */
  readonly authorization?: readonly string[];
  /** More lines of the configuration. */
  readonly lines?: readonly string[];
}

/** May do everything; only where there are users. */
export const DESK = { user: "desk", pass: "desk-s3cret" } as const;

/** The line of {@linkcode DESK} among the users of an `authorization`. */
export const DESK_USER = `{ user: ${DESK.user}, password: "${DESK.pass}" }`;

/** One server, restarted on the same port and with the same streams at will. */
export class NatsServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: TempDir;
  #options: NatsServerOptions;
  #process: ChildProcess | undefined;
  #desk: NatsDesk | undefined;

  private constructor(port: number, directory: TempDir, options: NatsServerOptions) {
    this.port = port;
    this.#directory = directory;
    this.#options = options;
  }

  /** Starts a server on a free port and waits until it serves. */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(freePort(), await TempDir.create(), options);
    await server.restart();
    return server;
  }

  get pid(): number {
    return this.#running.pid;
  }

  get #running(): ChildProcess {
    if (this.#process === undefined) throw new Error("The NATS server is not running");
    return this.#process;
  }

  /** Somebody who may do everything. */
  async desk(): Promise<NatsDesk> {
    return this.#desk ??= await NatsDesk.open(
      this.port,
      this.#options.authorization === undefined ? {} : DESK,
    );
  }

  /** Starts the server, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    await this.#configure();
    this.#process = ChildProcess.spawn(await program(), { args: ["-c", this.#directory.file("nats.conf")] });
    await this.#process.waitForLine(/Server is ready/);
  }

  /** Has the running server read changed settings. */
  async reload(options: NatsServerOptions): Promise<void> {
    this.#options = options;
    await this.#configure();
    const from = this.#running.lines.length;
    this.#running.kill("SIGHUP");
    await this.#running.waitForLine(/Reloaded server configuration/, { from });
  }

  /** Ends the server at once. */
  async kill(): Promise<void> {
    await this.#desk?.[Symbol.asyncDispose]();
    this.#desk = undefined;
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Freezes the server: its sockets stay open and nothing answers. */
  async freeze(): Promise<void> {
    const { pid } = this.#running;
    this.#running.kill("SIGSTOP");
    // proc(5): the state follows the name, which stands in parentheses; T is stopped.
    await eventually(async () => (await Deno.readTextFile(`/proc/${pid}/stat`)).includes(") T "));
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }

  async #configure(): Promise<void> {
    const { tls, authorization, lines = [] } = this.#options;
    const settings = [
      `listen: "127.0.0.1:${this.port}"`,
      `jetstream { store_dir: "${this.#directory.path}" }`,
      ...(authorization === undefined ? [] : ["authorization {", ...authorization, "}"]),
      ...(tls === undefined ? [] : [
        "tls {",
        `cert_file: "${tls.certificates.certificateOf(tls.name)}"`,
        `key_file: "${tls.certificates.keyOf(tls.name)}"`,
        `ca_file: "${tls.certificates.ca}"`,
        `verify: ${tls.clientAuth === true}`,
        "}",
      ]),
      ...lines,
    ];
    await this.#directory.writeText("nats.conf", settings.join("\n") + "\n");
  }
}

async function program(): Promise<string> {
  const path = await findProgram("nats-server");
  if (path === undefined) throw new Error("nats-server is not installed: deno task test installs it");
  return path;
}
