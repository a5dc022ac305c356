import { setImmediate } from "node:timers";
import { assertEquals } from "@std/assert";
import { ReportBatch } from "../../../../src/connector/transports/report_batch.ts";
import type { Report } from "../../../../src/relay/protocol/messages.ts";
import { eventually } from "../../../support/eventually.ts";

function ack(n: number): Report {
  return { type: "ack", message_id: `m${n}` };
}

/** A batch of a connection with that window, and what it has sent: the ids of each message. */
function start(window: number) {
  const sent: string[][] = [];
  const batch = new ReportBatch(
    window,
    (reports) => sent.push(reports.map(({ message_id: id }) => id)),
  );
  return { batch, sent };
}

Deno.test("acknowledgements of messages that end shortly after one another go together", async () => {
  const { batch, sent } = start(100);
  batch.received(20);
  for (let n = 0; n < 10; n++) batch.add(ack(n));
  assertEquals(sent, []);
  await eventually(() => assertEquals(sent, [Array.from({ length: 10 }, (_, n) => `m${n}`)]));
});

Deno.test("the last report that is expected, and a quarter of the window, wait for nothing", async () => {
  for (const [window, received, count] of [[100, 2, 2], [8, 8, 2], [1, 1, 1]] as const) {
    const { batch, sent } = start(window);
    batch.received(received);
    for (let n = 0; n < count; n++) batch.add(ack(n));
    await new Promise((resolve) => setImmediate(resolve));
    assertEquals(sent.length, 1, `window ${window}`);
  }
});

Deno.test("a message that goes back takes along what waits, in order", async () => {
  const { batch, sent } = start(100);
  batch.received(50);
  batch.add(ack(1));
  batch.add({ type: "nack", message_id: "m2", retry: true, delay_ms: 100 });
  await eventually(() => assertEquals(sent, [["m1", "m2"]]));
});

Deno.test("what waits is sent when it is asked for, and not when the connection has ended", async () => {
  const { batch, sent } = start(100);
  batch.received(50);
  batch.add(ack(1));
  batch.flush();
  batch.flush();
  assertEquals(sent, [["m1"]]);
  batch.add(ack(2));
  batch[Symbol.dispose]();
  batch.flush();
  // Longer than an acknowledgement waits for others: nothing comes that could be awaited.
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(sent, [["m1"]]);
});
