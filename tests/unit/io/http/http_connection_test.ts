import { assertEquals, assertRejects } from "@std/assert";
import type { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { ANY_DESTINATION } from "../../../../src/io/destination_policy.ts";
import { KeptConnections } from "../../../../src/io/http/kept_connections.ts";
import { HttpWebhookClient } from "../../../../src/io/http_client.ts";
import { eventually } from "../../../support/eventually.ts";
import { HttpTarget } from "../../../support/http/target.ts";

const NEVER = new AbortController().signal;

/** More than what the system takes in for a program that does not read it. */
const LARGE = new Uint8Array(32 * 1024 * 1024);
const SMALL = new Uint8Array(1);

type Answer = (socket: Socket, piece: Buffer) => void | Promise<void>;

/** A server that does as the test says once something of a request is there. */
class RawServer implements AsyncDisposable {
  connections = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
    socket.on("data", (piece: Buffer) => void this.answer(socket, piece));
  });

  private constructor(readonly answer: Answer) {}

  static async start(answer: Answer): Promise<RawServer> {
    const server = new RawServer(answer);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get destination() {
    const { port } = this.#server.address() as AddressInfo;
    return { protocol: "http:", hostname: "127.0.0.1", port, path: "/", policy: ANY_DESTINATION } as const;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function send(
  client: HttpWebhookClient,
  { destination }: RawServer,
  body: Uint8Array,
  signal = NEVER,
  maxKept = 0,
) {
  return client.send(destination, "POST", { "content-length": body.length }, body, signal, maxKept);
}

Deno.test("no request waits behind one that was answered and is not read to its end", async () => {
  await using server = await RawServer.start((socket) => {
    socket.pause().write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
  });
  using client = new HttpWebhookClient();
  for (const body of [LARGE, LARGE, SMALL]) {
    const { status, isSent } = await send(client, server, body);
    assertEquals([status, isSent], [413, body === SMALL]);
  }
  assertEquals(server.connections, 3);
});

Deno.test("a request that is read to its end behind its answer leaves the connection to the next", async () => {
  await using server = await RawServer.start((socket, piece) => {
    if (piece.includes("POST ")) socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
  });
  using client = new HttpWebhookClient();
  assertEquals((await send(client, server, LARGE)).status, 413);
  await eventually(async () => {
    const { connections } = server;
    await send(client, server, SMALL);
    return connections === server.connections;
  });
});

Deno.test("a status that was received counts when the time is over before its body has come", async () => {
  await using other = await HttpTarget.start();
  let deadline = new AbortController();
  await using server = await RawServer.start(async (socket) => {
    socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nabc");
    // What was written before has arrived by then.
    for (let times = 0; times < 3; times++) await (await fetch(other.url)).text();
    deadline.abort(new Error("too late"));
  });
  using client = new HttpWebhookClient();
  for (const maxKept of [0, 100]) {
    deadline = new AbortController();
    const { status, isWhole } = await send(client, server, SMALL, deadline.signal, maxKept);
    assertEquals({ status, isWhole }, { status: 202, isWhole: false });
  }
  deadline = new AbortController();
  const { destination } = server;
  const answer = client.fetch(destination, "POST", { "content-length": 1 }, SMALL, deadline.signal, 100);
  await assertRejects(() => answer, Error, "too late");
});

Deno.test("an answer is whole when something that belongs to none comes behind it", async () => {
  await using server = await RawServer.start((socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc\r\n");
  });
  using client = new HttpWebhookClient();
  const { body, isWhole } = await send(client, server, SMALL, NEVER, 100);
  assertEquals([new TextDecoder().decode(body), isWhole], ["abc", true]);
  await send(client, server, SMALL);
  assertEquals(server.connections, 2);
});

for (const [maxAgeMs, isKept] of [[60_000, true], [0, false]] as const) {
  Deno.test(`a connection that may get ${maxAgeMs} ms old is used ${isKept ? "again" : "once"}`, async () => {
    await using server = await RawServer.start((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
    using connections = new KeptConnections({ maxAgeMs });
    const socket = connect(server.destination.port, "127.0.0.1");
    const connection = connections.add(socket, "target");
    await connection.send("POST / HTTP/1.1\r\n\r\n", new Uint8Array(), 0, NEVER);
    assertEquals(connections.take("target") === connection, isKept);
  });
}
