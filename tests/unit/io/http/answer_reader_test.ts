import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { MalformedAnswerError } from "../../../../src/io/http/answer_head.ts";
import { AnswerReader } from "../../../../src/io/http/answer_reader.ts";

/** What an answer is read as, given in pieces of so many bytes. */
function read(answer: string, pieceLength: number) {
  const reader = new AnswerReader();
  reader.begin(100);
  const bytes = Buffer.from(answer, "latin1");
  for (let at = 0; at < bytes.byteLength; at += pieceLength) {
    reader.read(bytes.subarray(at, at + pieceLength));
  }
  const { head, body, isDone, endsWithConnection } = reader;
  return {
    status: head?.status,
    headers: { ...head?.headers },
    keptMs: head?.keptMs,
    body: Buffer.from(body).toString("latin1"),
    end: isDone ? "done" : endsWithConnection ? "connection" : "missing",
  };
}

type Read = Partial<ReturnType<typeof read>>;

const UNDERSTOOD: Readonly<Record<string, readonly [answer: string, read: Read]>> = {
  "an empty body": ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {
    status: 200,
    headers: { "content-length": "0" },
    keptMs: Infinity,
    body: "",
    end: "done",
  }],
  "a body with a length": ["HTTP/1.1 201 \r\ncontent-length:3\t\r\n\r\nabc", {
    status: 201,
    body: "abc",
    end: "done",
  }],
  "a body that is not there to its end": ["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc", {
    end: "missing",
  }],
  "no reason and no space before it": ["HTTP/1.1 599\r\ncontent-length: 0\r\n\r\n", {
    status: 599,
    end: "done",
  }],
  "chunks, with extensions and a trailer": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n00A \r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n",
    { body: "abc0123456789", keptMs: Infinity, end: "done" },
  ],
  "a coding behind which the connection is closed": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc",
    { body: "abc", keptMs: 0, end: "connection" },
  ],
  "a body until the connection is closed": ["HTTP/1.1 200 OK\r\n\r\nabc", {
    body: "abc",
    keptMs: 0,
    end: "connection",
  }],
  "statuses without a body": ["HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n", {
    status: 204,
    end: "done",
  }],
  "interim answers": [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    { status: 200, headers: { "content-length": "0" }, end: "done" },
  ],
  "a switch of protocols": ["HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n", { status: 101, end: "done" }],
  "an empty line before it": ["\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", {
    status: 200,
    end: "done",
  }],
  "a connection that is closed": [
    "HTTP/1.1 200 OK\r\nconnection: X-Hop, Close\r\ncontent-length: 0\r\n\r\n",
    { keptMs: 0, end: "done" },
  ],
  "HTTP/1.0, which closes": ["HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", { keptMs: 0, end: "done" }],
  "HTTP/1.0 that is kept": [
    "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=5, max=9\r\ncontent-length: 0\r\n\r\n",
    { keptMs: 4000, end: "done" },
  ],
  "headers that come again": [
    "HTTP/1.1 200 OK\r\nretry-after: 1\r\nRetry-After: 2\r\nvary: a\r\nvary: b\r\ncontent-length: 0\r\n\r\n",
    { headers: { "retry-after": "1", vary: "a, b", "content-length": "0" } },
  ],
  "what is kept of a long body": [
    `HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n${"a".repeat(200)}`,
    { body: "a".repeat(100), end: "done" },
  ],
};

for (const [what, [answer, expected]] of Object.entries(UNDERSTOOD)) {
  Deno.test(`an answer's reader understands ${what}, in whatever pieces it comes`, () => {
    for (const pieceLength of [1, 2, 3, 7, 1000]) {
      const all: Read = read(answer, pieceLength);
      const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, all[name as keyof Read]]));
      assertEquals(seen, { ...expected }, `in pieces of ${pieceLength}`);
    }
  });
}

const OK = "HTTP/1.1 200 OK\r\n";

const MALFORMED: Readonly<Record<string, string>> = {
  "SSH-2.0-OpenSSH_9.2\r\n": "HPE_INVALID_CONSTANT",
  "http/1.1 200 OK\r\n\r\n": "HPE_INVALID_CONSTANT",
  "HTTP/1.2 200 OK\r\n\r\n": "HPE_INVALID_VERSION",
  "HTTP/2 200\r\n\r\n": "HPE_INVALID_VERSION",
  "HTTP/1.1 99 OK\r\n\r\n": "HPE_INVALID_STATUS",
  "HTTP/1.1 1000 OK\r\n\r\n": "HPE_INVALID_STATUS",
  "HTTP/1.1 2x0 OK\r\n\r\n": "HPE_INVALID_STATUS",
  "HTTP/1.1 200 OK\ncontent-length: 0\n\n": "HPE_CR_EXPECTED",
  [`${OK}x-a : b\r\n\r\n`]: "HPE_INVALID_HEADER_TOKEN",
  [`${OK}x@a: b\r\n\r\n`]: "HPE_INVALID_HEADER_TOKEN",
  [`${OK}: b\r\n\r\n`]: "HPE_INVALID_HEADER_TOKEN",
  [`${OK}abc\r\n\r\n`]: "HPE_INVALID_HEADER_TOKEN",
  [`${OK}x-a: b\r\n c\r\n\r\n`]: "HPE_INVALID_HEADER_TOKEN",
  [`${OK}x-a: b\rc\r\n\r\n`]: "HPE_INVALID_HEADER_TOKEN",
  [`${OK}x-a: b\x01\r\n\r\n`]: "HPE_INVALID_HEADER_TOKEN",
  [`${OK}content-length: 1\r\ncontent-length: 1\r\n\r\na`]: "HPE_UNEXPECTED_CONTENT_LENGTH",
  [`${OK}content-length: +1\r\n\r\na`]: "HPE_INVALID_CONTENT_LENGTH",
  [`${OK}content-length: 1, 1\r\n\r\na`]: "HPE_INVALID_CONTENT_LENGTH",
  [`${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`]: "HPE_INVALID_TRANSFER_ENCODING",
  [`${OK}transfer-encoding: chunked\r\n\r\nzz\r\n`]: "HPE_INVALID_CHUNK_SIZE",
  [`${OK}transfer-encoding: chunked\r\n\r\n-1\r\n`]: "HPE_INVALID_CHUNK_SIZE",
  [`${OK}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`]: "HPE_STRICT",
  [`${OK}transfer-encoding: chunked\r\n\r\n1\n`]: "HPE_CR_EXPECTED",
  [`${OK}content-length: 0\r\n\r\n${OK}`]: "HPE_INVALID_CONSTANT",
  [`${OK}x-a: ${"a".repeat(17_000)}\r\n\r\n`]: "HPE_HEADER_OVERFLOW",
  [`${OK}transfer-encoding: chunked\r\n\r\n1;${"a".repeat(5_000)}`]: "HPE_HEADER_OVERFLOW",
  [`${OK}transfer-encoding: chunked\r\n\r\n0\r\n${"a: b\r\n".repeat(4_000)}`]: "HPE_HEADER_OVERFLOW",
};

for (const [answer, code] of Object.entries(MALFORMED)) {
  Deno.test(`an answer's reader says ${code} of ${JSON.stringify(answer).slice(0, 55)}`, () => {
    for (const pieceLength of [1, 5, 100_000]) {
      const error = assertThrows(() => read(answer, pieceLength));
      assertInstanceOf(error, MalformedAnswerError);
      assertEquals(error.code, code, `in pieces of ${pieceLength}`);
    }
  });
}

Deno.test("an answer's reader keeps nothing of one answer for the next", () => {
  const reader = new AnswerReader();
  for (const status of [200, 500, 200]) {
    reader.begin(10);
    reader.read(
      Buffer.from(`HTTP/1.1 ${status} Ready\r\ncontent-length: 2\r\n\r\n${status === 500 ? "no" : "ok"}`),
    );
    assertEquals([reader.head?.status, reader.isDone], [status, true]);
    assertEquals(Buffer.from(reader.body).toString(), status === 500 ? "no" : "ok");
  }
});
