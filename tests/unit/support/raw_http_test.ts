import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { formatChunk, formatRequest, RawHttpConnection } from "../../support/http/raw_http.ts";

/** A server that repeats the request's body; chunked when asked to. */
function serve(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    if (request.method === "HEAD") return new Response(null, { headers: { "content-length": "100" } });
    const bytes = await request.bytes();
    const chunked = new URL(request.url).pathname === "/chunked";
    return new Response(chunked ? ReadableStream.from([bytes.slice(0, 2), bytes.slice(2)]) : bytes);
  });
}

/** A server that sends the given bytes to every client and closes. */
async function sendOnce(listener: Deno.TcpListener, text: string): Promise<void> {
  using connection = await listener.accept();
  await connection.write(new TextEncoder().encode(text));
}

Deno.test("raw HTTP connection carries several requests, and answers framed in either way", async () => {
  await using server = serve();
  await using connection = await RawHttpConnection.open(server.addr.port);
  await connection.write(formatRequest("POST", "/length", { body: "first" }));
  assertEquals((await connection.readResponse()).text, "first");
  await connection.write(formatRequest("POST", "/chunked", { body: "second" }));
  const second = await connection.readResponse();
  assertEquals([second.text, second.headers.get("transfer-encoding")], ["second", "chunked"]);
  await connection.write(formatRequest("HEAD", "/"));
  assertEquals((await connection.readResponse({ method: "HEAD" })).body.length, 0);
});

Deno.test("raw HTTP connection keeps pipelined answers apart", async () => {
  await using server = serve();
  await using connection = await RawHttpConnection.open(server.addr.port);
  await connection.write(formatRequest("POST", "/", { body: "1" }));
  await connection.write(formatRequest("POST", "/", { body: "22" }));
  assertEquals((await connection.readResponse()).text, "1");
  assertEquals((await connection.readResponse()).text, "22");
});

Deno.test("raw HTTP connection sends chunked bodies piece by piece", async () => {
  await using server = serve();
  await using connection = await RawHttpConnection.open(server.addr.port);
  await connection.write(formatRequest("POST", "/", { headers: { "Transfer-Encoding": "chunked" } }));
  await connection.write(formatChunk("größe "));
  await connection.write(formatChunk("two") + formatChunk(""));
  assertEquals((await connection.readResponse()).text, "größe two");
});

Deno.test("raw HTTP connection reads the answer to a malformed request and sees the connection closed", async () => {
  await using server = serve();
  await using connection = await RawHttpConnection.open(server.addr.port);
  await connection.write("BAD REQUEST LINE\r\n\r\n");
  assertEquals((await connection.readResponse()).status, 400);
  await connection.readToEnd();
});

Deno.test("raw HTTP connection reads a body that ends with the connection, after an interim answer", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sent = sendOnce(
    listener,
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nx-a: 1\r\nX-A: 2\r\n\r\nall of it",
  );
  await using connection = await RawHttpConnection.open(listener.addr.port);
  await sent;
  assertEquals((await connection.readResponse()).status, 100);
  const response = await connection.readResponse();
  assertEquals(response.head, "HTTP/1.1 200 OK\r\nx-a: 1\r\nX-A: 2");
  assertEquals([response.headers.get("x-a"), response.text], ["1, 2", "all of it"]);
});

Deno.test("raw HTTP connection shows what arrived when the answer breaks off", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sent = sendOnce(listener, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
  await using connection = await RawHttpConnection.open(listener.addr.port);
  await sent;
  const error = await assertRejects(() => connection.readResponse(), Error);
  assertStringIncludes(error.message, 'The server closed the connection; unread bytes: "half"');
});

Deno.test("raw HTTP connection gives up on an answer that does not come in time", async () => {
  await using server = serve();
  await using connection = await RawHttpConnection.open(server.addr.port);
  await connection.write("POST / HTTP/1.1\r\n");
  await assertRejects(() => connection.readResponse({ timeoutMs: 1 }), Error, "time was up after 1 ms");
});
