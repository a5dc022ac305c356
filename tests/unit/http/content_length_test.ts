import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Holding } from "../../../src/time/fair_share.ts";
import { GatewayError, InvariantError } from "../../../src/errors.ts";
import {
  declaredLength,
  LARGE_BYTES,
  readBody,
  requireDeclared,
  streamedBody,
} from "../../../src/http/webhook/body.ts";
import { InFlight } from "../../../src/http/in_flight.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { RawHttpConnection } from "../../support/http/raw_http.ts";
import { postOverHttp2 } from "../../support/http/raw_http2.ts";
import { RELAY_TOKEN, RelayWorld } from "../../support/relay/world.ts";

async function start(environment: Record<string, string> = {}) {
  const probe = new ProbeModule();
  const gateway = await TestGateway.start({
    webhooks: {
      json: { module: "probe" },
      blob: { module: "probe", data_type: "blob" },
    },
    modules: [probe.module],
    environment,
  });
  return { probe, gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

/** What is sent as it stands, with a line for each of the lengths. */
async function send(
  gateway: TestGateway,
  path: string,
  lengths: readonly string[],
  body: string,
  more = "",
): Promise<{ readonly status: number; readonly text: string }> {
  await using connection = await RawHttpConnection.open(gateway.port);
  const lines = lengths.map((length) => `Content-Length: ${length}\r\n`).join("");
  await connection.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${more}${lines}\r\n${body}`);
  return await connection.readResponse();
}

async function bytesInFlight(gateway: TestGateway): Promise<number> {
  const { text } = await gateway.request("/metrics");
  return Number(/^cwm_inflight_bytes (.*)$/m.exec(text)?.[1]);
}

Deno.test("the same Content-Length twice is one, for small bodies and large ones", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  for (const body of ["abc", "x".repeat(LARGE_BYTES + 1)]) {
    const answer = await send(gateway, "/webhook/blob", [`${body.length}`, `${body.length}\t`], body);
    assertEquals(answer.status, 200);
    assertEquals(probe.events.at(-1)?.text === body, true);
  }
  assertEquals(await bytesInFlight(gateway), 0);
});

Deno.test("the size limit holds for a Content-Length that is sent twice", async () => {
  await using context = await start({ MAX_BODY_BYTES: "100" });
  const answer = await send(context.gateway, "/webhook/blob", ["101", "101"], "x".repeat(101));
  assertEquals([answer.status, errorCode(answer)], [413, "body_too_large"]);
  assertEquals(context.probe.events, []);
});

Deno.test("the bound on body bytes holds after a Content-Length was sent twice", async () => {
  await using context = await start({ MAX_BODY_BYTES: "1000", MAX_INFLIGHT_BYTES: "1000" });
  const { gateway } = context;
  assertEquals((await send(gateway, "/webhook/json", ["2", "2"], "{}")).status, 200);
  assertEquals(await bytesInFlight(gateway), 0);
  await using first = await RawHttpConnection.open(gateway.port);
  await first.write("POST /webhook/json HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
  await using second = await RawHttpConnection.open(gateway.port);
  const late = "Content-Length: 900\r\nContent-Length: 900\r\n\r\n";
  // Whichever of the two comes second is beyond the bound, and neither has a body to wait for.
  await second.write(`POST /webhook/json HTTP/1.1\r\nHost: x\r\n${late}`);
  const refused = await Promise.race([first.readResponse(), second.readResponse()]);
  assertEquals([refused.status, errorCode(refused)], [503, "overloaded"]);
});

Deno.test("a Content-Length that is no number gets 400 from webhooks and for acknowledgements", async () => {
  await using world = await RelayWorld.start();
  const authorization = `Authorization: Bearer ${RELAY_TOKEN}\r\n`;
  for (const length of ["1, 2", "+1", "1.0", "0x1", "", "-1", "99999999999999999999", "1 1", "\uff11"]) {
    assertEquals((await send(world.gateway, "/webhook/orders", [length], "1")).status, 400, length);
    assertEquals((await send(world.gateway, "/connect/ack", [length], "{}", authorization)).status, 400);
  }
  assertEquals((await world.status()).messages_queued, 0);
});

Deno.test("two Content-Length values that differ are answered with 400", async () => {
  await using context = await start();
  assertEquals((await send(context.gateway, "/webhook/blob", ["1", "2"], "12")).status, 400);
  assertEquals(context.probe.events, []);
});

Deno.test("the same Content-Length twice is one over HTTP/2, and the size limit holds", async () => {
  await using context = await start({ MAX_BODY_BYTES: "100" });
  const { gateway, probe } = context;
  const post = (body: string) =>
    postOverHttp2(gateway.port, "/webhook/blob", [
      ["content-length", String(body.length)],
      ["content-length", String(body.length)],
    ], body);
  assertEquals(await post("abc"), 200);
  assertEquals(await post("x".repeat(101)), 413);
  assertEquals(probe.events.map(({ text }) => text), ["abc"]);
  assertEquals(await bytesInFlight(gateway), 0);
});

Deno.test("connectors may send the same Content-Length twice, within the limit on acknowledgements", async () => {
  await using world = await RelayWorld.start();
  const authorization = `Authorization: Bearer ${RELAY_TOKEN}\r\n`;
  const body = JSON.stringify({ channel: "inbox", connection_id: "gone", messages: [] });
  const length = String(body.length);
  const answer = await send(world.gateway, "/connect/ack", [length, length], body, authorization);
  assertEquals([answer.status, errorCode(answer)], [404, "connection_not_found"]);
  const large = String(5 * 1024 * 1024);
  const refused = await send(world.gateway, "/connect/ack", [large, large], "", authorization);
  assertEquals([refused.status, errorCode(refused)], [413, "body_too_large"]);
});

function request(length: string | undefined, body: BodyInit | null = "x"): Request {
  const headers = length === undefined ? {} : { "content-length": length };
  return new Request("http://localhost/", { method: "POST", headers, body });
}

Deno.test("a length is digits, once or several times the same", () => {
  const cases: readonly [length: string, value: number][] = [
    ["5", 5],
    ["0", 0],
    ["005", 5],
    ["5, 5", 5],
    ["5,5", 5],
    ["5\t ,\t 5,5", 5],
    ["05,5", 5],
  ];
  for (const [length, value] of cases) assertEquals(declaredLength(request(length), 10), value, length);
});

Deno.test("what is no length is refused with its own code", () => {
  const none = ["5, 6", "5 5", "+5", "-5", "5.0", "5e0", "0x5", "", ",", "5,", ",5", "5,,5", "5;5", "five"];
  for (const length of [...none, "9007199254740993", "9".repeat(20), "9".repeat(400), "5, +5"]) {
    const error = assertThrows(() => declaredLength(request(length), 10), GatewayError);
    assertEquals([error.code, error.status], ["invalid_content_length", 400], length);
  }
});

Deno.test("a body of another length than was declared is refused, whatever the declared one was", async () => {
  const large = LARGE_BYTES + 1;
  const cases: readonly [declared: number, arrives: number, code: string][] = [
    [2, 3, "invalid_content_length"],
    [3, 2, "body_incomplete"],
    [large, large + 1, "invalid_content_length"],
    [large, large * 3, "invalid_content_length"],
    [large, large - 1, "body_incomplete"],
    [large, 0, "body_incomplete"],
  ];
  for (const [declared, arrives, code] of cases) {
    const sent = request(undefined, new Uint8Array(arrives));
    const read = async () =>
      requireDeclared(await readBody(sent, streamedBody(sent, declared, 1e9)), declared);
    assertEquals(
      (await assertRejects(read, GatewayError)).code,
      code,
      `${declared} declared, ${arrives} came`,
    );
  }
});

Deno.test("a reservation takes whole numbers from 0 only, and keeps its count otherwise", () => {
  const inFlight = new InFlight(1, 100);
  const holding = new Holding();
  for (const bytes of [NaN, -1, 0.5, Infinity, 2 ** 53]) {
    assertThrows(() => inFlight.reserve(bytes, holding), InvariantError);
  }
  inFlight.reserve(60, holding);
  assertThrows(() => inFlight.release(61, holding), InvariantError);
  assertThrows(() => inFlight.leave(), InvariantError);
  assertEquals([inFlight.bytes, inFlight.requests], [60, 0]);
  assertThrows(() => inFlight.reserve(41, holding), GatewayError);
});
