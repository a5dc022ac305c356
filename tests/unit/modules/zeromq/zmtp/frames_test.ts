import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  FrameReader,
  MAX_MESSAGE_BYTES,
  writeCommand,
  writeMessages,
  ZmtpError,
} from "../../../../../src/modules/zeromq/zmtp/frames.ts";
import {
  checkGreeting,
  checkReady,
  greeting,
  readyCommand,
} from "../../../../../src/modules/zeromq/zmtp/handshake.ts";

/** Everything that a reader makes of pieces of these sizes. */
function readAll(bytes: Uint8Array, sizes: readonly number[] = [bytes.length]): unknown[] {
  const reader = new FrameReader();
  const found: unknown[] = [];
  for (let start = 0, turn = 0; start < bytes.length; turn++) {
    const end = start + Math.max(1, sizes[turn % sizes.length]!);
    for (const received of reader.read(bytes.subarray(start, end))) {
      found.push(
        received.kind === "message" ? received.frames.map(String) : { command: String(received.body) },
      );
    }
    start = end;
  }
  return found;
}

Deno.test("frames of ZMTP are read as they were written, in whatever pieces they arrive", () => {
  const body = fc.uint8Array({ maxLength: 600 });
  const messages = fc.array(fc.array(body, { minLength: 1, maxLength: 5 }), { maxLength: 5 });
  fc.assert(fc.property(messages, fc.array(fc.nat(300), { minLength: 1 }), (written, sizes) => {
    const bytes = writeMessages(written);
    const expected = written.map((frames) => frames.map((frame) => String(Buffer.from(frame))));
    assertEquals(readAll(bytes, sizes), expected);
  }));
  const command = writeCommand(Buffer.from("\x04PONG"));
  assertEquals(readAll(Buffer.concat([command, command]), [3]), [{ command: "\x04PONG" }, {
    command: "\x04PONG",
  }]);
});

Deno.test("frames that mean nothing, or hold more than a peer may send, end the reading", () => {
  const long = (length: bigint, flags = 2) => {
    const bytes = Buffer.alloc(9, flags);
    bytes.writeBigUInt64BE(length, 1);
    return bytes;
  };
  const tooLong = `more than ${MAX_MESSAGE_BYTES} bytes`;
  const whole = Buffer.alloc(MAX_MESSAGE_BYTES);
  const broken: readonly (readonly [says: string, bytes: Buffer])[] = [
    ["bits that have no meaning", Buffer.from([8, 0])],
    [tooLong, long(BigInt(MAX_MESSAGE_BYTES) + 1n)],
    [tooLong, long(0xffff_ffff_ffff_ffffn)],
    [tooLong, long(BigInt(MAX_MESSAGE_BYTES) + 1n, 6)],
    [tooLong, Buffer.concat([long(BigInt(MAX_MESSAGE_BYTES), 3), whole, Buffer.from([0, 1])])],
    ["a command stands within a message", Buffer.from([5, 0])],
    ["a command stands within a message", Buffer.from([1, 0, 4, 0])],
    ["more than 64 frames", Buffer.concat(Array.from({ length: 65 }, () => Buffer.from([1, 0])))],
  ];
  for (const [says, bytes] of broken) assertThrows(() => readAll(bytes), ZmtpError, says);
  assertEquals(readAll(Buffer.concat([long(BigInt(MAX_MESSAGE_BYTES)), whole]), [1_000]).length, 1);
});

Deno.test("any bytes are a message, wait for more, or are refused as no ZMTP", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(50), (bytes, size) => {
    for (
      const read of [
        () => readAll(bytes, [size]),
        () => checkGreeting(bytes),
        () => checkReady(Buffer.from(bytes), "REQ"),
      ]
    ) {
      try {
        read();
      } catch (error) {
        assert(error instanceof ZmtpError, String(error));
      }
    }
  }));
});

Deno.test("the handshake of ZMTP takes its own greeting, and the sockets that fit", () => {
  checkGreeting(greeting());
  const ready = (type: string) =>
    readAll(readyCommand(type as "REQ")).map((found) => Buffer.from((found as { command: string }).command));
  assertThrows(
    () => checkReady(ready("REQ")[0]!, "REQ"),
    ZmtpError,
    "its socket is REQ; REQ needs REP or ROUTER",
  );
  checkReady(ready("ROUTER")[0]!, "DEALER");
  checkReady(ready("XSUB")[0]!, "PUB");
  const refused = {
    version: [10, 1, "version 1"],
    mechanism: [12, 0x50, "mechanism 'PULL'"],
    magic: [0, 1, "does not speak"],
  };
  for (const [at, byte, says] of Object.values(refused) as [number, number, string][]) {
    const other = greeting();
    other[at] = byte;
    assertThrows(() => checkGreeting(other), ZmtpError, says);
  }
  assertThrows(() => checkReady(Buffer.from("\x05ERROR\x04\nno\0!"), "REQ"), ZmtpError, "it refuses: ?no");
});
