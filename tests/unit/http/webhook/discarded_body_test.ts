/** How much of a refused body is taken. */

import { assert, assertEquals } from "@std/assert";
import { TestGateway } from "../../../support/gateway.ts";
import { formatChunk, RawHttpConnection } from "../../../support/http/raw_http.ts";

const CHUNK = formatChunk("x".repeat(1024 * 1024));

/** Starts a request whose body comes in chunks. */
async function begin(gateway: TestGateway, path: string): Promise<RawHttpConnection> {
  const connection = await RawHttpConnection.open(gateway.port);
  await connection.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
  return connection;
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
    await using connection = await begin(gateway, path);
    let mebibytes = 0;
    try {
      for (; mebibytes < 200; mebibytes++) await connection.write(CHUNK);
    } catch (error) {
      assert(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe);
    }
    assert(mebibytes >= 63 && mebibytes < 200, `${mebibytes} MiB were taken`);
  });

  Deno.test(`a sender that reads no answer before its body is sent gets its ${status} at ${path}`, async () => {
    await using gateway = await TestGateway.start({
      webhooks: { open: { module: "log" }, guarded: { module: "log", authorization: "Bearer t" } },
      environment: { MAX_BODY_BYTES: "1000" },
    });
    await using connection = await begin(gateway, path);
    for (let count = 0; count < 8; count++) await connection.write(CHUNK);
    await connection.write(formatChunk(""));
    assertEquals((await connection.readResponse()).status, status);
  });
}
