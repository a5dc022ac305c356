import { assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { LARGE_BYTES } from "../../../src/http/webhook/body.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { formatRequest, RawHttpConnection } from "../../support/http/raw_http.ts";

const SECRET = "a secret of the tests";
const JSON_TYPE = "application/json";
const encoder = new TextEncoder();

/** Webhooks for each form in which a body is read and kept. */
const FORMS = {
  text: { module: "text" },
  bytes: { module: "bytes" },
  durable: { module: "text", accept: "durable" },
  signed: { module: "bytes", hmac: { secret: SECRET, header: "X-Signature" } },
};

async function start() {
  const text = new ProbeModule({ name: "text", reads: "text" });
  const bytes = new ProbeModule({ name: "bytes", reads: "bytes" });
  const gateway = await TestGateway.start({
    webhooks: {
      ...FORMS,
      blob: { module: "bytes", data_type: "blob" },
      small: { module: "text", max_body_bytes: 20 },
      byid: { module: "text", idempotency: { json_pointer: "/id" } },
    },
    modules: [text.module, bytes.module],
  });
  const post = async (path: string, body: Uint8Array, contentType = JSON_TYPE, more: HeadersInit = {}) => {
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    const headers = {
      "content-type": contentType,
      "x-signature": signature,
      ...more as Record<string, string>,
    };
    const answer = await gateway.post(`/webhook/${path}`, body as Uint8Array<ArrayBuffer>, headers);
    return answer.status === 200 ? "200" : `${answer.status} ${errorCode(answer)}`;
  };
  return { text, bytes, gateway, post, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

/** A JSON document with these bytes inside of a string. */
function quoted(...bytes: readonly number[]): Uint8Array {
  return new Uint8Array([...encoder.encode('{"name":"'), ...bytes, ...encoder.encode('"}')]);
}

/** A text in a charset of one byte a character whose values are those of Unicode. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function utf16(text: string, littleEndian: boolean, mark = ""): Uint8Array {
  const all = mark + text;
  const view = new DataView(new ArrayBuffer(all.length * 2));
  for (let at = 0; at < all.length; at++) view.setUint16(at * 2, all.charCodeAt(at), littleEndian);
  return new Uint8Array(view.buffer);
}

const MALFORMED: readonly [name: string, body: Uint8Array][] = [
  ["ISO 8859-1", latin1('{"id":1,"name":"Jos\xe9"}')],
  ["a byte that never stands in UTF-8", quoted(0xff)],
  ["a sequence of three bytes that lacks the last", quoted(0xe2, 0x82)],
  ["a sequence of four bytes that lacks the last", quoted(0xf0, 0x9f, 0x98)],
  ["a byte that continues nothing", quoted(0x80)],
  ["an overlong slash", quoted(0xc0, 0xaf)],
  ["half of a surrogate pair", quoted(0xed, 0xa0, 0x80)],
  ["a character beyond U+10FFFF", quoted(0xf4, 0x90, 0x80, 0x80)],
  ["a malformed key", latin1('{"\xe9":1}')],
  ["malformed and replaced characters together", quoted(0xef, 0xbf, 0xbd, 0xe9)],
];

Deno.test("JSON that is not UTF-8 is refused in whichever form the body is read", async () => {
  await using context = await start();
  for (const path of Object.keys(FORMS)) {
    for (const [name, body] of MALFORMED) {
      assertEquals(await context.post(path, body), "400 invalid_json", `${name} to ${path}`);
      const declared = await context.post(path, body, `${JSON_TYPE}; charset="UTF-8"`);
      assertEquals(declared, "400 invalid_json", `${name} as UTF-8 to ${path}`);
      const packed = gzipSync(body);
      const sent = await context.post(path, packed, JSON_TYPE, { "content-encoding": "gzip" });
      assertEquals(sent, "400 invalid_json", `${name} in gzip to ${path}`);
    }
    const large = new Uint8Array([...quoted(0xe9), ...new Uint8Array(LARGE_BYTES).fill(0x20)]);
    assertEquals(await context.post(path, large), "400 invalid_json", `large to ${path}`);
  }
  assertEquals([...context.text.events, ...context.bytes.events], []);
});

Deno.test("JSON that is not UTF-8 is refused when it comes in chunks", async () => {
  await using context = await start();
  await using connection = await RawHttpConnection.open(context.gateway.port);
  await connection.write(
    formatRequest("POST", "/webhook/text", { headers: { "Transfer-Encoding": "chunked" } }),
  );
  await connection.write(new Uint8Array([...encoder.encode("3\r\n"), 0x22, 0xe9, 0x22]));
  await connection.write("\r\n0\r\n\r\n");
  const answer = await connection.readResponse();
  assertEquals([answer.status, errorCode(answer)], [400, "invalid_json"]);
});

Deno.test("UTF-8 passes unchanged: also U+FFFD, where the sender means it", async () => {
  await using context = await start();
  const texts = ["é", "日本", "😀", "\ufffd", "\ufffd😀\ufffd", "\u0000\u007f\u0080".slice(1), "\uffff"];
  for (const path of Object.keys(FORMS)) {
    for (const text of texts) {
      const body = JSON.stringify({ [text]: text });
      const accepted = await context.post(path, encoder.encode(body));
      assertEquals(accepted, "200", `${text} to ${path}`);
    }
  }
  const sent = texts.map((text) => JSON.stringify({ [text]: text }));
  const arrived = (probe: ProbeModule, path: string) =>
    probe.events.filter(({ webhook }) => webhook === path).map(({ text }) => text);
  assertEquals(arrived(context.text, "text"), sent);
  assertEquals(arrived(context.bytes, "bytes"), sent);
  assertEquals(arrived(context.bytes, "signed"), sent);
});

Deno.test("one byte order mark before JSON is ignored in whichever form the body is read", async () => {
  await using context = await start();
  const marked = encoder.encode("\ufeff1");
  for (const path of Object.keys(FORMS)) {
    assertEquals(await context.post(path, marked), "200", path);
    assertEquals(await context.post(path, encoder.encode("\ufeff\ufeff1")), "400 invalid_json", path);
    assertEquals(await context.post(path, encoder.encode("\ufeff")), "400 invalid_json", path);
    const large = new Uint8Array([...marked, ...new Uint8Array(LARGE_BYTES).fill(0x20)]);
    assertEquals(await context.post(path, large), "200", `large to ${path}`);
  }
  assertEquals(context.text.events[0]?.text, "1");
  // What reads bytes gets them as sent, so that a signature can be checked again behind it.
  assertEquals(context.bytes.events[0]?.bytes, marked);
});

const CONVERTED: readonly [contentType: string, body: Uint8Array, text: string][] = [
  ["application/json; charset=iso-8859-1", latin1('"Jos\xe9"'), '"José"'],
  ["application/json;charset=ISO-8859-1", latin1('"Jos\xe9"'), '"José"'],
  ['application/json; Charset="latin1"', latin1('"Jos\xe9"'), '"José"'],
  ["application/json; charset='latin1'", latin1('"Jos\xe9"'), '"José"'],
  ['application/json; charset="lat\\in1" ; version=2', latin1('"Jos\xe9"'), '"José"'],
  ["application/json; version=2; charset=cp1252", latin1('"\x80 \xfc"'), '"€ ü"'],
  ["application/json; charset=windows-1252", latin1('"\xc3\xa9"'), '"Ã©"'],
  ["application/json; charset=iso-8859-15", latin1('"\xa4"'), '"€"'],
  ["application/json; charset=windows-1251", latin1('"\xcf\xf0\xe8"'), '"При"'],
  ["application/json; charset=shift_jis", latin1('"\x93\xfa\x96\x7b"'), '"日本"'],
  ["application/json; charset=gb18030", latin1('"\xc4\xe3\x94\x39\xfc\x36"'), '"你😀"'],
  ["application/json; charset=utf-16le", utf16('{"name":"José"}', true), '{"name":"José"}'],
  ["application/json; charset=UTF-16BE", utf16('{"name":"José"}', false), '{"name":"José"}'],
  ["application/json; charset=utf-16", utf16('{"plain":1}', true), '{"plain":1}'],
  ["application/json; charset=utf-16", utf16('{"a":"😀"}', true, "\ufeff"), '{"a":"😀"}'],
  ["application/json; charset=utf-16", utf16('{"a":"😀"}', false, "\ufeff"), '{"a":"😀"}'],
  ["application/json; charset=iso-8859-1", encoder.encode('\ufeff"é"'), '"é"'],
  ["text/plain; charset=iso-8859-1", latin1('"Jos\xe9"'), '"José"'],
];

Deno.test("a declared charset is decoded: outputs get UTF-8, and a Content-Type that agrees", async () => {
  await using context = await start();
  const types: (string | null)[] = [];
  for (const probe of [context.text, context.bytes]) {
    probe.behaviour = ({ event }) => {
      types.push(event.headers.get("content-type"));
      return "delivered";
    };
  }
  for (const [contentType, body, text] of CONVERTED) {
    for (const [path, probe] of [["text", context.text], ["bytes", context.bytes]] as const) {
      assertEquals(await context.post(path, body, contentType), "200", `${contentType} to ${path}`);
      const event = probe.events.at(-1);
      assertEquals([event?.text, event?.bytes], [text, encoder.encode(text)], `${contentType} to ${path}`);
    }
    const packed = await context.post("text", gzipSync(body), contentType, { "content-encoding": "gzip" });
    assertEquals([packed, context.text.events.at(-1)?.text], ["200", text], `${contentType} in gzip`);
  }
  assertEquals(new Set(types.filter((type) => /charset/i.test(type ?? ""))), new Set());
  assertEquals(
    new Set(types),
    new Set([
      "application/json",
      "application/json ; version=2",
      "application/json; version=2",
      "text/plain",
    ]),
  );
});

Deno.test("what is not text in the declared charset is refused, and so is a charset that is not known", async () => {
  await using context = await start();
  const cases: readonly [charset: string, body: Uint8Array, outcome: string][] = [
    ["windows-1253", latin1('"\xaa"'), "400 invalid_json"],
    ["shift_jis", latin1('"\x82"'), "400 invalid_json"],
    ["utf-16le", utf16('"\ud800"', true), "400 invalid_json"],
    ["utf-16le", utf16('"é"', true).subarray(0, -1), "400 invalid_json"],
    ["utf-16", utf16('{"a":', true), "400 invalid_json"],
    ["us-ascii", latin1('"\xe9"'), "400 invalid_json"],
    ["iso-8859-1", latin1('{"\xe9":'), "400 invalid_json"],
    ["utf-32", latin1('"\xe9"'), "415 unsupported_charset"],
    ["klingon", encoder.encode('"é"'), "415 unsupported_charset"],
    ["hz-gb-2312", latin1('"\xe9"'), "415 unsupported_charset"],
    ["utf-7", latin1('"\xe9"'), "415 unsupported_charset"],
  ];
  for (const path of ["text", "bytes"]) {
    for (const [charset, body, outcome] of cases) {
      assertEquals(await context.post(path, body, `${JSON_TYPE}; charset=${charset}`), outcome, charset);
    }
  }
  assertEquals([...context.text.events, ...context.bytes.events], []);
});

Deno.test("UTF-8 by any of its names stays as it is, and US-ASCII whatever is declared", async () => {
  await using context = await start();
  let type: string | null = null;
  context.bytes.behaviour = ({ event }) => {
    type = event.headers.get("content-type");
    return "delivered";
  };
  for (const charset of ["utf-8", "UTF8", '"utf-8"', "unicode-1-1-utf-8", "us-ascii", "", '""']) {
    const contentType = `${JSON_TYPE}; charset=${charset}`;
    assertEquals(await context.post("bytes", encoder.encode('"é"'), contentType), "200", charset);
    assertEquals([context.bytes.events.at(-1)?.text, type], ['"é"', contentType.trim()]);
  }
  for (const charset of ["iso-8859-1", "klingon", "ascii"]) {
    const contentType = `${JSON_TYPE}; charset=${charset}`;
    assertEquals(await context.post("bytes", encoder.encode('"e"'), contentType), "200", charset);
    assertEquals([context.bytes.events.at(-1)?.text, type], ['"e"', contentType]);
  }
});

Deno.test("a signature is over the bytes as sent, and the output gets UTF-8", async () => {
  await using context = await start();
  const body = latin1('"Jos\xe9"');
  const contentType = `${JSON_TYPE}; charset=latin1`;
  const wrong = createHmac("sha256", SECRET).update('"José"').digest("hex");
  assertEquals(
    await context.post("signed", body, contentType, { "x-signature": wrong }),
    "401 unauthorized",
  );
  assertEquals(await context.post("signed", body, contentType), "200");
  assertEquals(context.bytes.events.map(({ text }) => text), ['"José"']);
});

Deno.test("the size limit holds for what a charset is turned into", async () => {
  await using context = await start();
  const contentType = `${JSON_TYPE}; charset=windows-1252`;
  // Three bytes of UTF-8 each.
  assertEquals(await context.post("small", latin1(`"${"\x80".repeat(6)}"`), contentType), "200");
  assertEquals(
    await context.post("small", latin1(`"${"\x80".repeat(7)}"`), contentType),
    "413 body_too_large",
  );
});

Deno.test("data_type blob keeps every byte and the Content-Type, whatever charset is declared", async () => {
  await using context = await start();
  let type: string | null = null;
  context.bytes.behaviour = ({ event }) => {
    type = event.headers.get("content-type");
    return "delivered";
  };
  const form = latin1(
    '--b\r\nContent-Disposition: form-data; name="text"\r\n\r\ncaf\xe9\r\n--b--\r\n',
  );
  const bodies: readonly [contentType: string, body: Uint8Array][] = [
    ["multipart/form-data; boundary=b", form],
    ["text/plain; charset=iso-8859-1", latin1("caf\xe9")],
    ["application/json; charset=utf-16", utf16('"é"', true, "\ufeff")],
    ["text/plain; charset=klingon", new Uint8Array([0xef, 0xbb, 0xbf, 0xff])],
  ];
  for (const [contentType, body] of bodies) {
    assertEquals(await context.post("blob", body, contentType), "200", contentType);
    assertEquals([context.bytes.events.at(-1)?.bytes, type], [body, contentType]);
  }
});

Deno.test("ids that differ in one byte of a declared charset are different ids", async () => {
  await using context = await start();
  const contentType = `${JSON_TYPE}; charset=iso-8859-1`;
  for (const letter of ["\xe9", "\xe8", "\xe9"]) {
    assertEquals(await context.post("byid", latin1(`{"id":"ann${letter}e"}`), contentType), "200");
  }
  assertEquals(context.text.events.map(({ text }) => text), ['{"id":"année"}', '{"id":"annèe"}']);
});
