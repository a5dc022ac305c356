import { join } from "@std/path";
import { ChildProcess } from "../process/child_process.ts";
import { eventually } from "../eventually.ts";
import { GatewayProcess, spawnProgram } from "../process/gateway_process.ts";
import { gatewayWebhooks, RELAY_ADMIN_TOKEN, RELAY_TOKEN } from "./world.ts";
import { REPOSITORY } from "../repository.ts";
import { TempDir } from "../temp_dir.ts";

/** One event as the target got it. */
export interface Arrival {
  readonly webhook: string;
  readonly n: number;
}

/** The gateway, the connector and the target as three programs, each of which can be killed and started again. */
export class RelayProcesses implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #targets: ChildProcess[] = [];
  readonly #connectors: ChildProcess[] = [];
  #gateway: GatewayProcess | undefined;
  #gatewayPort = "0";
  #targetPort = "0";

  private constructor(directory: TempDir, environment: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.#environment = environment;
  }

  /**
   * Starts the target and the gateway; the connector is started by the test.
   *
   * @param channel more of the webhooks' `module-config`
   */
  static async start(
    channel: Readonly<Record<string, unknown>> = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<RelayProcesses> {
    const processes = new RelayProcesses(await TempDir.create(), environment);
    await processes.#directory.writeJson("webhooks.json", gatewayWebhooks(channel));
    await Promise.all([processes.startTarget(), processes.startGateway()]);
    return processes;
  }

  get gateway(): GatewayProcess {
    if (this.#gateway === undefined) throw new Error("The gateway is not running");
    return this.#gateway;
  }

  /** The connector that was started last. */
  get connector(): ChildProcess {
    return this.#connectors.at(-1)!;
  }

  /** Everything that has arrived at any of the targets, in order. */
  get arrivals(): readonly Arrival[] {
    return this.#targets.flatMap(({ lines }) =>
      lines.filter(({ text }) => text.startsWith('{"webhook"')).map(({ text }) => JSON.parse(text) as Arrival)
    );
  }

  async startTarget(): Promise<void> {
    const target = ChildProcess.spawn(Deno.execPath(), {
      args: [
        "run",
        "--cached-only",
        "--no-check",
        "--allow-net",
        join(REPOSITORY, "tests/support/relay/target_program.ts"),
        this.#targetPort,
      ],
    });
    this.#targets.push(target);
    this.#targetPort = (await target.waitForLine(/"listening":(\d+)/))[1]!;
  }

  async startGateway(): Promise<void> {
    this.#gateway = await GatewayProcess.start({
      cwd: this.#directory.path,
      env: {
        PORT: this.#gatewayPort,
        ADMIN_TOKEN: RELAY_ADMIN_TOKEN,
        SHUTDOWN_GRACE_MS: "0",
        LOG_FORMAT: "text",
        ...this.#environment,
      },
    });
    this.#gatewayPort = String(this.#gateway.port);
    await this.#gateway.waitUntilReady();
  }

  /** Starts a connector that is configured by the environment alone. */
  startConnector(environment: Readonly<Record<string, string>> = {}): ChildProcess {
    const connector = spawnProgram({
      args: ["connector"],
      cwd: this.#directory.path,
      env: {
        CONNECTOR_CLOUD_URL: `http://127.0.0.1:${this.#gatewayPort}`,
        CONNECTOR_CHANNEL: "inbox",
        CONNECTOR_TOKEN: RELAY_TOKEN,
        CONNECTOR_ID: "process",
        CONNECTOR_TARGET_URL: `http://127.0.0.1:${this.#targetPort}/in`,
        CONNECTOR_RECONNECT_DELAY: "0.05",
        CONNECTOR_MAX_RECONNECT_DELAY: "0.2",
        CONNECTOR_REDELIVERY_DELAY: "0.05",
        CONNECTOR_MAX_REDELIVERY_DELAY: "0.1",
        CONNECTOR_LOG_FORMAT: "text",
        ...environment,
      },
    });
    this.#connectors.push(connector);
    return connector;
  }

  async killGateway(): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    this.#gateway = undefined;
  }

  async killConnector(): Promise<void> {
    await this.connector[Symbol.asyncDispose]();
  }

  async killTarget(): Promise<void> {
    await this.#targets.at(-1)?.[Symbol.asyncDispose]();
  }

  /**
   * Sends one webhook until the gateway has answered 200, and returns how often it had to be sent: an answer
   * that got lost leaves open whether the event was taken.
   */
  async send(webhook: string, n: number): Promise<number> {
    let sent = 0;
    await eventually(async () => {
      sent++;
      const response = await fetch(`http://127.0.0.1:${this.#gatewayPort}/webhook/${webhook}`, {
        method: "POST",
        body: JSON.stringify({ n }),
      });
      await response.body?.cancel();
      if (response.status !== 200) throw new Error(`The gateway answered ${response.status}`);
    }, { timeoutMs: 20_000 });
    return sent;
  }

  async deadLetters(): Promise<readonly { readonly id: string; readonly reason: string }[]> {
    const response = await fetch(`${this.gateway.url}/admin/dead-letters?limit=1000`, {
      headers: { authorization: `Bearer ${RELAY_ADMIN_TOKEN}` },
    });
    return (await response.json() as { dead_letters: { id: string; reason: string }[] }).dead_letters;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connector of this.#connectors) await connector[Symbol.asyncDispose]();
    await this.#gateway?.[Symbol.asyncDispose]();
    for (const target of this.#targets) await target[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** The numbers of one webhook's events in the order of their first arrival. */
export function firstArrivals(arrivals: readonly Arrival[], webhook: string): number[] {
  return [...new Set(arrivals.filter((arrival) => arrival.webhook === webhook).map(({ n }) => n))];
}
