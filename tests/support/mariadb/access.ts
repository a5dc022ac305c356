/** What tests do with MariaDB past everything that is tested, by its own command line. */

import { TextLineStream } from "../text_line_stream.ts";
import { mariadbPath, runProgram } from "./programs.ts";

/** How a test comes to a server without a password. */
export interface MariadbLogin {
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}

/** A server that listens on a port of this machine. */
export class MariadbAccess {
  constructor(readonly port: number) {}

  /**
   * Runs statements and returns the rows of all, each value as the command line shows it: `NULL` for none.
   *
   * @throws {Error} with what the command line prints when one fails
   */
  async sql(
    statements: string,
    { user = "root", password = "", database }: MariadbLogin = {},
  ): Promise<string[][]> {
    const printed = await runProgram(
      await mariadbPath("mariadb"),
      ...loginArguments(this.port, user, password),
      `--execute=${statements}`,
      ...(database === undefined ? [] : [database]),
    );
    return printed.split("\n").slice(0, -1).map((line) => line.split("\t"));
  }

  /** A new, empty database. Disposal drops it. */
  async createDatabase(): Promise<MariadbDatabase> {
    const name = `cwm_${crypto.randomUUID().replaceAll("-", "")}`;
    await this.sql(`create database ${name}`);
    return new MariadbDatabase(this, name);
  }
}

/** A database of one test. */
export class MariadbDatabase implements AsyncDisposable {
  constructor(readonly server: MariadbAccess, readonly name: string) {}

  sql(statements: string): Promise<string[][]> {
    return this.server.sql(statements, { database: this.name });
  }

  /** A connection that stays open until disposal, for what has to stand in one session. */
  async session(): Promise<MariadbSession> {
    return await MariadbSession.open(this.server.port, this.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.sql(`drop database ${this.name}`);
  }
}

/** The line that says that statements have ended. */
const END = "statements have ended";

/** One connection, which is a running command line. */
export class MariadbSession implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
      .getReader();
  }

  static async open(port: number, database: string): Promise<MariadbSession> {
    const command = new Deno.Command(await mariadbPath("mariadb"), {
      args: [...loginArguments(port, "root", ""), "--unbuffered", "--force", database],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    });
    return new MariadbSession(command.spawn());
  }

  /** Runs statements. One that fails does not keep the others from running. */
  async run(statements: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${statements};\nselect '${END}';\n`));
    for (let line = await this.#lines.read(); line.value !== END; line = await this.#lines.read()) {
      if (line.done) throw new Error("The command line of MariaDB has ended");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#lines.cancel();
    await this.#child.status;
  }
}

function loginArguments(port: number, user: string, password: string): readonly string[] {
  return [
    "--no-defaults",
    "--host=127.0.0.1",
    `--port=${port}`,
    `--user=${user}`,
    `--password=${password}`,
    "--default-character-set=utf8mb4",
    "--batch",
    "--skip-column-names",
  ];
}
