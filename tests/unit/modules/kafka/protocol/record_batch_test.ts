import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { crc32c } from "../../../../../src/modules/kafka/protocol/crc32c.ts";
import { murmur2 } from "../../../../../src/modules/kafka/protocol/murmur2.ts";
import { type KafkaRecord, sizeOfRecord } from "../../../../../src/modules/kafka/protocol/record.ts";
import {
  NO_IDENTITY,
  sizeOfBatch,
  writeBatch,
} from "../../../../../src/modules/kafka/protocol/record_batch.ts";
import { varintSize, writeVarint } from "../../../../../src/modules/kafka/protocol/varint.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function batchOf(records: readonly KafkaRecord[], identity = NO_IDENTITY): Uint8Array {
  const sized = records.map((record) => ({ record, size: sizeOfRecord(record) }));
  const target = new Uint8Array(sizeOfBatch(sized));
  writeBatch(target, sized, identity, 1_700_000_000_000);
  return target;
}

function hex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

Deno.test("CRC-32C gives the results of RFC 3720", () => {
  // Appendix B.4, whose checksums are printed with the lowest byte first.
  const vectors: readonly [data: Uint8Array, checksum: number][] = [
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [new Uint8Array(32).map((_, index) => index), 0x46dd794e],
    [new Uint8Array(32).map((_, index) => 31 - index), 0x113fdb5c],
    [bytes("123456789"), 0xe3069283],
    [new Uint8Array(), 0],
  ];
  for (const [data, checksum] of vectors) assertEquals(crc32c(data), checksum);
});

Deno.test("CRC-32C of a part is that of the bytes in it", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(70), fc.nat(70), (data, one, other) => {
    const start = Math.min(one, other, data.length);
    const end = Math.min(Math.max(one, other), data.length);
    assertEquals(crc32c(data, start, end), crc32c(data.slice(start, end)));
  }));
});

Deno.test("murmur2 gives the results of the Java client", () => {
  // `UtilsTest.testMurmur2` of Apache Kafka.
  const vectors: Readonly<Record<string, number>> = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
  };
  for (const [key, hash] of Object.entries(vectors)) assertEquals(murmur2(bytes(key)), hash, key);
});

Deno.test("a number is written in as many bytes as its size says, and can be read again", () => {
  fc.assert(fc.property(fc.integer(), (value) => {
    const target = new Uint8Array(8);
    const end = writeVarint(target, 1, value);
    assertEquals(end - 1, varintSize(value));
    let zigzag = 0;
    for (let index = end - 1; index >= 1; index--) zigzag = zigzag * 128 + (target[index]! & 0x7f);
    assertEquals(zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2, value);
  }));
});

Deno.test("a batch has the bytes that the format says", () => {
  const record: KafkaRecord = {
    topic: "orders",
    partition: undefined,
    key: bytes("k"),
    value: bytes("value"),
    headers: ["h", "\u00e4"],
  };
  const identity = { producerId: 7n, epoch: 2, firstSequence: 9 };
  const batch = batchOf([record, { ...record, key: null, headers: [] }], identity);
  assertEquals(
    hex(batch),
    "0000000000000000" + // Offset of the first record.
      "0000004e" + // Bytes from here on.
      "ffffffff" + // Epoch of the leader.
      "02" + // Magic.
      hex(batch.subarray(17, 21)) + // Checksum: see below.
      "0000" + // Attributes.
      "00000001" + // Offset of the last record to that of the first.
      "0000018bcfe56800".repeat(2) + // First and last time.
      "0000000000000007" + "0002" + "00000009" + // Producer, epoch, first sequence.
      "00000002" + // Records.
      "20" + "00" + "00" + "00" + "026b" + "0a76616c7565" + "02" + "0268" + "02e4" +
      "16" + "00" + "00" + "02" + "01" + "0a76616c7565" + "00",
  );
  assertEquals(new DataView(batch.buffer).getUint32(17), crc32c(batch, 21));
});

Deno.test("a batch is as long as its size says, whatever is in it", () => {
  const arbitraryRecord = fc.record({
    topic: fc.constant("orders"),
    partition: fc.constant(undefined),
    key: fc.option(fc.uint8Array({ maxLength: 200 })),
    value: fc.uint8Array({ maxLength: 300 }),
    headers: fc.array(fc.tuple(fc.string({ maxLength: 80 }), fc.string({ maxLength: 80 })))
      .map((pairs) => pairs.flat()),
  });
  fc.assert(fc.property(fc.array(arbitraryRecord, { minLength: 1, maxLength: 80 }), (records) => {
    // Writing beyond the end of a typed array is silent: the last record would be cut off.
    const batch = batchOf(records);
    assertEquals(new DataView(batch.buffer).getInt32(8), batch.byteLength - 12);
    const whole = hex(batch);
    const last = records.at(-1)!;
    assertNotEquals(last, undefined);
    const end = last.headers.length > 0 ? last.headers.at(-1)! : undefined;
    const tail = end === undefined
      ? `${hex(last.value)}00`
      : hex(Uint8Array.from(end, (c) => c.charCodeAt(0)));
    assertEquals(whole.endsWith(tail), true);
  }));
});
