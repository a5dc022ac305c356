import { getLogger } from "@logtape/logtape";
import { webhookConnectModule } from "../../../../src/modules/webhook_connect/webhook_connect.ts";
import { Metrics } from "../../../../src/observability/metrics.ts";
import { ChannelDirectory } from "../../../../src/relay/channel_directory.ts";
import { HEADERS, parseResumePoint } from "../../../../src/relay/protocol/negotiate.ts";
import { Relay } from "../../../../src/relay/relay.ts";
import { openJournal } from "../../journal/sqlite_journal.ts";
import { TempDir } from "../../temp_dir.ts";
import { verifiedEvent } from "../../verified_event.ts";
import { serveWebSocket } from "./gateway_websocket.ts";
import { connectedMessage } from "./transport.ts";

type Journal = Awaited<ReturnType<typeof openJournal>>;

const ROOM = { ttlMs: 3_600_000, maxSize: 1_000 };

/** The cloud side of a gateway that speaks version 1 of the protocol as gateways did when there was no other. */
export class FirstGateway implements AsyncDisposable {
  readonly #journal: Journal;
  readonly #relay: Relay;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #resources: AsyncDisposableStack;

  private constructor(journal: Journal, relay: Relay, resources: AsyncDisposableStack) {
    this.#journal = journal;
    this.#relay = relay;
    this.#resources = resources;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#stream(request),
    );
  }

  /** Starts it with the channel `inbox`. */
  static async start(token: string): Promise<FirstGateway> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await TempDir.create());
    const journal = resources.use(await openJournal(directory.file("data")));
    const channels = new ChannelDirectory();
    const config = { channel: "inbox", channel_token: token, heartbeat_interval_seconds: 0.2 };
    channels.set("default/orders", [webhookConnectModule.configSchema.parse(config)]);
    const relay = resources.use(
      new Relay({
        directory: channels,
        queues: journal.channels,
        metrics: new Metrics(),
        logger: getLogger(["cwm", "test", "relay"]),
        isReady: () => true,
      }),
    );
    return new FirstGateway(journal, relay, resources.move());
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** Puts events with the bodies `{"n":from}`, `{"n":from+1}`, … into the channel. */
  async send(count: number, from = 0): Promise<void> {
    for (let n = from; n < from + count; n++) {
      await this.#journal.channels.enqueue("inbox", verifiedEvent({ body: `{"n":${n}}` }), ROOM);
    }
  }

  /** How many events stand in the channel. */
  async depth(): Promise<number> {
    const { ready, leased } = await this.#journal.channels.depth("inbox");
    return ready + leased;
  }

  /** Why events became dead letters. */
  async deadLetters(): Promise<readonly string[]> {
    return (await this.#journal.deadLetters.list({}, 100)).letters.map(({ reason }) => reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
    await this.#server.shutdown();
    await this.#resources.disposeAsync();
  }

  async #stream(request: Request): Promise<Response> {
    const { headers } = request;
    const isSpoken = (headers.get(HEADERS.protocol) ?? "").split(",").some((one) => one.trim() === "1");
    if (!isSpoken) {
      return Response.json({ error: { code: "unsupported_protocol", message: "" } }, { status: 400 });
    }
    const token = headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const { session, resumed } = await this.#relay.open(this.#relay.authorize("inbox", token), {
      transport: "websocket",
      address: "127.0.0.1",
      token,
      connectorId: headers.get(HEADERS.connectorId) ?? "",
      window: Number(headers.get(HEADERS.window)),
      windowBytes: undefined,
      resume: parseResumePoint(headers.get(HEADERS.lastEventId)),
    });
    const { socket, response } = Deno.upgradeWebSocket(request);
    serveWebSocket(session, socket, connectedMessage(session, 1, resumed));
    return response;
  }
}
