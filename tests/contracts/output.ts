/**
 * What every output module promises, as one suite of tests. It runs over the registry: each module passes it in
 * a world of its own, `tests/worlds/outputs/NAME.ts`, against a real system of its kind. What a kind cannot do is
 * listed there with the reason.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { getLogger } from "@logtape/logtape";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { DeliveryError, type Disposition } from "../../src/errors.ts";
import type {
  Attempt,
  ChannelWriter,
  Delivery,
  DeliveryResult,
  Output,
  OutputModule,
} from "../../src/modules/module.ts";
import type { LineWriter } from "../../src/io/line_writer.ts";
import { eventually } from "../support/eventually.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** An event as the destination got it. */
export interface ReceivedEvent {
  readonly id: string;
  readonly body: Uint8Array;
}

/** A way for deliveries to fail, and what the module then says should become of the event. */
export interface Failure {
  /** Completes the sentence "the delivery fails when …". */
  readonly when: string;
  readonly disposition: Disposition;
  /** A `module-config` whose deliveries fail while others succeed. Left out: the usual one. */
  readonly config?: unknown;
  /** What a probe for a webhook with this `config` names. Left out where it shows with an event alone. */
  readonly probed?: RegExp;
  /** Brings the failure about. */
  arrange?(): void | Promise<void>;
}

/** A module's real destination, and how the module is configured to reach it. */
export interface OutputUnderTest extends AsyncDisposable {
  /** As in the connections file, without `type`. */
  readonly connection?: unknown;
  /** A valid `module-config`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The place that takes what the Python service sends, where {@linkcode config} names one that takes less. */
  readonly pythonPlace?: Readonly<Record<string, unknown>>;
  /** The webhook's `data_type`. @default "json" */
  readonly dataType?: "json" | "blob";
  /** Parts of connection and `module-config` that must never be shown. */
  readonly secrets?: readonly string[];
  /** Standard output, for modules that print. */
  readonly lines?: LineWriter;
  /** Queues for connectors, for modules that fill them. */
  readonly channels?: ChannelWriter;
  /** A `module-config` whose deliveries never end by themselves. Left out where there is no such thing. */
  readonly stallingConfig?: unknown;
  readonly failures: readonly Failure[];
  /** What has arrived so far. */
  received(): readonly ReceivedEvent[] | Promise<readonly ReceivedEvent[]>;
  /** Stops the system behind the output: it refuses what it is sent. */
  takeDown?(): void | Promise<void>;
  /** Makes the system behind the output take what it is sent and never answer. */
  stall?(): void | Promise<void>;
  /** Undoes {@linkcode stall}. */
  goOn?(): void | Promise<void>;
  /** Keys of the connection or of `module-config` with which an output waits for half a second, and no longer. */
  readonly impatient?: {
    readonly connection?: Readonly<Record<string, unknown>>;
    readonly config?: Readonly<Record<string, unknown>>;
  };
  /** Undoes {@linkcode takeDown}, at the same address. */
  restore?(): void | Promise<void>;
}

/** Promises that a kind of output has no way to keep or to break, each with the reason. */
export interface Exceptions {
  /** No system of its own that could be asked. */
  readonly probe?: string;
  /** Nothing that can be waited for, so nothing to abort. */
  readonly abort?: string;
  /** No way for one event to fail and its neighbour not to. */
  readonly partialFailure?: string;
  /** No system of its own that could be down for a while. */
  readonly outage?: string;
  /** No room for a body of a mebibyte. */
  readonly mebibyte?: string;
  /** No system of its own that could be silent. */
  readonly silence?: string;
}

/** How a module is tested against a real system of its kind. */
export interface OutputWorld {
  readonly exceptions?: Exceptions;
  /** Sets up a destination; each test has its own. */
  setUp(): Promise<OutputUnderTest>;
}

/** Registers the suite for a module. */
export function testOutputContract(module: OutputModule, { setUp, exceptions = {} }: OutputWorld): void {
  const test = (behaviour: string, run: (bench: Bench) => Promise<void>) =>
    Deno.test(`output module ${module.name} ${behaviour}`, async () => {
      await using subject = await setUp();
      await using bench = await Bench.open(module, subject);
      await run(bench);
    });
  testDelivery(test);
  testFailures(test);
  testSecrecy(test);
  testLifetime(test);
  if (module.reads === "bytes") testBytes(test, exceptions);
  if (exceptions.partialFailure === undefined) testPartialFailure(test);
  if (exceptions.abort === undefined) testAbort(test);
  if (exceptions.probe === undefined) testProbe(test);
  if (exceptions.outage === undefined) testOutage(test);
}

/** How long a delivery that stalls is under way before it is aborted, in milliseconds. */
const STALLED_MS = 50;

type Register = (behaviour: string, run: (bench: Bench) => Promise<void>) => void;

/** An open output and its destination. */
class Bench implements AsyncDisposable {
  private constructor(
    readonly module: OutputModule,
    readonly subject: OutputUnderTest,
    readonly output: Output,
  ) {}

  static async open(module: OutputModule, subject: OutputUnderTest): Promise<Bench> {
    const connection = module.connectionSchema?.parse(subject.connection);
    const output = await module.open(connection, {
      name: "under_test",
      logger: getLogger(["cwm", "test"]),
      lines: subject.lines ?? NO_LINES,
      ...(subject.channels === undefined ? {} : { channels: subject.channels }),
    });
    return new Bench(module, subject, output);
  }

  delivery(event: VerifiedEvent, config: unknown = this.subject.config): Delivery {
    const parsed = this.module.configSchema.parse(config);
    const { dataType = "json" } = this.subject;
    return { event, config: this.module.forWebhook?.(parsed, { dataType }) ?? parsed };
  }

  /** Delivers, and reports a failure of the whole batch as the failure of each of its events. */
  async deliver(
    batch: readonly Delivery[],
    signal = new AbortController().signal,
  ): Promise<readonly DeliveryResult[]> {
    const attempt: Attempt = { number: 1, signal };
    try {
      return await this.output.deliver(batch, attempt);
    } catch (error) {
      assertInstanceOf(error, DeliveryError, "deliver() must throw nothing but a DeliveryError");
      return batch.map(() => error);
    }
  }

  /** Delivers one event while the failure is in force. */
  async deliverInto(failure: Failure): Promise<DeliveryError> {
    await failure.arrange?.();
    const [result] = await this.deliver([this.delivery(verifiedEvent(), failure.config)]);
    assertInstanceOf(result, DeliveryError, `the delivery must fail when ${failure.when}`);
    return result;
  }

  async receivedBodyOf(event: VerifiedEvent): Promise<Uint8Array | undefined> {
    return (await this.subject.received()).find((received) => received.id === event.id)?.body;
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.output[Symbol.asyncDispose]();
  }
}

const NO_LINES: LineWriter = {
  write: () => Promise.reject(new Error("This module was not expected to print")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function numberedEvents(count: number): VerifiedEvent[] {
  return Array.from({ length: count }, (_, index) => verifiedEvent({ body: `{"number":${index}}` }));
}

function testDelivery(test: Register): void {
  test("delivers an event with its id and body", async (bench) => {
    const event = verifiedEvent({ body: '{"order":42}' });
    assertEquals(await bench.deliver([bench.delivery(event)]), ["delivered"]);
    const received = await bench.subject.received();
    assertEquals(received, [{ id: event.id, body: event.body.bytes }]);
  });

  test("delivers every event of a batch and gives one result each", async (bench) => {
    const events = numberedEvents(5);
    const results = await bench.deliver(events.map((event) => bench.delivery(event)));
    assertEquals(results, events.map(() => "delivered"));
    for (const event of events) assertEquals(await bench.receivedBodyOf(event), event.body.bytes);
  });

  test("gives no results for an empty batch", async (bench) => {
    assertEquals(await bench.deliver([]), []);
  });

  test("keeps concurrent deliveries apart", async (bench) => {
    const events = numberedEvents(40);
    const results = await Promise.all(events.map((event) => bench.deliver([bench.delivery(event)])));
    assertEquals(results, events.map(() => ["delivered"]));
    assertEquals((await bench.subject.received()).length, events.length);
    for (const event of events) assertEquals(await bench.receivedBodyOf(event), event.body.bytes);
  });
}

function testFailures(test: Register): void {
  test("says of each failure whether trying again can help", async (bench) => {
    for (const failure of bench.subject.failures) {
      const error = await bench.deliverInto(failure);
      assertEquals(error.disposition, failure.disposition, `when ${failure.when}`);
    }
  });

  test("rejects an unknown key of its configuration and names it", (bench) => {
    const parsed = bench.module.configSchema.safeParse({ ...bench.subject.config, not_a_key: 1 });
    assertEquals(parsed.success, false);
    assertStringIncludes(JSON.stringify(parsed.error?.issues), "not_a_key");
    return Promise.resolve();
  });
}

function testPartialFailure(test: Register): void {
  test("keeps results in order when one event of a batch fails", async (bench) => {
    const failing = bench.subject.failures.find(({ config, arrange }) =>
      config !== undefined && arrange === undefined
    );
    assert(failing !== undefined, "The subject must have a failure that only its configuration brings about");
    const [first, second, third] = numberedEvents(3) as [VerifiedEvent, VerifiedEvent, VerifiedEvent];
    const results = await bench.deliver([
      bench.delivery(first),
      bench.delivery(second, failing.config),
      bench.delivery(third),
    ]);
    assertEquals(results.map((result) => result === "delivered"), [true, false, true]);
    assertInstanceOf(results[1], DeliveryError);
    assertEquals(await bench.receivedBodyOf(first), first.body.bytes);
    assertEquals(await bench.receivedBodyOf(third), third.body.bytes);
  });
}

function testBytes(test: Register, { mebibyte }: Exceptions): void {
  const megabyte = new Uint8Array(1024 * 1024).map((_, index) => index * 31 % 251);
  const bodies = {
    "text beyond ASCII": new TextEncoder().encode('{"name":"Zoë 🎉 \u2028 \u0000"}'),
    "JSON with insignificant space": new TextEncoder().encode(
      '{ "a" : 1.0,\r\n\t"a":12345678901234567890 }\n',
    ),
    "no body": new Uint8Array(),
    "bytes that are not UTF-8": new Uint8Array([0, 255, 254, 128, 10, 13, 0, 239, 187, 191]),
    ...(mebibyte === undefined ? { "a mebibyte": megabyte } : {}),
  };
  for (const [kind, body] of Object.entries(bodies)) {
    test(`passes ${kind} on byte for byte`, async (bench) => {
      const event = verifiedEvent({ body });
      assertEquals(await bench.deliver([bench.delivery(event)]), ["delivered"]);
      assertEquals(await bench.receivedBodyOf(event), body);
    });
  }
}

function testAbort(test: Register): void {
  test("delivers nothing when its signal has aborted already", async (bench) => {
    const event = verifiedEvent();
    const [result] = await bench.deliver([bench.delivery(event)], AbortSignal.abort());
    assertInstanceOf(result, DeliveryError);
    assertEquals(result.code, "output_timeout");
    assertEquals(await bench.receivedBodyOf(event), undefined);
  });

  test("ends a delivery under way when its signal aborts", async (bench) => {
    // Without the abort a delivery that stalls would never end, and neither would this test.
    const { stallingConfig, stall } = bench.subject;
    await bench.deliver([bench.delivery(verifiedEvent())]);
    await stall?.();
    const controller = new AbortController();
    const signals = [controller.signal];
    if (stall !== undefined || stallingConfig !== undefined) signals.push(AbortSignal.timeout(STALLED_MS));
    const pending = signals.map((signal) =>
      bench.deliver([bench.delivery(verifiedEvent(), stallingConfig)], signal)
    );
    controller.abort();
    for (const [result] of await Promise.all(pending)) {
      assertInstanceOf(result, DeliveryError);
      assertEquals(result.code, "output_timeout");
    }
  });
}

function testProbe(test: Register): void {
  test("answers a probe while its system is up", async (bench) => {
    await bench.output.probe(new AbortController().signal);
  });

  test("names in a probe for a webhook what its events would miss, and leaves nothing behind", async (bench) => {
    const { output, subject: { failures } } = bench;
    const probe = (config?: unknown) =>
      output.probeFor?.(bench.delivery(verifiedEvent(), config).config, new AbortController().signal);
    await probe();
    for (const { probed, config } of failures) {
      if (probed === undefined) continue;
      const { message } = await assertRejects(async () => await probe(config), DeliveryError);
      assertMatch(message, probed);
    }
    assertEquals(await bench.subject.received(), []);
  });

  test("fails a probe with a DeliveryError when its system is down", async (bench) => {
    await bench.subject.takeDown?.();
    await assertRejects(() => bench.output.probe(new AbortController().signal), DeliveryError);
  });
}

function testOutage(test: Register): void {
  test("takes events again when its system is back, without being opened again", async (bench) => {
    const { takeDown, restore } = bench.subject;
    assert(
      takeDown !== undefined && restore !== undefined,
      "The subject must be able to go down and come back",
    );
    await takeDown();
    const [refused] = await bench.deliver([bench.delivery(verifiedEvent())]);
    assertInstanceOf(refused, DeliveryError, "the delivery must fail while the system is down");
    assertEquals(refused.disposition, "retry");
    await restore();
    const event = verifiedEvent();
    // A client may still wait before it connects again.
    await eventually(async () => assertEquals(await bench.deliver([bench.delivery(event)]), ["delivered"]));
    assertEquals(await bench.receivedBodyOf(event), event.body.bytes);
  });
}

function testSecrecy(test: Register): void {
  test("shows no secret of its configuration in an error", async (bench) => {
    const { config, failures, secrets = [] } = bench.subject;
    const shown = [
      JSON.stringify(bench.module.configSchema.safeParse({ ...config, not_a_key: 1 }).error?.issues),
    ];
    for (const failure of failures) {
      shown.push(
        Deno.inspect(await bench.deliverInto(failure), { depth: Infinity, strAbbreviateSize: Infinity }),
      );
    }
    for (const secret of secrets) {
      assert(!shown.some((text) => text.includes(secret)), `${secret} is shown in ${shown.join("\n")}`);
    }
  });
}

function testLifetime(test: Register): void {
  // That everything is closed is the leak sanitizer's to see, in all of these tests.
  test("can be closed twice", async (bench) => {
    await bench.deliver([bench.delivery(verifiedEvent())]);
    await bench.output[Symbol.asyncDispose]();
  });

  test("can be closed without ever having delivered", async (bench) => {
    await bench.output[Symbol.asyncDispose]();
  });

  test("delivers again after a failure", async (bench) => {
    const failing = bench.subject.failures.find((failure) => failure.arrange === undefined);
    if (failing !== undefined) await bench.deliverInto(failing);
    const event = verifiedEvent();
    assertEquals(await bench.deliver([bench.delivery(event)]), ["delivered"]);
    assertEquals(await bench.receivedBodyOf(event), event.body.bytes);
  });
}
