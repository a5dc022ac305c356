import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import * as zlib from "node:zlib";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";
import { RawHttpConnection } from "../../../support/http/raw_http.ts";

type Encode = (body: Uint8Array) => Uint8Array;

const DOCUMENT = `{"packed":${JSON.stringify("x".repeat(300))}}`;
const LIMIT = 1000;
const SECRET = "a secret of the tests";

/** Every coding with what makes it, and what it is called in Content-Encoding. */
const CODINGS: readonly [name: string, header: string, encode: Encode][] = [
  ["gzip", "gzip", zlib.gzipSync],
  ["x-gzip", "x-gzip", zlib.gzipSync],
  ["deflate", "deflate", zlib.deflateSync],
  ["deflate without its header", "deflate", zlib.deflateRawSync],
  ["br", "br", zlib.brotliCompressSync],
  ["zstd", "zstd", (body) => zlib.zstdCompressSync(body)],
];

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

async function start(environment: Record<string, string> = {}) {
  const probe = new ProbeModule();
  const gateway = await TestGateway.start({
    webhooks: {
      json: { module: "probe" },
      blob: { module: "probe", data_type: "blob" },
      small: { module: "probe", data_type: "blob", max_body_bytes: LIMIT },
      signed: { module: "probe", hmac: { secret: SECRET, header: "X-Signature" } },
    },
    modules: [probe.module],
    environment,
  });
  const post = async (path: string, body: Uint8Array, encoding: string, more: HeadersInit = {}) => {
    const headers = { "content-encoding": encoding, ...more as Record<string, string> };
    const answer = await gateway.post(`/webhook/${path}`, body as Uint8Array<ArrayBuffer>, headers);
    return { ...answer, outcome: answer.status === 200 ? "200" : `${answer.status} ${errorCode(answer)}` };
  };
  return { probe, gateway, post, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

Deno.test("a body in any one coding that is supported reaches the output decoded", async () => {
  await using context = await start();
  for (const [name, header, encode] of CODINGS) {
    for (const text of [DOCUMENT, "1"]) {
      assertEquals((await context.post("json", encode(bytes(text)), header)).outcome, "200", name);
      assertEquals(context.probe.events.at(-1)?.text, text, name);
    }
  }
});

Deno.test("codings are undone in the reverse of the order in which they were applied", async () => {
  await using context = await start();
  for (const [first, firstHeader, encodeFirst] of CODINGS) {
    for (const [second, secondHeader, encodeSecond] of CODINGS) {
      const body = encodeSecond(encodeFirst(bytes(DOCUMENT)));
      const { outcome } = await context.post("json", body, `${firstHeader}, ${secondHeader}`);
      assertEquals([outcome, context.probe.events.at(-1)?.text], ["200", DOCUMENT], `${first}, ${second}`);
    }
  }
  const wrongOrder = zlib.gzipSync(zlib.brotliCompressSync(bytes(DOCUMENT)));
  assertEquals((await context.post("json", wrongOrder, "gzip, br")).outcome, "400 invalid_encoding");
});

Deno.test("empty elements, identity, none and UTF-8 are no coding, in any case and place of the list", async () => {
  await using context = await start();
  const none = [
    "",
    " ",
    ",",
    ",,\t,",
    "identity",
    "Identity",
    "identity,",
    ", identity",
    "none",
    "None",
    "UTF-8",
  ];
  for (const header of [...none, "utf-8", "utf8", "identity, UTF-8,none"]) {
    assertEquals((await context.post("json", bytes("1"), header)).outcome, "200", header);
  }
  for (const header of ["GZip", "gzip,", ",gzip", "identity, gzip", "gzip , UTF-8", " none,\tgzip "]) {
    assertEquals((await context.post("json", zlib.gzipSync("2"), header)).outcome, "200", header);
    assertEquals(context.probe.events.at(-1)?.text, "2");
  }
});

Deno.test("Content-Encoding in several lines is one list", async () => {
  await using context = await start();
  await using connection = await RawHttpConnection.open(context.gateway.port);
  const body = zlib.brotliCompressSync(zlib.gzipSync(DOCUMENT));
  const lines = "Content-Encoding: gzip\r\nContent-Encoding:\r\nContent-Encoding: br\r\n";
  const head = `POST /webhook/json HTTP/1.1\r\nHost: x\r\n${lines}Content-Length: ${body.length}\r\n\r\n`;
  await connection.write(join(bytes(head), body));
  assertEquals((await connection.readResponse()).status, 200);
  assertEquals(context.probe.events.map(({ text }) => text), [DOCUMENT]);
});

Deno.test("a coding that is not supported gets 415, and what is supported in Accept-Encoding", async () => {
  await using context = await start();
  for (const header of ["compress", "gzip, compress", "aes128gcm", "*", "gzip;q=1", "gzip gzip"]) {
    const { outcome, headers } = await context.post("json", bytes("{}"), header);
    assertEquals(outcome, "415 unsupported_encoding", header);
    assertEquals(headers.get("accept-encoding"), "gzip, deflate, br, zstd");
  }
  const four = [1, 2, 3, 4].reduce<Uint8Array>((body) => zlib.gzipSync(body), bytes("{}"));
  assertEquals((await context.post("json", four, "gzip,gzip,gzip,gzip")).outcome, "415 unsupported_encoding");
  const three = [1, 2, 3].reduce<Uint8Array>((body) => zlib.gzipSync(body), bytes("{}"));
  assertEquals((await context.post("json", three, "gzip,gzip,gzip")).outcome, "200");
});

Deno.test("data that ends early is refused, wherever it was cut", async () => {
  await using context = await start();
  for (const [name, header, encode] of CODINGS) {
    const whole = encode(bytes(`{"some":"data","of":[1,2,3]}`));
    for (let length = 0; length < whole.length; length++) {
      const { outcome } = await context.post("blob", whole.subarray(0, length), header);
      assertEquals(outcome, "400 invalid_encoding", `${name}, ${length} of ${whole.length} bytes`);
    }
  }
  assertEquals(context.probe.events, []);
});

Deno.test("damaged Brotli bodies, however many, change nothing for those that are whole", async () => {
  await using context = await start();
  const whole = zlib.brotliCompressSync(bytes(DOCUMENT));
  for (let count = 0; count < 500; count++) {
    const damaged = whole.slice(0, count % whole.length);
    assertEquals((await context.post("json", damaged, "br")).outcome, "400 invalid_encoding");
    if (count % 50 === 0) assertEquals((await context.post("json", whole, "br")).outcome, "200");
  }
});

Deno.test("a body may have any length, the lengths of a decoder's own pieces too", async () => {
  await using context = await start();
  for (const [name, header, encode] of CODINGS) {
    for (const length of [16_384, 65_535, 65_536, 131_072, 262_144, 327_680, 1_048_576]) {
      const packed = encode(new Uint8Array(length));
      assertEquals((await context.post("blob", packed, header)).outcome, "200", `${name}, ${length}`);
      assertEquals(context.probe.events.at(-1)?.bytes.byteLength, length, name);
      const cut = await context.post("blob", packed.subarray(0, -1), header);
      assertEquals(cut.outcome, "400 invalid_encoding", `${name}, ${length}`);
    }
  }
});

Deno.test("data that something follows is refused, and so is data of another kind", async () => {
  await using context = await start();
  for (const [name, header, encode] of CODINGS) {
    const whole = encode(bytes(DOCUMENT));
    for (const more of [[0], [0, 0, 0, 0, 0, 0, 0, 0], [0x1f], [...bytes("garbage")]]) {
      const { outcome } = await context.post("blob", join(whole, new Uint8Array(more)), header);
      assertEquals(outcome, "400 invalid_encoding", `${name} and ${more}`);
    }
    const { outcome } = await context.post("blob", bytes(DOCUMENT), header);
    assertEquals(outcome, "400 invalid_encoding", name);
  }
  assertEquals(context.probe.events, []);
});

Deno.test("gzip members and zstd frames that follow each other are one body", async () => {
  await using context = await start();
  for (const [header, encode] of [["gzip", zlib.gzipSync], ["zstd", zlib.zstdCompressSync]] as const) {
    const parts = [`{"a":`, "", `"b"`, "}"].map((part) => encode(bytes(part)));
    assertEquals((await context.post("json", join(...parts), header)).outcome, "200", header);
    assertEquals(context.probe.events.at(-1)?.text, `{"a":"b"}`);
    const cut = join(...parts).subarray(0, -1);
    assertEquals((await context.post("blob", cut, header)).outcome, "400 invalid_encoding", header);
    const tooLarge = join(encode(new Uint8Array(LIMIT)), encode(new Uint8Array(1)));
    assertEquals((await context.post("small", tooLarge, header)).outcome, "413 body_too_large", header);
  }
  // A frame that holds nothing for the decoder (RFC 8878, section 3.1.2).
  const skipped = new Uint8Array([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]);
  const framed = join(skipped, zlib.zstdCompressSync(bytes("3")), skipped);
  assertEquals((await context.post("json", framed, "zstd")).outcome, "200");
  const many = join(...Array<Uint8Array>(1001).fill(zlib.zstdCompressSync(bytes(""))));
  assertEquals((await context.post("blob", many, "zstd")).outcome, "400 invalid_encoding");
});

Deno.test("the size limit holds for what each coding decodes to", async () => {
  await using context = await start();
  for (const [name, header, encode] of CODINGS) {
    const fits = encode(new Uint8Array(LIMIT));
    const tooLarge = encode(new Uint8Array(LIMIT + 1));
    assertEquals((await context.post("small", fits, header)).outcome, "200", name);
    assertEquals((await context.post("small", tooLarge, header)).outcome, "413 body_too_large", name);
    const inside = zlib.gzipSync(tooLarge);
    const { outcome } = await context.post("small", inside, `${header}, gzip`);
    assertEquals(outcome, "413 body_too_large", `${name} inside of gzip`);
  }
});

Deno.test("a decompression bomb in any coding stops at the limit", async () => {
  await using context = await start({ MAX_BODY_BYTES: "1000000" });
  const zeros = new Uint8Array(64 * 1024 * 1024);
  for (const [name, header, encode] of CODINGS) {
    const bomb = encode(zeros);
    const before = Deno.memoryUsage().external;
    const { outcome } = await context.post("blob", bomb, header);
    assertEquals(outcome, "413 body_too_large", name);
    assert(Deno.memoryUsage().external - before < zeros.length / 2, `${name} took as much as it holds`);
    const twice = await context.post("blob", encode(bomb), `${header}, ${header}`);
    assertEquals(twice.outcome, "413 body_too_large", `${name} twice`);
  }
});

Deno.test("a zstd window of more than 8 MiB is refused, as RFC 9659 has it for HTTP", async () => {
  await using context = await start();
  // One raw block of a byte, in a frame that only says how large its window is.
  const frame = (windowLog: number) =>
    new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3, 1 | 1 << 3, 0, 0, 0x31]);
  assertEquals((await context.post("json", frame(23), "zstd")).outcome, "200");
  assertEquals((await context.post("json", frame(24), "zstd")).outcome, "400 invalid_encoding");
});

Deno.test("a signature is over the bytes as sent, whatever they are coded in", async () => {
  await using context = await start();
  const sign = (data: Uint8Array) => createHmac("sha256", SECRET).update(data).digest("hex");
  for (const [name, header, encode] of CODINGS) {
    const body = encode(bytes(DOCUMENT));
    const right = await context.post("signed", body, header, { "x-signature": sign(body) });
    const wrong = await context.post("signed", body, header, { "x-signature": sign(bytes(DOCUMENT)) });
    assertEquals([right.outcome, wrong.outcome], ["200", "401 unauthorized"], name);
  }
});
