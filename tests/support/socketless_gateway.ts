/**
 * The gateway without its socket: requests are handed to its router as the runtime's server hands them over, a hundred
 * thousand in a few seconds.
 *
 * @module
 */

import { join } from "@std/path";
import { openSecrets } from "../../src/config/secrets/sources.ts";
import { createProvider, openJournal } from "../../src/gateway/backends.ts";
import { GatewayParts } from "../../src/gateway/wiring.ts";
import { Health } from "../../src/health/health.ts";
import type { OutputModule } from "../../src/modules/module.ts";
import { outputModules } from "../../src/modules/registry.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { fileLineWriter } from "./file_line_writer.ts";
import { TempDir } from "./temp_dir.ts";

/** A request as it arrives. */
export interface ArrivingRequest {
  readonly method: string;
  /** As the runtime puts it together from `Host` and the target: no text is too odd. */
  readonly url: string;
  readonly headers: Headers;
  /** `undefined` where the head says that there is none. */
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
}

/** What the gateway is started with. */
export interface SocketlessOptions {
  readonly webhooks: Readonly<Record<string, unknown>>;
  /** Modules besides the built-in ones. */
  readonly modules?: readonly OutputModule[];
  /** Settings, and variables for `{$NAME}` references. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** All parts of a gateway but the server, with its files in a folder of its own. */
export class SocketlessGateway implements AsyncDisposable {
  readonly #parts: GatewayParts;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: GatewayParts, resources: AsyncDisposableStack) {
    this.#parts = parts;
    this.#resources = resources;
  }

  static async start(
    { webhooks, modules = [], environment = {} }: SocketlessOptions,
  ): Promise<SocketlessGateway> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await TempDir.create());
    await directory.writeJson("webhooks.json", webhooks);
    const files = { CONFIG_DIR: directory.path, DATA_DIR: directory.file("data") };
    const settings = loadSettings({ ...files, ...environment }, { logIsTerminal: false });
    const output = resources.adopt(
      await Deno.open(join(directory.path, "stdout"), { create: true, append: true }),
      (file) => file.close(),
    );
    const health = new Health();
    const opened = {
      health,
      journal: resources.use(await openJournal(settings, { health })),
      provider: resources.use(await createProvider(settings, { health })),
      secrets: resources.use(await openSecrets(settings)),
      tracing: undefined,
    };
    const lines = resources.use(fileLineWriter(output));
    const life = { isReady: true, isIncomplete: false, isDraining: false, isClosed: false };
    const options = { settings, environment, lines, modules: [...outputModules, ...modules] };
    const parts = new GatewayParts(options, opened, life);
    resources.defer(() => close(parts));
    await parts.provider.start(parts.manager, new AbortController().signal);
    return new SocketlessGateway(parts, resources.move());
  }

  /** Answers a request of a client at this address. */
  async handle(request: ArrivingRequest, peer = "127.0.0.1"): Promise<Response> {
    return await this.#parts.router.handle(new Arrived(request), {
      remoteAddr: { transport: "tcp", hostname: peer, port: 40_000 },
      completed: Promise.resolve(),
    });
  }

  /** Why the last request to a webhook that was refused was refused. */
  lastRefusal(path: string): string | undefined {
    return this.#parts.refusals.of(path)[0]?.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** What disposal of the parts that were opened leaves open. */
async function close(parts: GatewayParts): Promise<void> {
  await parts.relay[Symbol.asyncDispose]();
  await parts.dispatcher.drain(AbortSignal.abort());
  await parts.manager.close();
  await parts.outputs[Symbol.asyncDispose]();
  parts.deadlines[Symbol.dispose]();
  parts.processMetrics[Symbol.dispose]();
  parts.failures[Symbol.dispose]();
  parts.missed[Symbol.dispose]();
}

/**
 * A request of which nothing is made regular, as nothing of those of the runtime's server is: a copy of `Headers` lacks
 * the empty value before another one of the same name.
 */
class Arrived extends Request {
  readonly #method: string;
  readonly #url: string;
  readonly #headers: Headers;

  constructor({ method, url, headers, body }: ArrivingRequest) {
    super("http://localhost/", { method: "POST", ...(body === undefined ? {} : { body }) });
    this.#method = method;
    this.#url = url;
    this.#headers = headers;
  }

  override get method(): string {
    return this.#method;
  }

  override get url(): string {
    return this.#url;
  }

  override get headers(): Headers {
    return this.#headers;
  }
}
