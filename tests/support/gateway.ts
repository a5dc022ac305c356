import { join } from "@std/path";
import type { AuthServers } from "../../src/auth/servers/auth_servers.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import type { OutputModule } from "../../src/modules/module.ts";
import { outputModules } from "../../src/modules/registry.ts";
import { fileLineWriter } from "./file_line_writer.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { TempDir } from "./temp_dir.ts";

export interface TestGatewayOptions {
  /** Contents of `webhooks.json`; left out, there is no such file. */
  readonly webhooks?: Readonly<Record<string, unknown>>;
  readonly connections?: Readonly<Record<string, unknown>>;
  /** Modules besides the built-in ones. */
  readonly modules?: readonly OutputModule[];
  /** Stands where verifiers ask. @default the network */
  readonly authServers?: AuthServers;
  /** Settings, and variables for `{$NAME}` references. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A gateway inside the test's process on a free port, with its configuration in a folder of its own. */
export class TestGateway implements AsyncDisposable {
  readonly #gateway: Gateway;
  readonly #directory: TempDir;
  readonly #resources: AsyncDisposableStack;

  private constructor(gateway: Gateway, directory: TempDir, resources: AsyncDisposableStack) {
    this.#gateway = gateway;
    this.#directory = directory;
    this.#resources = resources;
  }

  static async start(options: TestGatewayOptions = {}): Promise<TestGateway> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await TempDir.create());
    const files = {
      webhooks: join(directory.path, "webhooks.json"),
      connections: join(directory.path, "connections.json"),
    };
    if (options.webhooks !== undefined) {
      await Deno.writeTextFile(files.webhooks, JSON.stringify(options.webhooks));
    }
    if (options.connections !== undefined) {
      await Deno.writeTextFile(files.connections, JSON.stringify(options.connections));
    }
    const environment = options.environment ?? {};
    const settings = loadSettings({
      HOST: "127.0.0.1",
      PORT: "0",
      CONFIG_DIR: directory.path,
      DATA_DIR: join(directory.path, "data"),
      SHUTDOWN_GRACE_MS: "0",
      ...environment,
    }, { logIsTerminal: false });
    const output = resources.adopt(
      await Deno.open(join(directory.path, "stdout"), { create: true, append: true }),
      (file) => file.close(),
    );
    const lines = resources.use(fileLineWriter(output));
    const modules = [...outputModules, ...options.modules ?? []];
    const gateway = resources.use(
      await Gateway.start({
        settings,
        environment,
        lines,
        modules,
        ...options.authServers === undefined ? {} : { authServers: options.authServers },
      }),
    );
    return new TestGateway(gateway, directory, resources.move());
  }

  get port(): number {
    return this.#gateway.port;
  }

  /** @param path begins with `/` */
  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** Sends a webhook and returns the answer with its body read. */
  async post(path: string, body: BodyInit, headers: HeadersInit = {}): Promise<Answer> {
    return await this.request(path, { method: "POST", body, headers });
  }

  async request(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(this.url(path), init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  }

  /** Replaces `webhooks.json` in one step, as a careful editor does. */
  async writeWebhooks(webhooks: unknown): Promise<void> {
    await this.#replace("webhooks.json", JSON.stringify(webhooks));
  }

  async writeConnections(connections: unknown): Promise<void> {
    await this.#replace("connections.json", JSON.stringify(connections));
  }

  /** The path of a file in the gateway's directory. */
  file(name: string): string {
    return join(this.#directory.path, name);
  }

  /** What the `log` output has written so far. */
  async output(): Promise<string> {
    return await Deno.readTextFile(join(this.#directory.path, "stdout"));
  }

  drain(): Promise<void> {
    return this.#gateway.drain();
  }

  reload(): Promise<void> {
    return this.#gateway.reload();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #replace(name: string, text: string): Promise<void> {
    const path = join(this.#directory.path, name);
    await Deno.writeTextFile(`${path}.new`, text);
    await Deno.rename(`${path}.new`, path);
  }
}

/** An answer whose body has been read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** The error code of an answer: `{"error":{"code":"…"}}`. */
export function errorCode(answer: Pick<Answer, "text">): string {
  return (JSON.parse(answer.text) as { error: { code: string } }).error.code;
}
