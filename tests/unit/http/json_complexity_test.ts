/** That a JSON document is bounded in depth and in its number of values, in whichever way it arrives. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { gzipSync } from "node:zlib";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { relayHeaders } from "../../support/relay/stream.ts";
import { RelayWorld } from "../../support/relay/world.ts";

async function start(environment: Record<string, string> = {}) {
  const probe = new ProbeModule();
  const gateway = await TestGateway.start({
    webhooks: {
      json: { module: "probe" },
      blob: { module: "probe", data_type: "blob" },
      other: { module: "probe", data_type: "blob" },
      field: { module: "probe", data_type: "form", form_field: "payload" },
    },
    modules: [probe.module],
    environment,
  });
  const outcome = async (path: string, body: BodyInit, headers: HeadersInit = {}) => {
    const answer = await gateway.post(`/webhook/${path}`, body, headers);
    return answer.status === 200 ? "200" : `${answer.status} ${errorCode(answer)}`;
  };
  return { probe, gateway, outcome, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const list = (values: number) => `[${"1,".repeat(values - 2)}1]`;
const TOO_COMPLEX = "413 json_too_complex";

Deno.test("a document may be 1,000 levels deep and have 1,000,000 values, and not one more", async () => {
  await using context = await start();
  const { outcome, probe } = context;
  for (const [good, bad] of [[nested(1_000), nested(1_001)], [list(1_000_000), list(1_000_001)]] as const) {
    assertEquals([await outcome("json", good), await outcome("json", bad)], ["200", TOO_COMPLEX]);
    assert(probe.events.at(-1)?.text === good, "what arrives is what was sent");
  }
  assertEquals(await outcome("blob", nested(1_001)), "200");
});

Deno.test("MAX_JSON_DEPTH and MAX_JSON_VALUES hold in every coding, charset and field of a form", async () => {
  await using context = await start({ MAX_JSON_DEPTH: "3", MAX_JSON_VALUES: "5" });
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const latin = { "content-type": "application/json; charset=iso-8859-1" };
  const latinBytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (
    const [json, expected] of [
      ["[[[]]]", "200"],
      ["[1,2,3,4]", "200"],
      ["[[[[]]]]", TOO_COMPLEX],
      ['{"é":[1,2,3,4]}', TOO_COMPLEX],
      ['[1,2,3,"é",null]', TOO_COMPLEX],
    ] as const
  ) {
    assertEquals(await context.outcome("json", json), expected, json);
    assertEquals(
      await context.outcome("json", gzipSync(json), { "content-encoding": "gzip" }),
      expected,
      json,
    );
    assertEquals(await context.outcome("json", latinBytes(json), latin), expected, json);
    assertEquals(await context.outcome("field", `payload=${encodeURIComponent(json)}`, form), expected, json);
  }
});

Deno.test("a refusal says which bound there is, and nothing of the document", async () => {
  await using context = await start({ MAX_JSON_DEPTH: "3" });
  const { text } = await context.gateway.post("/webhook/json", '[[[["secret"]]]]');
  assertMatch(text, /"The JSON document is too complex"/);
  assertEquals(text.includes("secret"), false);
});

Deno.test("an acknowledgement that is too complex is refused before it is parsed", async () => {
  await using world = await RelayWorld.start();
  const answer = await world.gateway.post("/connect/ack", nested(1_001), relayHeaders());
  assertEquals([answer.status, errorCode(answer)], [413, "json_too_complex"]);
});

Deno.test("what decoding adds counts in MAX_INFLIGHT_BYTES while the event is held, and is bounded", async () => {
  await using context = await start({ MAX_BODY_BYTES: "3000000", MAX_INFLIGHT_BYTES: "4000000" });
  const { gateway, outcome, probe } = context;
  const inFlightBytes = async () => {
    const { text } = await gateway.request("/metrics");
    return Number(/^cwm_inflight_bytes (.*)$/m.exec(text)?.[1]);
  };
  const held = Promise.withResolvers<"delivered">();
  probe.behaviour = () => held.promise;
  const gzip = { "content-encoding": "gzip" };
  const first = outcome("blob", gzipSync(new Uint8Array(3_000_000)), gzip);
  await eventually(async () => assertEquals(await inFlightBytes(), 3_000_000));
  for (const path of ["blob", "json"]) {
    assertEquals(await outcome(path, gzipSync(new Uint8Array(1_100_000)), gzip), "503 overloaded");
  }
  assertEquals(await inFlightBytes(), 3_000_000);
  const second = outcome("other", gzipSync(new Uint8Array(900_000)), gzip);
  await eventually(async () => assertEquals(await inFlightBytes(), 3_900_000));
  held.resolve("delivered");
  assertEquals([await first, await second], ["200", "200"]);
  assertEquals(await inFlightBytes(), 0);
});
