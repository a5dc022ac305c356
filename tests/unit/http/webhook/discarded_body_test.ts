/** How much of a refused body is taken. */

import { assert, assertEquals } from "@std/assert";
import { TestGateway } from "../../../support/gateway.ts";
import { formatChunk, RawHttpConnection } from "../../../support/http/raw_http.ts";

const CHUNK = formatChunk("x".repeat(1024 * 1024));

const IN_CHUNKS = "Transfer-Encoding: chunked";

/** Starts a request whose body follows. */
async function begin(gateway: TestGateway, path: string, ...lines: string[]): Promise<RawHttpConnection> {
  const connection = await RawHttpConnection.open(gateway.port);
  await connection.write([`POST ${path} HTTP/1.1`, "Host: x", ...lines, "", ""].join("\r\n"));
  return connection;
}

/** How many of 200 MiB the gateway takes before it closes the connection. */
async function mebibytesTaken(connection: RawHttpConnection): Promise<number> {
  let mebibytes = 0;
  try {
    for (; mebibytes < 200; mebibytes++) await connection.write(CHUNK);
  } catch (error) {
    assert(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe);
  }
  return mebibytes;
}

const refusals: readonly [status: number, path: string][] = [
  [401, "/webhook/guarded"],
  [404, "/webhook/unknown"],
  [404, "/unknown"],
  [413, "/webhook/open"],
];

for (const [status, path] of refusals) {
  Deno.test(`a body without end that is refused with ${status} at ${path} ends with its connection`, async () => {
    await using gateway = await TestGateway.start({
      webhooks: { open: { module: "log" }, guarded: { module: "log", authorization: "Bearer t" } },
      environment: { MAX_BODY_BYTES: "1000" },
    });
    await using connection = await begin(gateway, path, IN_CHUNKS);
    const mebibytes = await mebibytesTaken(connection);
    assert(mebibytes >= 63 && mebibytes < 200, `${mebibytes} MiB were taken`);
  });

  Deno.test(`a sender that reads no answer before its body is sent gets its ${status} at ${path}`, async () => {
    await using gateway = await TestGateway.start({
      webhooks: { open: { module: "log" }, guarded: { module: "log", authorization: "Bearer t" } },
      environment: { MAX_BODY_BYTES: "1000" },
    });
    await using connection = await begin(gateway, path, IN_CHUNKS);
    for (let count = 0; count < 8; count++) await connection.write(CHUNK);
    await connection.write(formatChunk(""));
    assertEquals((await connection.readResponse()).status, status);
  });
}

for (const length of [IN_CHUNKS, "Content-Length: 100000000000"]) {
  Deno.test(`a refused body of a sender that expects 100 Continue has the same bound: ${length}`, async () => {
    await using gateway = await TestGateway.start({
      webhooks: { guarded: { module: "log", authorization: "Bearer t" } },
    });
    await using connection = await begin(gateway, "/webhook/guarded", "Expect: 100-continue", length);
    const mebibytes = await mebibytesTaken(connection);
    assert(mebibytes >= 63 && mebibytes < 200, `${mebibytes} MiB were taken`);
  });
}

Deno.test("a sender that expects 100 Continue, and sends nothing without it, gets its refusal", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { guarded: { module: "log", authorization: "Bearer t" } },
  });
  await using connection = await begin(
    gateway,
    "/webhook/guarded",
    "Expect: 100-continue",
    "Content-Length: 1000000",
  );
  const first = await connection.readResponse();
  const { status } = first.status === 100 ? await connection.readResponse() : first;
  assertEquals(status, 401);
});
