/**
 * What all channel queues promise, wherever they store. Each implementation's test runs the suite:
 *
 *     testChannelQueueContract("SQLite channel queues", setUpSqliteHarness);
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ChannelQueues, EnqueueOptions, LeasedEvent } from "../../src/channels/channel_queues.ts";
import type { DeadLetters } from "../../src/dead_letters/dead_letters.ts";
import { DeliveryError } from "../../src/errors.ts";
import { eventually } from "../support/eventually.ts";
import { assertSameEvent, bodies, TRACE } from "./journal.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** Open queues, and where their dead letters go. */
export interface OpenQueues extends AsyncDisposable {
  readonly queues: ChannelQueues;
  readonly deadLetters: DeadLetters;
}

/** A store of its own, empty at first. Disposal ends all that was opened on it. */
export interface ChannelQueueHarness extends AsyncDisposable {
  /** Opens the queues of the store. Those before must have been disposed, or have crashed. */
  openQueues(): Promise<OpenQueues>;
  /** Ends the queues as a crash of their process would. */
  crash(): Promise<void>;
}

/** What differs between implementations. */
export interface ChannelQueueTraits {
  /** Whether all consumers are those of one process, so that leases end with it. */
  readonly leasesEndWithProcess: boolean;
  /** Whether leaks are looked for. @default true */
  readonly sanitize?: boolean;
}

const CHANNEL = "orders";
const ROOMY: EnqueueOptions = { ttlMs: 3_600_000, maxSize: 1_000 };
const MINUTE_MS = 60_000;
const REJECTION = { code: "output_rejected", message: "The order is unknown" } as const;

/** Registers the tests of the contract. `setUp` makes a new harness for each. */
export function testChannelQueueContract(
  name: string,
  setUp: () => Promise<ChannelQueueHarness>,
  { leasesEndWithProcess, sanitize = true }: ChannelQueueTraits = { leasesEndWithProcess: true },
): void {
  function test(
    sentence: string,
    run: (open: OpenQueues, harness: ChannelQueueHarness) => Promise<void>,
  ): void {
    Deno.test({
      name: `${name} ${sentence}`,
      sanitizeOps: sanitize,
      sanitizeResources: sanitize,
      async fn() {
        await using harness = await setUp();
        await using open = await harness.openQueues();
        await run(open, harness);
      },
    });
  }

  test("lease events in the order in which they came, each to one consumer", async ({ queues }) => {
    const ids = await enqueueMany(queues, 20);
    const first = await queues.lease(CHANNEL, 8, MINUTE_MS);
    const second = await queues.lease(CHANNEL, 100, MINUTE_MS);
    assertEquals(first.map(idOf), ids.slice(0, 8));
    assertEquals(second.map(idOf), ids.slice(8));
    assertEquals([...first, ...second].map(({ delivery }) => delivery), Array(20).fill(1));
    assertEquals(await queues.lease(CHANNEL, 1, MINUTE_MS), []);
  });

  test("lease no further event once the bodies have so many bytes, and the others later", async ({ queues }) => {
    const body = "x".repeat(1_000);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const event = verifiedEvent({ body });
      ids.push(event.id);
      await queues.enqueue(CHANNEL, event, ROOMY);
    }
    const leases = [];
    for (const bytes of [1, 1_001, 10_000]) {
      leases.push(await queues.lease(CHANNEL, 10, MINUTE_MS, { bytes }));
    }
    assertEquals(leases.map((leased) => leased.map(idOf)), [ids.slice(0, 1), ids.slice(1, 3), ids.slice(3)]);
    await queues.release(CHANNEL, [{ tag: leases[1]![0]!.tag }], 0);
    await queues.release(CHANNEL, [{ tag: leases[1]![1]!.tag }], 0);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS, { bytes: 1_000 })).map(idOf), ids.slice(1, 2));
  });

  test("share their events among consumers that ask at the same time", async ({ queues }) => {
    const ids = await enqueueMany(queues, 60);
    const leases = await Promise.all(
      Array.from({ length: 12 }, () => queues.lease(CHANNEL, 5, MINUTE_MS)),
    );
    assertEquals(leases.map((events) => events.length), Array(12).fill(5));
    assertEquals(leases.flat().map(idOf).toSorted(), ids.toSorted());
  });

  test("keep what one channel holds from the consumers of another", async ({ queues }) => {
    const [id] = await enqueueMany(queues, 1);
    await enqueueMany(queues, 2, "refunds");
    assertEquals((await queues.channels()).toSorted(), ["orders", "refunds"]);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS)).map(idOf), [id]);
    assertEquals(await queues.lease("unknown", 10, MINUTE_MS), []);
  });

  test("hold an event no longer once it was acknowledged", async ({ queues }) => {
    await enqueueMany(queues, 1);
    const [leased] = await queues.lease(CHANNEL, 1, MINUTE_MS);
    assertEquals(await queues.acknowledge(CHANNEL, [leased!.tag]), [leased!.tag]);
    assertEquals(await queues.acknowledge(CHANNEL, [leased!.tag]), []);
    assertEquals(await queues.depth(CHANNEL), { ready: 0, leased: 0, oldestReceivedAt: undefined });
    assertEquals(await queues.channels(), []);
  });

  test("lease an event again when its lease has ended, with the number of deliveries", async ({ queues }) => {
    const [id] = await enqueueMany(queues, 1);
    const [first] = await queues.lease(CHANNEL, 1, 1);
    const [second] = await leaseEventually(queues);
    assertEquals([first, second].map((leased) => [idOf(leased!), leased!.tag, leased!.delivery]), [
      [id, first!.tag, 1],
      [id, first!.tag, 2],
    ]);
  });

  test("take an acknowledgement after the lease has ended", async ({ queues }) => {
    await enqueueMany(queues, 1);
    const [leased] = await queues.lease(CHANNEL, 1, 1);
    await leaseEventually(queues);
    assertEquals(await queues.acknowledge(CHANNEL, [leased!.tag]), [leased!.tag]);
  });

  test("lease a released event again after its delay", async ({ queues }) => {
    const [first, second] = await enqueueMany(queues, 2);
    const leased = await queues.lease(CHANNEL, 2, MINUTE_MS);
    assertEquals(await queues.release(CHANNEL, [{ tag: leased[1]!.tag }], MINUTE_MS), [leased[1]!.tag]);
    assertEquals(await queues.release(CHANNEL, [{ tag: leased[0]!.tag }], 0), [leased[0]!.tag]);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS)).map(idOf), [first]);
    assertEquals(await queues.release(CHANNEL, [{ tag: leased[1]!.tag }], 1), [leased[1]!.tag]);
    assertEquals((await leaseEventually(queues)).map(idOf), [second]);
    assertEquals(await queues.release(CHANNEL, [{ tag: "unknown" }], 0), []);
  });

  test("count no delivery of an event that was taken back unseen", async ({ queues }) => {
    const ids = await enqueueMany(queues, 2);
    await queues.lease(CHANNEL, 1, MINUTE_MS);
    let calls = 0;
    using _watch = queues.watch(CHANNEL, () => calls++);
    assertEquals(await queues.takeBack(CHANNEL, [ids[0]!]), [ids[0]!]);
    await eventually(() => calls > 0);
    const leased = await queues.lease(CHANNEL, 10, MINUTE_MS);
    assertEquals(leased.map(({ tag, delivery }) => [tag, delivery]), ids.map((id) => [id, 1]));
    await queues.release(CHANNEL, [{ tag: ids[0]! }], 0);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS)).map(({ delivery }) => delivery), [2]);
    assertEquals(await queues.takeBack(CHANNEL, [ids[0]!]), [ids[0]!]);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS)).map(({ delivery }) => delivery), [2]);
    assertEquals(await queues.takeBack(CHANNEL, ["unknown"]), []);
  });

  test("deal with many events at once, and name those that were still there", async ({ queues, deadLetters }) => {
    const ids = await enqueueMany(queues, 40);
    await queues.lease(CHANNEL, 40, MINUTE_MS);
    const [done, given, unseen, refused] = [0, 10, 20, 30].map((start) => ids.slice(start, start + 10));
    assertEquals(await queues.acknowledge(CHANNEL, [...done!, "unknown", done![0]!]), done);
    assertEquals(await queues.acknowledge(CHANNEL, done!), []);
    assertEquals(await queues.release(CHANNEL, [...done!, ...given!].map((tag) => ({ tag })), 0), given);
    assertEquals(await queues.takeBack(CHANNEL, [...done!, ...unseen!]), unseen);
    assertEquals(
      await queues.reject(CHANNEL, [...done!, ...refused!].map((tag) => ({ tag })), REJECTION),
      refused,
    );
    const again = await queues.lease(CHANNEL, 100, MINUTE_MS);
    assertEquals(again.map((each) => [idOf(each), each.delivery]), [
      ...given!.map((id) => [id, 2]),
      ...unseen!.map((id) => [id, 1]),
    ]);
    const letters = await deadLetters.list({}, 100);
    assertEquals(letters.letters.map(({ id }) => id).toSorted(), refused!.toSorted());
  });

  test("tell timed leases of one batch apart", async ({ queues }) => {
    const [first, second] = await enqueueMany(queues, 2);
    await queues.lease(CHANNEL, 2, MINUTE_MS, { isTimed: true });
    const leases = [{ tag: first!, delivery: 1 }, { tag: second!, delivery: 2 }];
    assertEquals(await queues.extend(CHANNEL, leases, MINUTE_MS), [first!]);
    assertEquals(await queues.release(CHANNEL, leases, 0), [first!]);
    assertEquals(await queues.reject(CHANNEL, leases, REJECTION), []);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS)).map(idOf), [first]);
  });

  test("do nothing where no event is named", async ({ queues }) => {
    await enqueueMany(queues, 1);
    assertEquals(await queues.acknowledge(CHANNEL, []), []);
    assertEquals(await queues.release(CHANNEL, [], 0), []);
    assertEquals(await queues.takeBack(CHANNEL, []), []);
    assertEquals(await queues.extend(CHANNEL, [], MINUTE_MS), []);
    assertEquals(await queues.reject(CHANNEL, [], REJECTION), []);
    assertEquals((await queues.depth(CHANNEL)).ready, 1);
  });

  test("put a released event in its old place", async ({ queues }) => {
    const ids = await enqueueMany(queues, 3);
    const leased = await queues.lease(CHANNEL, 2, MINUTE_MS);
    for (const { tag } of leased.toReversed()) await queues.release(CHANNEL, [{ tag }], 0);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS)).map(idOf), ids);
  });

  test("move a rejected event to the dead letters", async ({ queues, deadLetters }) => {
    await enqueueMany(queues, 1);
    const [leased] = await queues.lease(CHANNEL, 1, MINUTE_MS);
    assertEquals(await queues.reject(CHANNEL, [{ tag: leased!.tag }], REJECTION), [leased!.tag]);
    assertEquals(await queues.reject(CHANNEL, [{ tag: leased!.tag }], REJECTION), []);
    const letter = await deadLetters.get(leased!.event.id);
    assertEquals([letter?.reason, letter?.message, letter?.connection, letter?.attempts], [
      "output_rejected",
      "The order is unknown",
      CHANNEL,
      1,
    ]);
    assertSameEvent(letter!.event, leased!.event);
    assertEquals(await queues.channels(), []);
  });

  test("move events whose time is over to the dead letters, unasked", async ({ queues, deadLetters }) => {
    const [expired] = await enqueueMany(queues, 1, CHANNEL, { ...ROOMY, ttlMs: 1 });
    const [kept] = await enqueueMany(queues, 1);
    const letters = await eventually(async () => {
      const page = await deadLetters.list({ reason: "expired" }, 10);
      assertEquals(page.letters.length, 1);
      return page.letters;
    });
    assertEquals([letters[0]?.id, letters[0]?.connection], [expired, CHANNEL]);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS)).map(idOf), [kept]);
  });

  test("never lease an event whose time is over", async ({ queues }) => {
    await enqueueMany(queues, 50, CHANNEL, { ...ROOMY, ttlMs: 0 });
    assertEquals(await queues.lease(CHANNEL, 100, MINUTE_MS), []);
  });

  test("take no more than their bound, and again when there is room", async ({ queues }) => {
    const options = { ...ROOMY, maxSize: 3 };
    await enqueueMany(queues, 3, CHANNEL, options);
    const [leased] = await queues.lease(CHANNEL, 1, MINUTE_MS);
    const event = verifiedEvent();
    const error = await assertRejects(() => queues.enqueue(CHANNEL, event, options), DeliveryError);
    assertEquals([error.code, error.retryAfterSeconds !== undefined], ["overloaded", true]);
    await queues.enqueue("refunds", event, options);
    await queues.acknowledge(CHANNEL, [leased!.tag]);
    await queues.enqueue(CHANNEL, event, options);
    assertEquals((await queues.depth(CHANNEL)).ready, 3);
  });

  test("hold an event once, however often it is delivered to them", async ({ queues }) => {
    const event = verifiedEvent();
    await Promise.all(Array.from({ length: 5 }, () => queues.enqueue(CHANNEL, event, ROOMY)));
    const leased = await queues.lease(CHANNEL, 10, MINUTE_MS);
    assertEquals(leased.length, 1);
    await queues.enqueue(CHANNEL, event, ROOMY);
    assertEquals(await queues.lease(CHANNEL, 10, MINUTE_MS), []);
    await queues.acknowledge(CHANNEL, [leased[0]!.tag]);
    await queues.enqueue(CHANNEL, event, ROOMY);
    assertEquals((await queues.lease(CHANNEL, 10, MINUTE_MS)).length, 1);
  });

  test("take a repeated event even when they are full", async ({ queues }) => {
    const event = verifiedEvent();
    await queues.enqueue(CHANNEL, event, { ...ROOMY, maxSize: 1 });
    await queues.enqueue(CHANNEL, event, { ...ROOMY, maxSize: 1 });
    assertEquals((await queues.depth(CHANNEL)).ready, 1);
  });

  test("tell how full a channel is, and since when", async ({ queues }) => {
    await queues.enqueue(CHANNEL, verifiedEvent({ receivedAt: 1_000 }), ROOMY);
    await queues.enqueue(CHANNEL, verifiedEvent({ receivedAt: 2_000 }), ROOMY);
    await queues.enqueue(CHANNEL, verifiedEvent({ receivedAt: 3_000 }), ROOMY);
    const [leased] = await queues.lease(CHANNEL, 1, MINUTE_MS);
    assertEquals(await queues.depth(CHANNEL), { ready: 2, leased: 1, oldestReceivedAt: 1_000 });
    await queues.acknowledge(CHANNEL, [leased!.tag]);
    assertEquals(await queues.depth(CHANNEL), { ready: 2, leased: 0, oldestReceivedAt: 2_000 });
    assertEquals(await queues.depth("unknown"), { ready: 0, leased: 0, oldestReceivedAt: undefined });
  });

  test("restore every event exactly", async ({ queues }) => {
    const headers: [string, string][] = [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-a", "\u00fc"]];
    const events = [
      ...Object.values(bodies()).map((body) => ({ ...verifiedEvent({ headers }), body })),
      verifiedEvent({ trace: TRACE }),
      verifiedEvent({ type: "invoice.paid" }),
    ];
    for (const event of events) await queues.enqueue(CHANNEL, event, ROOMY);
    const leased = await queues.lease(CHANNEL, 100, MINUTE_MS);
    assertEquals(leased.length, events.length);
    for (const [index, event] of events.entries()) assertSameEvent(leased[index]!.event, event);
  });

  test("renew leases, and tell which events somebody has dealt with", async ({ queues }) => {
    const [first, second] = await enqueueMany(queues, 2);
    const leased = await queues.lease(CHANNEL, 2, 200);
    const tags = leased.map(({ tag }) => tag);
    assertEquals(await queues.renew(CHANNEL, tags, MINUTE_MS), tags);
    await queues.acknowledge(CHANNEL, [tags[0]!]);
    assertEquals(await queues.renew(CHANNEL, [...tags, "unknown"], MINUTE_MS), [tags[1]!]);
    assertEquals(await queues.renew(CHANNEL, [], MINUTE_MS), []);
    const [third] = await enqueueMany(queues, 1);
    // Its lease of 200 ms is over when this one of 300 ms, which nobody renews, has ended.
    assertEquals((await queues.lease(CHANNEL, 10, 300)).map(idOf), [third]);
    assertEquals((await leaseEventually(queues)).map(idOf), [third]);
    assertEquals([first, second], leased.map(idOf));
  });

  test("lengthen and end a timed lease for whoever names its delivery, and for nobody else", async ({ queues }) => {
    await enqueueMany(queues, 1);
    const [first] = await queues.lease(CHANNEL, 1, 1, { isTimed: true });
    const { tag } = first!;
    assertEquals(await queues.extend(CHANNEL, [{ tag, delivery: 2 }], MINUTE_MS), []);
    assertEquals(await queues.release(CHANNEL, [{ tag, delivery: 2 }], 0), []);
    assertEquals(await queues.reject(CHANNEL, [{ tag, delivery: 2 }], REJECTION), []);
    assertEquals(
      await queues.extend(CHANNEL, [first!], MINUTE_MS),
      [first!.tag],
      "also once its time is over",
    );
    assertEquals(await queues.lease(CHANNEL, 1, MINUTE_MS), []);
    assertEquals(await queues.release(CHANNEL, [{ tag, delivery: 1 }], 0), [tag]);
    assertEquals(await queues.extend(CHANNEL, [first!], MINUTE_MS), [], "it was given back");
    const [second] = await queues.lease(CHANNEL, 1, MINUTE_MS, { isTimed: true });
    assertEquals([second?.tag, second?.delivery], [tag, 2]);
    assertEquals(await queues.release(CHANNEL, [{ tag, delivery: 1 }], 0), [], "another consumer holds it");
    assertEquals(await queues.extend(CHANNEL, [{ tag: "unknown", delivery: 1 }], MINUTE_MS), []);
    assertEquals(await queues.reject(CHANNEL, [{ tag, delivery: 2 }], REJECTION), [tag]);
    assertEquals(await queues.extend(CHANNEL, [second!], MINUTE_MS), [], "it is a dead letter");
  });

  test("let nobody lengthen or end a lease that is not timed by its delivery", async ({ queues }) => {
    await enqueueMany(queues, 1);
    await queues.lease(CHANNEL, 1, 1, { isTimed: true });
    const [leased] = await leaseEventually(queues);
    assertEquals(leased?.delivery, 2);
    for (const delivery of [1, 2]) {
      assertEquals(await queues.extend(CHANNEL, [{ ...leased!, delivery }], MINUTE_MS), []);
      assertEquals(await queues.release(CHANNEL, [{ tag: leased!.tag, delivery }], 0), []);
      assertEquals(await queues.reject(CHANNEL, [{ tag: leased!.tag, delivery }], REJECTION), []);
    }
    assertEquals((await queues.depth(CHANNEL)).leased, 1);
  });

  test("hold timed leases after a crash as well", async ({ queues }, harness) => {
    const [held, released] = await enqueueMany(queues, 2);
    const leased = await queues.lease(CHANNEL, 2, MINUTE_MS, { isTimed: true });
    assertEquals((await queues.depth(CHANNEL)).leased, 2);
    await harness.crash();
    await using restarted = await harness.openQueues();
    assertEquals(await restarted.queues.lease(CHANNEL, 10, MINUTE_MS), []);
    assertEquals(await restarted.queues.extend(CHANNEL, [leased[0]!], MINUTE_MS), [leased[0]!.tag]);
    assertEquals(await restarted.queues.release(CHANNEL, [{ tag: released!, delivery: 1 }], 0), [released!]);
    const again = await restarted.queues.lease(CHANNEL, 10, MINUTE_MS);
    assertEquals(again.map((each) => [idOf(each), each.delivery]), [[released, 2]]);
    assertEquals(await restarted.queues.acknowledge(CHANNEL, [held!]), [held!]);
  });

  test("bury an event with as many attempts as its consumer says", async ({ queues, deadLetters }) => {
    const [id] = await enqueueMany(queues, 1);
    await queues.lease(CHANNEL, 1, MINUTE_MS);
    assertEquals(await queues.reject(CHANNEL, [{ tag: id! }], { ...REJECTION, attempts: 7 }), [id!]);
    assertEquals((await deadLetters.get(id!))?.attempts, 7);
  });

  test("hold everything after a crash", async ({ queues }, harness) => {
    const ids = await enqueueMany(queues, 4);
    const [done, held, ours] = await queues.lease(CHANNEL, 3, MINUTE_MS);
    await queues.acknowledge(CHANNEL, [done!.tag]);
    await queues.release(CHANNEL, [{ tag: ours!.tag }], 0);
    await harness.crash();
    await using restarted = await harness.openQueues();
    assertEquals(await restarted.queues.depth(CHANNEL), {
      ready: leasesEndWithProcess ? 3 : 2,
      leased: leasesEndWithProcess ? 0 : 1,
      oldestReceivedAt: verifiedEvent().receivedAt,
    });
    const leased = await restarted.queues.lease(CHANNEL, 10, MINUTE_MS);
    assertEquals(leased.map((each) => [idOf(each), each.delivery]), [
      ...(leasesEndWithProcess ? [[ids[1], 2]] : []),
      [ids[2], 2],
      [ids[3], 1],
    ]);
    assertEquals(
      await restarted.queues.acknowledge(CHANNEL, [held!.tag]),
      [held!.tag],
      "its consumer still works on it",
    );
  });

  test("tell a watcher of every event that may be leased", async ({ queues }) => {
    let calls = 0;
    const next = async (change: () => Promise<unknown>) => {
      const before = calls;
      await change();
      await eventually(() => calls > before);
    };
    {
      using _watch = queues.watch(CHANNEL, () => calls++);
      await next(() => enqueueMany(queues, 1));
      await next(() => queues.lease(CHANNEL, 1, 20));
      const [leased] = await leaseEventually(queues);
      await next(() => queues.release(CHANNEL, [{ tag: leased!.tag }], 0));
      await queues.lease(CHANNEL, 1, MINUTE_MS);
      await next(() => queues.release(CHANNEL, [{ tag: leased!.tag }], 20));
    }
    const after = calls;
    await enqueueMany(queues, 1);
    assertEquals(calls, after, "it was disposed");
  });

  test("lease each event to whoever is told of it, exactly, whatever its size", async ({ queues }) => {
    const leased: LeasedEvent[] = [];
    let leasing = Promise.resolve();
    using _watch = queues.watch(CHANNEL, () => {
      leasing = leasing.then(async () => {
        leased.push(...await queues.lease(CHANNEL, 10, MINUTE_MS));
      });
    });
    const sizes = [0, 100, 20_000, 200_000, 100];
    for (const [index, size] of sizes.entries()) {
      const event = verifiedEvent({ body: new Uint8Array(size).fill(index + 1) });
      await queues.enqueue(CHANNEL, event, ROOMY);
      // Whoever had it stored reads it no more.
      event.body.discard();
      await eventually(() => leased.length > index);
    }
    await leasing;
    assertEquals(leased.map(({ delivery }) => delivery), sizes.map(() => 1));
    for (const [index, size] of sizes.entries()) {
      assertEquals(leased[index]!.event.body.bytes, new Uint8Array(size).fill(index + 1));
    }
    assertEquals((await queues.depth(CHANNEL)).leased, sizes.length);
  });

  test("keep the order of events that are leased while they come, and the bounds", async ({ queues }) => {
    const older = await enqueueMany(queues, 2);
    const coming = enqueueMany(queues, 5);
    const leases = [3, 2, 1].map((limit) => queues.lease(CHANNEL, limit, MINUTE_MS, { bytes: 1_000 }));
    const first = await Promise.all(leases);
    const ids = [...older, ...await coming];
    assert(first.every((leased, index) => leased.length <= 3 - index));
    const rest = await queues.lease(CHANNEL, 100, MINUTE_MS);
    assertEquals([...first.flat(), ...rest].map(idOf), ids);
    assertEquals(await queues.renew(CHANNEL, ids, MINUTE_MS), ids);
  });

  test("acknowledge what may wait as well, and at the latest with what comes next", async ({ queues }) => {
    const ids = await enqueueMany(queues, 3);
    await queues.lease(CHANNEL, 3, MINUTE_MS);
    const mayWait = { mayWait: true };
    assertEquals(await queues.acknowledge(CHANNEL, ids.slice(0, 1), mayWait), ids.slice(0, 1));
    const waiting = queues.acknowledge(CHANNEL, ids.slice(1, 2), mayWait);
    assertEquals(await queues.acknowledge(CHANNEL, ids.slice(2)), ids.slice(2));
    assertEquals(await waiting, ids.slice(1, 2));
    assertEquals((await queues.depth(CHANNEL)).leased, 0);
  });

  test("tell every watcher of a channel, and none of another", async ({ queues }) => {
    const calls = { a: 0, b: 0, other: 0 };
    using _a = queues.watch(CHANNEL, () => calls.a++);
    using _b = queues.watch(CHANNEL, () => calls.b++);
    using _other = queues.watch("refunds", () => calls.other++);
    await enqueueMany(queues, 1);
    await eventually(() => calls.a > 0 && calls.b > 0);
    assertEquals(calls.other, 0);
  });
}

async function enqueueMany(
  queues: ChannelQueues,
  count: number,
  channel = CHANNEL,
  options = ROOMY,
): Promise<string[]> {
  const events = Array.from({ length: count }, () => verifiedEvent());
  await Promise.all(events.map((event) => queues.enqueue(channel, event, options)));
  return events.map(({ id }) => id);
}

/** Leases as soon as there is something to lease. */
function leaseEventually(queues: ChannelQueues): Promise<readonly LeasedEvent[]> {
  return eventually(async () => {
    const leased = await queues.lease(CHANNEL, 10, MINUTE_MS);
    assert(leased.length > 0);
    return leased;
  });
}

function idOf({ event }: LeasedEvent): string {
  return event.id;
}
