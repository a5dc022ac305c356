import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DeliveryError } from "../../../../../src/errors.ts";
import { type Entry, Submission } from "../../../../../src/modules/kafka/producer/entry.ts";
import { PartitionQueue } from "../../../../../src/modules/kafka/producer/partition_queue.ts";
import { NO_PRODUCER } from "../../../../../src/modules/kafka/producer/producer_ids.ts";
import type { DeliveryResult } from "../../../../../src/modules/module.ts";

const RETRIED = new DeliveryError("output_failed", "for now");
const REFUSED = new DeliveryError("output_rejected", "for good");

/** A queue, a source of producer ids, and the numbers that were ever used. */
class Subject {
  readonly results = new Map<string, DeliveryResult>();
  readonly queue = new PartitionQueue("orders", 0, (entry, result) => this.#settle(entry, result));
  readonly #used = new Map<string, Entry>();
  readonly #acknowledged = new Map<bigint, number>();
  #entries: Entry[] = [];
  #generation = 0;
  #next = 0;

  add(key: string | null): void {
    const record = {
      topic: "orders",
      partition: undefined,
      key: key === null ? null : new TextEncoder().encode(key),
      value: new TextEncoder().encode(`${this.#next++}`),
      headers: [],
    };
    const [entry] = new Submission([record], () => {}).entries as [Entry];
    this.#entries.push(entry);
    this.queue.add(entry);
    this.queue.load.records++;
  }

  /** Takes the batch to send now, with an id where one is needed; without one now and then. */
  send(withId: boolean): void {
    const after = this.queue.needsIdAfter;
    if (after !== undefined) {
      const isNew = withId && this.#generation <= after;
      if (isNew) this.#generation = after + 1;
      const generation = this.#generation;
      this.queue.useProducer(withId ? { id: BigInt(generation), epoch: 0, generation } : NO_PRODUCER);
    }
    const batch = this.queue.take();
    if (batch === undefined || batch.identity.producerId < 0n) return;
    const { producerId, firstSequence } = batch.identity;
    for (const [place, entry] of batch.entries.entries()) {
      const number = `${producerId}/${firstSequence + place}`;
      assert((this.#used.get(number) ?? entry) === entry, `${number} was used for another record`);
      this.#used.set(number, entry);
    }
    const before = this.#acknowledged.get(producerId) ?? 0;
    assertEquals(firstSequence, before, "the broker would wait for what comes before");
  }

  complete(): void {
    const { batch } = this.queue;
    if (batch === undefined) return;
    this.#acknowledged.set(batch.identity.producerId, batch.identity.firstSequence + batch.entries.length);
    this.queue.complete();
  }

  abandonOldest(): void {
    const entry = this.#entries.find(({ isSettled }) => !isSettled);
    if (entry === undefined) return;
    this.#settle(entry, RETRIED);
    this.queue.abandon(entry);
  }

  /** Sends and completes what is left; every record then has a result. */
  finish(): void {
    this.queue.dropAbandoned();
    for (let round = 0; round < 1000 && !this.queue.isEmpty; round++) {
      this.send(true);
      this.complete();
      this.queue.dropAbandoned();
    }
    assertEquals(this.#entries.filter(({ isSettled }) => !isSettled).length, 0);
    assertEquals(this.queue.load.records, 0);
  }

  #settle(entry: Entry, result: DeliveryResult): void {
    if (!entry.settle(result)) return;
    this.queue.load.records--;
    this.results.set(new TextDecoder().decode(entry.record.value), result);
  }
}

const OPERATIONS: Readonly<Record<string, (subject: Subject) => void>> = {
  addWithoutKey: (subject) => subject.add(null),
  addWithKey: (subject) => subject.add("a"),
  addWithOtherKey: (subject) => subject.add("b"),
  send: (subject) => subject.send(true),
  sendWithoutId: (subject) => subject.send(false),
  complete: (subject) => subject.complete(),
  giveUp: ({ queue }) => queue.batch && queue.giveUp(RETRIED),
  split: ({ queue }) => queue.batch && queue.split(REFUSED),
  failUnwritten: ({ queue }) => queue.failUnwritten(RETRIED),
  answerIsMissing: ({ queue }) => queue.batch && queue.batch.unsureTries++,
  abandonOldest: (subject) => subject.abandonOldest(),
  dropAbandoned: ({ queue }) => queue.dropAbandoned(),
};

Deno.test("whatever happens to batches, no number is used for two records, and none is left out", () => {
  const operation = fc.constantFrom(...Object.keys(OPERATIONS));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (names) => {
      const subject = new Subject();
      for (const name of names) OPERATIONS[name]!(subject);
      subject.finish();
    }),
    { numRuns: 500 },
  );
});

Deno.test("a batch that is tried again is the same one, whatever was added meanwhile", () => {
  const subject = new Subject();
  subject.add(null);
  subject.send(true);
  const { batch } = subject.queue;
  subject.add(null);
  subject.send(true);
  assert(subject.queue.batch === batch);
});

Deno.test("a record that will be tried again holds up the later ones with its key, and no others", () => {
  const subject = new Subject();
  subject.add("a");
  subject.send(true);
  for (const key of ["a", "b", null]) subject.add(key);
  subject.queue.giveUp(RETRIED);
  subject.finish();
  assertEquals([...subject.results.values()].map(String), [
    String(RETRIED),
    "DeliveryError: An earlier event with the same key was not taken",
    "delivered",
    "delivered",
  ]);
});

Deno.test("what was surely not written fails, and a batch that may have been is kept", () => {
  const subject = new Subject();
  subject.add(null);
  subject.send(true);
  subject.queue.batch!.unsureTries++;
  subject.add(null);
  subject.queue.failUnwritten(RETRIED);
  assertEquals([...subject.results], [["1", RETRIED]]);
  subject.complete();
  assertEquals(subject.results.get("0"), "delivered");
});
