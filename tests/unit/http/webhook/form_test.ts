import { assertEquals, assertMatch } from "@std/assert";
import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";
import { formatChunk, formatRequest, RawHttpConnection } from "../../../support/http/raw_http.ts";

const SECRET = "a secret of the tests";
const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const FORM = "application/x-www-form-urlencoded";

async function start() {
  const probe = new ProbeModule();
  const form = { module: "probe", data_type: "form" };
  const gateway = await TestGateway.start({
    webhooks: {
      form,
      field: { ...form, form_field: "payload" },
      signed: { ...form, form_field: "payload", hmac: { secret: SECRET, header: "X-Hub-Signature-256" } },
      once: { ...form, idempotency: { json_pointer: "/id" } },
      once_field: { ...form, form_field: "payload", idempotency: { json_pointer: "/id" } },
      durable: { ...form, accept: "durable" },
      small: { ...form, max_body_bytes: 20 },
      wrong: { module: "probe", form_field: "payload" },
    },
    modules: [probe.module],
    environment: { ADMIN_TOKEN },
  });
  return { probe, gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

const bytes = (...parts: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(
    parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : part),
  );

const objects: readonly [name: string, form: string | Uint8Array<ArrayBuffer>, json: string][] = [
  ["fields become texts", "a=1&b=true&c=null", `{"a":"1","b":"true","c":"null"}`],
  ["repeated names become lists", "a=1&b=2&a=3&a=", `{"a":["1","3",""],"b":"2"}`],
  ["a plus is a space, and an escaped one is a plus", "a+b=c+d%2Be", `{"a b":"c d+e"}`],
  ["escapes are UTF-8, in digits of both cases", "n=Zo%C3%ab&%e2%82%AC=%F0%9F%98%80", `{"n":"Zoë","€":"😀"}`],
  ["raw UTF-8 is text too", "n=Zoë", `{"n":"Zoë"}`],
  ["escapes and raw bytes make one character together", bytes("n=", [0xc3], "%AB"), `{"n":"ë"}`],
  [
    "a percent sign that no digits follow stands for itself",
    "a=100%&b=%zz&c=%4",
    `{"a":"100%","b":"%zz","c":"%4"}`,
  ],
  ["only the first equals sign ends a name", "a=b=c==", `{"a":"b=c=="}`],
  ["a name without a value has an empty one", "a&b=", `{"a":"","b":""}`],
  ["a value without a name has an empty one", "=1", `{"":"1"}`],
  ["empty parts are left out", "&&a=1&&b=2&", `{"a":"1","b":"2"}`],
  ["separators alone are no field", "&&", "{}"],
  ["names keep their order, numeric ones too", "2=a&10=b&1=c&x=d", `{"2":"a","10":"b","1":"c","x":"d"}`],
  [
    "a field named __proto__ is like any other",
    "__proto__=a&constructor=b&__proto__=c",
    `{"__proto__":["a","c"],"constructor":"b"}`,
  ],
  [
    "quotes, line ends and control characters are escaped",
    "a=%22%0D%0A%00%5C",
    `{"a":"\\"\\r\\n\\u0000\\\\"}`,
  ],
  ["a byte order mark is a character", "a=%EF%BB%BFb", `{"a":"\ufeffb"}`],
  ["names of arrays and objects are names", "a[]=1&a[]=2&b[c]=3", `{"a[]":["1","2"],"b[c]":"3"}`],
  ["1,000 fields are taken", "a=1&".repeat(1_000), JSON.stringify({ a: Array(1_000).fill("1") })],
];
for (const [name, form, json] of objects) {
  Deno.test(`of a form ${name}`, async () => {
    await using context = await start();
    const answer = await context.gateway.post("/webhook/form", form, { "content-type": FORM });
    assertEquals(answer.status, 200);
    assertEquals(context.probe.events.map(({ text }) => text), [json]);
    assertEquals(({} as Record<string, unknown>)["0"], undefined);
  });
}

const types: readonly [contentType: string, status: number, code?: string][] = [
  ["application/x-www-form-urlencoded; charset=UTF-8", 200],
  ["Application/X-WWW-Form-Urlencoded;charset=utf8", 200],
  ["application/json", 415, "unsupported_media_type"],
  ["multipart/form-data; boundary=x", 415, "unsupported_media_type"],
  ["text/plain", 415, "unsupported_media_type"],
  ["application/x-www-form-urlencoded-2", 415, "unsupported_media_type"],
  ["application/x-www-form-urlencoded; charset=none-such", 415, "unsupported_charset"],
  ["application/x-www-form-urlencoded; charset=utf-16le", 415, "unsupported_charset"],
];
for (const [contentType, status, code] of types) {
  Deno.test(`a form with the Content-Type ${contentType} gets ${status}`, async () => {
    await using context = await start();
    const answer = await context.gateway.post("/webhook/form", "a=1", { "content-type": contentType });
    assertEquals(answer.status, status);
    if (code !== undefined) assertEquals(errorCode(answer), code);
    if (code === "unsupported_media_type") assertEquals(answer.headers.get("accept"), FORM);
  });
}

Deno.test("a form without a Content-Type gets 415", async () => {
  await using context = await start();
  const answer = await context.gateway.post("/webhook/form", bytes("a=1"));
  assertEquals([answer.status, errorCode(answer)], [415, "unsupported_media_type"]);
});

Deno.test("a form in a declared charset is decoded strictly", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  const latin = { "content-type": `${FORM}; charset=ISO-8859-1` };
  assertEquals((await gateway.post("/webhook/form", "n=Zo%EB", latin)).status, 200);
  assertEquals((await gateway.post("/webhook/form", bytes("n=Zo", [0xeb]), latin)).status, 200);
  assertEquals(probe.events.map(({ text }) => text), [`{"n":"Zoë"}`, `{"n":"Zoë"}`]);
  const shiftJis = { "content-type": `${FORM}; charset=shift_jis` };
  const answer = await gateway.post("/webhook/form", "n=%81%00", shiftJis);
  assertEquals([answer.status, errorCode(answer)], [400, "invalid_form"]);
});

const refused: readonly [
  name: string,
  webhook: string,
  form: string | Uint8Array<ArrayBuffer>,
  status: number,
  code: string,
  message: RegExp,
][] = [
  ["escapes that are not UTF-8", "form", "a=1&n=Zo%EB", 400, "invalid_form", /not text in utf-8/],
  ["a name that is not UTF-8", "form", "%ff=1", 400, "invalid_form", /not text in utf-8/],
  ["an escaped surrogate", "form", "a=%ED%A0%80", 400, "invalid_form", /not text in utf-8/],
  ["raw bytes that are not UTF-8", "form", bytes("a=", [0xeb]), 400, "invalid_form", /not text in utf-8/],
  ["1,001 fields", "form", "a=1&".repeat(1_001), 400, "invalid_form", /more than 1000 fields/],
  ["an empty body", "form", "", 400, "empty_body", /empty/],
  ["a body over the limit", "small", "a=12345678901234567890", 413, "body_too_large", /too large/],
  ["a missing field", "field", "other={}", 400, "invalid_form", /is missing/],
  ["a repeated field", "field", "payload={}&payload={}", 400, "invalid_form", /is repeated/],
  ["a field that is not JSON", "field", "payload={a:1}", 400, "invalid_json", /is not valid JSON/],
  ["an empty field", "field", "payload=", 400, "invalid_json", /is not valid JSON/],
  ["a field of the same name in capitals", "field", "Payload={}", 400, "invalid_form", /is missing/],
];
for (const [name, webhook, form, status, code, message] of refused) {
  Deno.test(`a form with ${name} gets ${status} ${code}`, async () => {
    await using context = await start();
    const { gateway, probe } = context;
    const answer = await gateway.post(`/webhook/${webhook}`, form, { "content-type": FORM });
    assertEquals([answer.status, errorCode(answer)], [status, code]);
    assertMatch((JSON.parse(answer.text) as { error: { message: string } }).error.message, message);
    assertEquals(probe.events, []);
  });
}

Deno.test("a form of control characters does not grow without bound on its way to JSON", async () => {
  await using context = await start();
  const form = bytes("a=", Array(2_000_000).fill(1));
  const answer = await context.gateway.post("/webhook/form", form, { "content-type": FORM });
  // Six times as long in JSON: over the limit of 10 MiB, but not over twice of it.
  assertEquals(answer.status, 200);
  const larger = bytes("a=", Array(4_000_000).fill(1));
  const refused = await context.gateway.post("/webhook/form", larger, { "content-type": FORM });
  assertEquals([refused.status, errorCode(refused)], [413, "body_too_large"]);
});

Deno.test("the event in a form's field is the document as it stands there, digit by digit", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  const payload = `{ "id": 9007199254740993, "price": 1.0, "__proto__": {"a":1}, "text":"é+%" }`;
  const form = `other=x&payload=${encodeURIComponent(payload)}&token=y`;
  assertEquals((await gateway.post("/webhook/field", form, { "content-type": FORM })).status, 200);
  assertEquals(probe.events.map(({ text }) => text), [payload]);
});

Deno.test("a signature is checked over the form as it was sent, as GitHub signs it", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  const form = `payload=${encodeURIComponent(`{"action":"push"}`)}`;
  const sign = (text: string) => `sha256=${createHmac("sha256", SECRET).update(text).digest("hex")}`;
  const send = (signature: string) =>
    gateway.post("/webhook/signed", form, { "content-type": FORM, "x-hub-signature-256": signature });
  assertEquals((await send(sign(`{"action":"push"}`))).status, 401);
  assertEquals((await send(sign(form))).status, 200);
  assertEquals(probe.events.map(({ text }) => text), [`{"action":"push"}`]);
});

Deno.test("a form without the right signature is refused before anything is said about it", async () => {
  await using context = await start();
  const headers = { "content-type": "text/plain", "x-hub-signature-256": "00".repeat(32) };
  assertEquals((await context.gateway.post("/webhook/signed", "%ff", headers)).status, 401);
});

Deno.test("a form may be compressed and come in chunks", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  const packed = gzipSync("a=1") as Uint8Array<ArrayBuffer>;
  const headers = { "content-type": FORM, "content-encoding": "gzip" };
  assertEquals((await gateway.post("/webhook/form", packed, headers)).status, 200);
  await using connection = await RawHttpConnection.open(gateway.port);
  const chunked = { "Content-Type": FORM, "Transfer-Encoding": "chunked" };
  await connection.write(formatRequest("POST", "/webhook/form", { headers: chunked }));
  await connection.write(formatChunk("a=%C3") + formatChunk("%AB") + formatChunk(""));
  assertEquals((await connection.readResponse()).status, 200);
  assertEquals(probe.events.map(({ text }) => text), [`{"a":"1"}`, `{"a":"ë"}`]);
});

Deno.test("repeated events are recognised by the fields of a form, and by the document in one", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  const headers = { "content-type": FORM };
  for (const form of ["id=a&n=1", "id=a&n=2", "id=b"]) await gateway.post("/webhook/once", form, headers);
  const payloads = [`{"id":9007199254740993}`, `{"id":9007199254740993}`, `{"id":9007199254740992}`];
  for (const payload of payloads) await gateway.post("/webhook/once_field", `payload=${payload}`, headers);
  assertEquals(probe.events.map(({ text }) => text), [
    `{"id":"a","n":"1"}`,
    `{"id":"b"}`,
    payloads[0],
    payloads[2],
  ]);
});

Deno.test("the journal holds the document that a form became", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  probe.behaviour = () => "delivered";
  assertEquals((await gateway.post("/webhook/durable", "a=%C3%AB", { "content-type": FORM })).status, 200);
  await gateway.drain();
  assertEquals(probe.events.map(({ text }) => text), [`{"a":"ë"}`]);
});

Deno.test("form_field without data_type form is a problem of the webhook", async () => {
  await using context = await start();
  const { gateway } = context;
  assertEquals(errorCode(await gateway.post("/webhook/wrong", "{}")), "webhook_misconfigured");
  const config = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const { problems } = JSON.parse(config.text) as { problems: { path: string }[] };
  assertEquals(problems.map(({ path }) => path), ["form_field"]);
});
