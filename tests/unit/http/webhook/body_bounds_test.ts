/** That what bodies take is counted as long as it is held, and not longer: at the public door, and piece by piece. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../../../src/errors.ts";
import { LARGE_BYTES, streamedBody } from "../../../../src/http/webhook/body.ts";
import { eventually } from "../../../support/eventually.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";
import { formatChunk, formatRequest, RawHttpConnection } from "../../../support/http/raw_http.ts";
import { relayHeaders } from "../../../support/relay/stream.ts";
import { RelayWorld } from "../../../support/relay/world.ts";

async function start(environment: Record<string, string> = {}) {
  const probe = new ProbeModule();
  const gateway = await TestGateway.start({
    webhooks: { json: { module: "probe" }, blob: { module: "probe", data_type: "blob" } },
    modules: [probe.module],
    environment,
  });
  return { probe, gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

async function inFlight(gateway: TestGateway): Promise<{ requests: number; bytes: number }> {
  const { text } = await gateway.request("/metrics");
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
  return { requests: value("cwm_inflight_requests"), bytes: value("cwm_inflight_bytes") };
}

/** A piece of one byte, as the runtime hands them out: with a buffer of 64 KiB. */
function smallPiece(byte: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(64 * 1024), 0, 1).fill(byte);
}

/** A request whose body comes in these pieces, and then ends or does not. */
function inPieces(pieces: readonly Uint8Array<ArrayBuffer>[], ends = true): Request {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      if (ends) controller.close();
    },
  });
  return new Request("http://localhost/", { method: "POST", body });
}

Deno.test("the buffer of each piece is let go as soon as the piece was copied, in every kind of body", async () => {
  for (const length of [undefined, LARGE_BYTES + 1]) {
    const pieces = Array.from({ length: 1_000 }, (_, index) => smallPiece(index % 256));
    const sent = pieces.map(([byte]) => byte);
    const bytes = await streamedBody(inPieces(pieces), length, 2_000)?.read();
    assertEquals(Array.from(bytes ?? []), sent);
    assertEquals(bytes?.buffer.byteLength, sent.length);
    assert(pieces.every(({ buffer }) => buffer.detached));
  }
});

Deno.test("a body that was given up holds nothing, and ends its reading", async () => {
  for (const length of [undefined, LARGE_BYTES + 1]) {
    const pieces = [smallPiece(1), smallPiece(2)];
    const stream = streamedBody(inPieces(pieces, false), length, 2 * LARGE_BYTES);
    const reading = assertRejects(async () => await stream?.read(), GatewayError);
    await eventually(() => assert(pieces.every(({ buffer }) => buffer.detached)));
    stream?.cancel();
    assertEquals((await reading).code, "body_timeout");
  }
});

Deno.test("a body in thousands of chunks arrives as it was sent, up to the limit to the byte", async () => {
  await using context = await start({ MAX_BODY_BYTES: "3000" });
  const { gateway, probe } = context;
  const answers: number[] = [];
  for (const count of [3_000, 3_001]) {
    await using connection = await RawHttpConnection.open(gateway.port);
    await connection.write(
      formatRequest("POST", "/webhook/blob", { headers: { "Transfer-Encoding": "chunked" } }),
    );
    await connection.write(formatChunk("x").repeat(count) + formatChunk(""));
    answers.push((await connection.readResponse()).status);
  }
  assertEquals(answers, [200, 413]);
  assertEquals(probe.events.map(({ text }) => text), ["x".repeat(3_000)]);
  assertEquals(await inFlight(gateway), { requests: 0, bytes: 0 });
});

const stalled: readonly [name: string, head: string, begins: string][] = [
  ["in chunks", "Transfer-Encoding: chunked", "5\r\nhello\r\n"],
  ["with a large length", `Content-Length: ${LARGE_BYTES + 1}`, "hello"],
];
for (const [name, head, begins] of stalled) {
  Deno.test(`a body ${name} that stalls counts until its 408, and not for as long as its sender stays`, async () => {
    await using context = await start({ BODY_TIMEOUT_MS: "300" });
    const { gateway } = context;
    await using connection = await RawHttpConnection.open(gateway.port);
    await connection.write(`POST /webhook/json HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${begins}`);
    const answer = await connection.readResponse();
    assertEquals([answer.status, errorCode(answer)], [408, "body_timeout"]);
    assertEquals(answer.headers.get("connection"), "close");
    await eventually(async () => assertEquals(await inFlight(gateway), { requests: 0, bytes: 0 }));
    await connection.write(begins);
    assertEquals(await connection.readToEnd(), new Uint8Array());
  });
}

Deno.test("a small body that stalls counts as long as the runtime holds it, and its request does not", async () => {
  await using context = await start({ BODY_TIMEOUT_MS: "100" });
  const { gateway } = context;
  {
    await using connection = await RawHttpConnection.open(gateway.port);
    await connection.write("POST /webhook/json HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{");
    assertEquals((await connection.readResponse()).status, 408);
    assertEquals(await inFlight(gateway), { requests: 0, bytes: 500 });
  }
  await eventually(async () => assertEquals((await inFlight(gateway)).bytes, 0));
});

const ackHead = (length: number, token = "") =>
  `POST /connect/ack HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n${token}\r\n`;
const TOKEN = `Authorization: ${relayHeaders()["authorization"]}\r\n`;

Deno.test("an acknowledgement without a channel's token is refused before its body arrives", async () => {
  await using world = await RelayWorld.start();
  for (const token of ["", "Authorization: Bearer wrong\r\n"]) {
    await using connection = await RawHttpConnection.open(world.gateway.port);
    await connection.write(ackHead(4 * 1024 * 1024, token));
    assertEquals((await connection.readResponse()).status, 401);
  }
});

Deno.test("acknowledgements count in the bounds of webhooks, are refused beyond them, and end in time", async () => {
  await using world = await RelayWorld.start({
    environment: { MAX_BODY_BYTES: "1000", MAX_INFLIGHT_BYTES: "1000000", BODY_TIMEOUT_MS: "1000" },
  });
  const { gateway } = world;
  await using first = await RawHttpConnection.open(gateway.port);
  await first.write(ackHead(600_000, TOKEN) + "{");
  await eventually(async () => assertEquals(await inFlight(gateway), { requests: 1, bytes: 600_000 }));
  await using second = await RawHttpConnection.open(gateway.port);
  await second.write(ackHead(600_000, TOKEN) + "{");
  const refused = await second.readResponse();
  assertEquals([refused.status, errorCode(refused)], [503, "overloaded"]);
  const late = await first.readResponse();
  assertEquals([late.status, errorCode(late), late.headers.get("connection")], [
    408,
    "body_timeout",
    "close",
  ]);
  await eventually(async () => assertEquals(await inFlight(gateway), { requests: 0, bytes: 0 }));
});
