import { assert, assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";

/** A server that sends everything back, and closes when the client has. */
class EchoServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving = this.#serve();

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const echoes: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      // A connection that the proxy cuts fails here; the test looks at the client's end.
      echoes.push(connection.readable.pipeTo(connection.writable).catch(() => {}));
    }
    await Promise.all(echoes);
  }
}

function connect(proxy: TcpProxy): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
}

async function send(connection: Deno.TcpConn, text: string): Promise<void> {
  await connection.write(new TextEncoder().encode(text));
}

/** Reads that many bytes; fewer when the connection ends or breaks. */
async function receive(connection: Deno.TcpConn, count: number): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(count);
  try {
    while (text.length < count) {
      const length = await connection.read(buffer.subarray(0, count - text.length));
      if (length === null) break;
      text += new TextDecoder().decode(buffer.subarray(0, length));
    }
  } catch (error) {
    // A cut connection ends with a reset when data was on its way.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return text;
}

Deno.test("TCP proxy passes data on in both directions, up to the end of the connection", async () => {
  await using server = new EchoServer();
  await using proxy = TcpProxy.start({ port: server.port });
  using client = await connect(proxy);
  await send(client, "hello");
  assertEquals(await receive(client, 5), "hello");
  await client.closeWrite();
  assertEquals(await client.read(new Uint8Array(1)), null);
  await eventually(() => assertEquals(proxy.connectionCount, 0));
  assertEquals(proxy.acceptedCount, 1);
});

Deno.test("TCP proxy cuts existing connections and accepts new ones", async () => {
  await using server = new EchoServer();
  await using proxy = TcpProxy.start({ port: server.port });
  using first = await connect(proxy);
  await send(first, "1");
  assertEquals(await receive(first, 1), "1");
  proxy.cut();
  assertEquals(await receive(first, 1), "");
  using second = await connect(proxy);
  await send(second, "2");
  assertEquals(await receive(second, 1), "2");
});

Deno.test("TCP proxy refuses new connections, keeps existing ones, and accepts again on its port", async () => {
  await using server = new EchoServer();
  await using proxy = TcpProxy.start({ port: server.port });
  using existing = await connect(proxy);
  await send(existing, "1");
  assertEquals(await receive(existing, 1), "1");
  await proxy.refuse();
  await assertRejects(() => connect(proxy), Deno.errors.ConnectionRefused);
  await send(existing, "2");
  assertEquals(await receive(existing, 1), "2");
  proxy.accept();
  using later = await connect(proxy);
  await send(later, "3");
  assertEquals(await receive(later, 1), "3");
});

Deno.test("TCP proxy holds everything back while it is frozen and delivers it when it thaws", async () => {
  await using server = new EchoServer();
  await using proxy = TcpProxy.start({ port: server.port });
  proxy.freeze();
  using client = await connect(proxy);
  await send(client, "held");
  let answered = false;
  const answer = receive(client, 4).finally(() => answered = true);
  await eventually(() => assertEquals(proxy.connectionCount, 1));
  assertEquals(answered, false);
  proxy.thaw();
  assertEquals(await answer, "held");
});

Deno.test("TCP proxy makes connections half open when one direction is frozen", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using proxy = TcpProxy.start({ port: listener.addr.port });
  using client = await connect(proxy);
  using server = await listener.accept();
  listener.close();
  proxy.freeze("to_client");
  await send(client, "request");
  assertEquals(await receive(server, 7), "request");
  await send(server, "response");
  let answered = false;
  const answer = receive(client, 8).finally(() => answered = true);
  await send(client, "again");
  assertEquals(await receive(server, 5), "again");
  assertEquals(answered, false);
  proxy.thaw("to_client");
  assertEquals(await answer, "response");
});

Deno.test("TCP proxy can be cut and disposed of while it is frozen", async () => {
  await using server = new EchoServer();
  await using proxy = TcpProxy.start({ port: server.port });
  proxy.freeze();
  using client = await connect(proxy);
  await send(client, "never");
  await eventually(() => assertEquals(proxy.connectionCount, 1));
  proxy.cut();
  assertEquals(await receive(client, 1), "");
});

Deno.test("TCP proxy closes the client's connection when the server is not there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using proxy = TcpProxy.start({ port });
  using client = await connect(proxy);
  assertEquals(await receive(client, 1), "");
});

Deno.test("TCP proxy delivers all data unchanged over a slow network", async () => {
  await using server = new EchoServer();
  await using proxy = TcpProxy.start({ port: server.port });
  proxy.shape({ delayMs: 1, bytesPerSecond: 1_000_000 });
  using client = await connect(proxy);
  const text = "0123456789".repeat(1000);
  const [answer] = await Promise.all([receive(client, text.length), send(client, text)]);
  assert(answer === text);
});
