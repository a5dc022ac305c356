/**
 * What Deno's server does before any code of the gateway, as README's "What the runtime answers itself" says.
 * When one of these fails after an update of Deno, README has to change.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { formatRequest, RawHttpConnection } from "../../support/http/raw_http.ts";

async function start() {
  const probe = new ProbeModule();
  const gateway = await TestGateway.start({
    webhooks: {
      json: { module: "probe" },
      blob: { module: "probe", data_type: "blob" },
      durable: { module: "probe", accept: "durable" },
    },
    modules: [probe.module],
  });
  return { probe, gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

const lines = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "a"]));

const refused: readonly [name: string, request: string | Uint8Array][] = [
  [
    "an offer of h2c, as Java's client makes it",
    formatRequest("POST", "/webhook/json", {
      headers: {
        Connection: "Upgrade, HTTP2-Settings",
        "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
        Upgrade: "h2c",
      },
      body: `{"a":1}`,
    }),
  ],
  [
    "an offer of another protocol",
    formatRequest("POST", "/webhook/json", {
      headers: { Connection: "Upgrade", Upgrade: "websocket" },
      body: "{}",
    }),
  ],
  ["more than 128 header lines", formatRequest("POST", "/webhook/json", { headers: lines(127), body: "{}" })],
  [
    "more than 64 KiB of head",
    formatRequest("POST", "/webhook/json", { headers: { "X-Long": "a".repeat(65_536) }, body: "{}" }),
  ],
  [
    "two lengths that differ",
    "POST /webhook/json HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
  ],
  [
    "a length and chunks",
    "POST /webhook/json HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a transfer coding that does not end in chunks",
    "POST /webhook/json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n{}",
  ],
  ["the PROXY protocol", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nPOST /webhook/json HTTP/1.1\r\n\r\n"],
  ["the beginning of TLS", new Uint8Array([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])],
];
for (const [name, request] of refused) {
  Deno.test(`the runtime answers ${name} with an empty 400, which is in no metric`, async () => {
    await using context = await start();
    const { gateway, probe } = context;
    await using connection = await RawHttpConnection.open(gateway.port);
    await connection.write(request);
    const answer = await connection.readResponse();
    assertEquals([answer.status, answer.text, answer.headers.get("x-request-id")], [400, "", null]);
    const { text } = await gateway.request("/metrics");
    const counted = Array.from(
      text.matchAll(/^cwm_requests_total\{.*\} (\d+)$/gm),
      ([, count]) => Number(count),
    );
    assertEquals(counted.filter((count) => count > 0), []);
    assertEquals(probe.events, []);
  });
}

Deno.test("an event is accepted whose sender closes its half of the connection, answered or not", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  await using connection = await RawHttpConnection.open(gateway.port);
  await connection.write(formatRequest("POST", "/webhook/durable", { body: "123" }));
  await connection.closeWrite();
  await eventually(() => assertEquals(probe.events.map(({ text }) => text), ["123"]));
  await eventually(async () =>
    assertStringIncludes(
      (await gateway.request("/metrics")).text,
      `cwm_requests_total{namespace="default",webhook="durable",outcome="accepted"} 1\n`,
    )
  );
});

Deno.test("a gzip transfer coding before chunks is not undone", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  const body = gzipSync(`{"a":1}`);
  const send = async (path: string) => {
    await using connection = await RawHttpConnection.open(gateway.port);
    await connection.write(
      formatRequest("POST", path, { headers: { "Transfer-Encoding": "gzip, chunked" } }),
    );
    await connection.write(`${body.length.toString(16)}\r\n`);
    await connection.write(body);
    await connection.write("\r\n0\r\n\r\n");
    return await connection.readResponse();
  };
  const json = await send("/webhook/json");
  assertEquals([json.status, errorCode(json)], [400, "invalid_json"]);
  assertEquals((await send("/webhook/blob")).status, 200);
  assertEquals(probe.events.map(({ bytes }) => bytes), [new Uint8Array(body)]);
});
