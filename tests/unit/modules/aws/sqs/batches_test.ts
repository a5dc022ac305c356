import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { batchRequest, packBatches } from "../../../../../src/modules/aws/sqs/batches.ts";
import type { Message } from "../../../../../src/modules/aws/sqs/message.ts";

function messagesOf(sizes: readonly number[]): Message[] {
  return sizes.map((bytes, index) => ({
    index,
    bytes,
    content: "",
    json: `"MessageBody":"${index}"`,
    inBase64: undefined,
  }));
}

Deno.test("batches hold all messages in their order, ten at most, and no more bytes than SQS takes", () => {
  const KIB = 1024;
  fc.assert(fc.property(
    fc.constantFrom(1 * KIB, 64 * KIB, 256 * KIB, 300 * KIB, 1024 * KIB).chain((limit) =>
      fc.tuple(fc.constant(limit), fc.array(fc.integer({ min: 1, max: limit }), { maxLength: 40 }))
    ),
    ([limit, sizes]) => {
      const messages = messagesOf(sizes);
      const batches = packBatches(messages, limit);
      assertEquals(batches.flat(), messages);
      const most = Math.max(limit, 256 * KIB);
      for (const batch of batches) {
        assertEquals(batch.length >= 1 && batch.length <= 10, true);
        assertEquals(batch.reduce((sum, { bytes }) => sum + bytes, 0) <= most, true);
      }
      // None could have taken the first of the next one.
      for (const [index, batch] of batches.slice(0, -1).entries()) {
        const next = batches[index + 1]![0]!.bytes;
        assertEquals(batch.length === 10 || batch.reduce((sum, { bytes }) => sum + bytes, next) > most, true);
      }
    },
  ));
});

Deno.test("a request numbers its messages, and no URL can change its meaning", () => {
  const url = 'http://h/"],"x":["';
  assertEquals(JSON.parse(batchRequest(url, messagesOf([1, 1]))), {
    QueueUrl: url,
    Entries: [{ Id: "0", MessageBody: "0" }, { Id: "1", MessageBody: "1" }],
  });
});
