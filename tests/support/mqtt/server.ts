/** Real Mosquitto brokers, what can happen to them, and a client that shares no code with the gateway's. */

import { Buffer } from "node:buffer";
import { ChildProcess } from "../process/child_process.ts";
import { findProgram } from "../process/test_servers.ts";
import type { TestCertificates } from "../etcd/certificates.ts";
import { eventually } from "../eventually.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";

/** How a broker is started. */
export interface MosquittoOptions {
  /** Serves over TLS, and over nothing else, with this certificate of {@linkcode TestCertificates}. */
  readonly tls?: {
    readonly certificates: TestCertificates;
    readonly name: string;
    /** Lets in only clients with a certificate of the same authority. @default false */
    readonly clientAuth?: boolean;
  };
  /** Lets in only those with a user name and password. @default anybody */
  readonly users?: Readonly<Record<string, string>>;
  /** Whether it and those that read from it go on where they were after {@linkcode MosquittoServer.end}. @default false */
  readonly persistent?: boolean;
  /** Lines of the file of access rules. @default everything is permitted */
  readonly access?: readonly string[];
  /** More lines of the configuration. */
  readonly lines?: readonly string[];
}

/** A message as `mosquitto_sub` has got it. */
export interface ReceivedMessage {
  readonly topic: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** All user properties, as `name:value` with a space between. */
  readonly properties: string;
  readonly qos: string;
  readonly retained: string;
}

/** Reads everything; only where there are users. */
export const READER = { name: "reader", password: "reader-s3cret" } as const;

/** Where the reader is told that there is no more. */
const END_TOPIC = "cwm-test/end";

/** How long a persistent broker keeps the place of a reader that is not connected. */
const SESSION_SECONDS = "3600";

const FORMAT = "message|%t|%x|%q|%r|%C|%P";

/** One broker, restarted on the same port at will. It forgets what it had then, unless it is persistent. */
export class MosquittoServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: TempDir;
  #options: MosquittoOptions;
  #process: ChildProcess | undefined;
  #readers: ChildProcess[] = [];
  #ends = 0;

  private constructor(port: number, directory: TempDir, options: MosquittoOptions) {
    this.port = port;
    this.#directory = directory;
    this.#options = options;
  }

  /** Starts a broker on a free port and waits until it serves. */
  static async start(options: MosquittoOptions = {}): Promise<MosquittoServer> {
    const server = new MosquittoServer(freePort(), await TempDir.create(), options);
    await server.restart();
    return server;
  }

  get output(): string {
    return this.#process?.output ?? "";
  }

  get pid(): number {
    return this.#running.pid;
  }

  get #running(): ChildProcess {
    if (this.#process === undefined) throw new Error("Mosquitto is not running");
    return this.#process;
  }

  /** Starts the broker, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    if (this.#process !== undefined) await this.kill();
    await this.#configure();
    this.#process = ChildProcess.spawn(await program("mosquitto"), {
      args: ["-c", this.#directory.file("mosquitto.conf")],
    });
    await this.#process.waitForLine(/ running$/);
  }

  /** Has the running broker read changed settings. */
  async reload(options: MosquittoOptions): Promise<void> {
    this.#options = options;
    await this.#configure();
    const from = this.#running.lines.length;
    this.#running.kill("SIGHUP");
    await this.#running.waitForLine(/Reloading config/, { from });
  }

  /** Ends the broker at once, and those that read from it. */
  async kill(): Promise<void> {
    for (const reader of this.#readers.splice(0)) await reader[Symbol.asyncDispose]();
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Ends the broker as its operator does: it breaks connections, and saves what it has if it is persistent. */
  async end(): Promise<void> {
    this.#running.kill("SIGTERM");
    await this.#running.exited;
    this.#process = undefined;
  }

  /** Freezes the broker: its sockets stay open and nothing answers. */
  async freeze(): Promise<void> {
    const { pid } = this.#running;
    this.#running.kill("SIGSTOP");
    // proc(5): the state follows the name, which stands in parentheses; T is stopped.
    await eventually(async () => (await Deno.readTextFile(`/proc/${pid}/stat`)).includes(") T "));
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Reads everything that is published from now on, until the broker ends. @param version of the protocol */
  async read(version: "5" | "311" = "5"): Promise<MosquittoReader> {
    const args = [
      ...this.#clientArguments(version),
      ...this.#session(version),
      "-d",
      "-q",
      "2",
      "-t",
      "#",
      "-F",
      FORMAT,
    ];
    // It writes by blocks what is no message, such as that it has subscribed.
    const command = ["-oL", await program("mosquitto_sub"), ...args];
    const reader = ChildProcess.spawn("stdbuf", { args: command });
    this.#readers.push(reader);
    await reader.waitForLine(/^Subscribed/, { timeoutMs: 20_000 });
    return new MosquittoReader(reader, () => this.#publishEnd(version));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }

  /** Publishes a last message after all others. @returns its payload in hexadecimal */
  async #publishEnd(version: "5" | "311"): Promise<string> {
    const end = `end ${this.#ends++}`;
    const args = [...this.#clientArguments(version), "-q", "2", "-t", END_TOPIC, "-m", end];
    await using publisher = ChildProcess.spawn(await program("mosquitto_pub"), { args });
    const { success } = await publisher.exited;
    if (!success) throw new Error(`mosquitto_pub failed: ${publisher.output}`);
    return Buffer.from(end).toString("hex");
  }

  /** What keeps a reader's place at the broker while it is not connected. */
  #session(version: string): string[] {
    if (this.#options.persistent !== true) return [];
    const lasting = version === "5" ? ["-x", SESSION_SECONDS] : [];
    return ["-c", "-i", `reader-${this.#readers.length}`, ...lasting];
  }

  #clientArguments(version: string): string[] {
    const { tls, users } = this.#options;
    return [
      ...["-V", version, "-h", "127.0.0.1", "-p", `${this.port}`],
      ...(users === undefined ? [] : ["-u", READER.name, "-P", READER.password]),
      ...(tls === undefined ? [] : [
        ...["--cafile", tls.certificates.ca],
        ...["--cert", tls.certificates.certificateOf("client"), "--key", tls.certificates.keyOf("client")],
      ]),
    ];
  }

  async #configure(): Promise<void> {
    const { tls, users, access, persistent = false, lines = [] } = this.#options;
    const settings = [
      "user root",
      `listener ${this.port} 127.0.0.1`,
      `allow_anonymous ${users === undefined}`,
      // 0, which is no bound, has this version close connections after it has refused a message.
      "max_queued_messages 100000",
      ...(persistent ? ["persistence true", `persistence_location ${this.#directory.path}/`] : []),
      ...(tls === undefined ? [] : [
        `cafile ${tls.certificates.ca}`,
        `certfile ${tls.certificates.certificateOf(tls.name)}`,
        `keyfile ${tls.certificates.keyOf(tls.name)}`,
        `require_certificate ${tls.clientAuth === true}`,
      ]),
      ...lines,
    ];
    if (users !== undefined) settings.push(`password_file ${await this.#passwordFile(users)}`);
    if (access !== undefined) {
      const rules = [...access, `user ${READER.name}`, "topic readwrite #", ""];
      await this.#directory.writeText("access", rules.join("\n"));
      settings.push(`acl_file ${this.#directory.file("access")}`);
    }
    await this.#directory.writeText("mosquitto.conf", settings.join("\n") + "\n");
  }

  async #passwordFile(users: Readonly<Record<string, string>>): Promise<string> {
    const file = this.#directory.file("passwords");
    const lines = Object.entries({ ...users, [READER.name]: READER.password });
    await Deno.writeTextFile(file, lines.map(([name, password]) => `${name}:${password}\n`).join(""), {
      mode: 0o600,
    });
    const { success } = await new Deno.Command(await program("mosquitto_passwd"), { args: ["-U", file] })
      .output();
    if (!success) throw new Error("mosquitto_passwd failed");
    return file;
  }
}

/** What has been published since the reader began. */
export class MosquittoReader {
  constructor(
    private readonly process: ChildProcess,
    private readonly publishEnd: () => Promise<string>,
  ) {}

  /** Everything that the broker had got when this was called, in the order in which it passed it on. */
  async messages(): Promise<readonly ReceivedMessage[]> {
    const end = await this.publishEnd();
    await this.process.waitForLine(new RegExp(`^message\\|${END_TOPIC}\\|${end}\\|`));
    const lines = this.process.lines.filter(({ text }) => text.startsWith("message|"));
    return lines.map(({ text }) => parse(text)).filter(({ topic }) => topic !== END_TOPIC);
  }
}

function parse(line: string): ReceivedMessage {
  const [, topic = "", payload = "", qos = "", retained = "", contentType = "", ...properties] = line.split(
    "|",
  );
  const body = new Uint8Array(Buffer.from(payload, "hex"));
  return { topic, payload: body, qos, retained, contentType, properties: properties.join("|") };
}

/** The id of the event that a message is of; empty where none is said. */
export function eventIdOf({ properties }: ReceivedMessage): string {
  return /(?:^| )cwm-event-id:(\S+)/.exec(properties)?.[1] ?? "";
}

async function program(name: string): Promise<string> {
  const path = await findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed: deno task test installs it`);
  return path;
}
