import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import { assertEquals, assertRejects } from "@std/assert";
import type { IWatchRequest } from "etcd3";
import type { EtcdWatchStream } from "../../../../src/config/etcd/wire/connection.ts";
import type { EtcdHeader } from "../../../../src/config/etcd/wire/fields.ts";
import { KeySpace } from "../../../../src/config/etcd/wire/key_space.ts";
import { SessionEnd } from "../../../../src/config/etcd/session_end.ts";
import { EtcdWatch } from "../../../../src/config/etcd/watch.ts";
import type {
  WatchEvent,
  WatchEvents,
  WatchMessage,
} from "../../../../src/config/etcd/wire/watch_message.ts";
import { keyValue } from "../../../support/etcd/page.ts";
import { eventually } from "../../../support/eventually.ts";

function header(revision: number): EtcdHeader {
  return { clusterId: "1", revision, term: 2 };
}

/** The server's end of a watch, in the hands of a test: what real servers say too rarely or too fast. */
class FakeStream extends EventEmitter {
  readonly written: IWatchRequest[] = [];

  write(request: IWatchRequest): boolean {
    this.written.push(request);
    return true;
  }

  respond(message: Partial<WatchMessage>): void {
    const complete: WatchMessage = {
      header: header(10),
      isProgressAnswer: false,
      created: false,
      canceled: false,
      compactRevision: 0,
      cancelReason: "",
      events: [],
      ...message,
    };
    this.emit("data", complete);
  }
}

interface Subject {
  readonly stream: FakeStream;
  readonly watch: EtcdWatch;
  /** `{revision}: {keys}` for events, with `…` where more of the revision follow; `{revision}` for progress. */
  readonly seen: string[];
}

/** @param apply what the listener does besides taking notes */
async function started(apply: () => void = () => {}): Promise<Subject> {
  const stream = new FakeStream();
  const seen: string[] = [];
  const starting = start(stream, seen, apply);
  await eventually(() => stream.written.length > 0);
  stream.respond({ created: true });
  return { stream, watch: await starting, seen };
}

function start(stream: FakeStream, seen: string[] = [], apply: () => void = () => {}): Promise<EtcdWatch> {
  return EtcdWatch.start({ watch: () => Promise.resolve(stream as unknown as EtcdWatchStream) }, {
    keySpace: new KeySpace("/cwm/"),
    startRevision: 11,
    clusterId: "1",
    createTimeoutMs: 5_000,
    listener: {
      onRevision: (revision, events, isLast) => {
        apply();
        const keys = events.map(({ keyValue }) => keyValue.key.toString()).join(" ");
        seen.push(`${revision}: ${keys}${isLast ? "" : " …"}`);
      },
      onProgress: (revision) => void seen.push(String(revision)),
    },
  });
}

function event(revision: number, key: string): WatchEvent {
  return { isDelete: false, keyValue: keyValue({ key, value: "", revision }) };
}

async function endOf(watch: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => watch, SessionEnd)).reason;
}

Deno.test("a watch asks for everything below the prefix from its start, with progress", async () => {
  const { stream } = await started();
  assertEquals(stream.written, [{
    create_request: {
      key: Buffer.from("/cwm/"),
      range_end: Buffer.from("/cwm0"),
      start_revision: 11,
      progress_notify: true,
    },
  }]);
});

Deno.test("a watch passes on events by revision, and progress in its place between them", async () => {
  const { stream, seen } = await started();
  stream.respond({ events: [event(11, "a"), event(11, "b"), event(12, "a")] });
  stream.respond({ header: header(20) });
  stream.respond({ events: [event(21, "c")] });
  assertEquals(seen, ["11: a b", "12: a", "20", "21: c"]);
});

Deno.test("a watch takes neither its creation nor an answer to its own question for progress", async () => {
  const { stream, watch, seen } = await started();
  watch.requestProgress();
  stream.respond({
    isProgressAnswer: true,
    header: header(99),
  });
  assertEquals(seen, []);
  assertEquals(watch.progressAnswers, 1);
});

Deno.test("a watch that is refused fails its start, whether or not it was created first", async () => {
  for (const created of [true, false]) {
    const stream = new FakeStream();
    const starting = start(stream);
    await eventually(() => stream.written.length > 0);
    stream.respond({ created, canceled: true, cancelReason: "permission denied" });
    assertEquals(await endOf(starting), "canceled");
  }
});

Deno.test("a watch of compacted history says so", async () => {
  const { stream, watch } = await started();
  stream.respond({ canceled: true, compactRevision: 15 });
  assertEquals(await endOf(watch.ended), "compacted");
});

Deno.test("a watch ends when another cluster answers, and applies nothing of it", async () => {
  const { stream, watch, seen } = await started();
  stream.respond({ header: { ...header(20), clusterId: "2" }, events: [event(20, "a")] });
  assertEquals([await endOf(watch.ended), seen], ["cluster_changed", []]);
});

Deno.test("a watch ends with its stream, by an error or without one", async () => {
  for (
    const [name, argument, reason] of [["error", new Error("reset"), "stream_failed"], [
      "end",
      undefined,
      "stream_ended",
    ]] as const
  ) {
    const { stream, watch } = await started();
    stream.emit(name, argument);
    assertEquals(await endOf(watch.ended), reason);
  }
});

Deno.test("a watch passes nothing on after its end", async () => {
  const { stream, watch, seen } = await started();
  stream.emit("end");
  stream.respond({ events: [event(11, "a")] });
  watch.requestProgress();
  assertEquals([seen, stream.written.length], [[], 1]);
});

Deno.test("a watch that is held keeps everything until it is released", async () => {
  const { stream, watch, seen } = await started();
  watch.hold();
  stream.respond({ events: [event(11, "a")] });
  stream.respond({});
  assertEquals(seen, []);
  watch.release();
  assertEquals(seen, ["11: a", "10"]);
});

Deno.test("a watch ends when more waits than it may keep", async () => {
  const { stream, watch } = await started();
  watch.hold();
  stream.respond({ events: Array.from({ length: 100_001 }, (_, index) => event(11 + index, "a")) });
  assertEquals(await endOf(watch.ended), "overrun");
});

Deno.test("a watch takes breath in a burst and keeps the order", async () => {
  const { stream, seen } = await started(() => {
    const until = performance.now() + 5;
    while (performance.now() < until);
  });
  stream.respond({ events: Array.from({ length: 5 }, (_, index) => event(11 + index, "a")) });
  const atOnce = seen.length;
  stream.respond({ events: [event(16, "a")] });
  await eventually(() => assertEquals(seen.length, 6));
  assertEquals(seen, [11, 12, 13, 14, 15, 16].map((revision) => `${revision}: a`));
  assertEquals(atOnce < 5, true);
});

Deno.test("a watch passes on a revision in pieces that has more events than transactions have", async () => {
  const { stream, seen } = await started();
  const keys = Array.from({ length: 10_000 }, (_, index) => `k${index}`);
  stream.respond({ events: [...keys.map((key) => event(11, key)), event(12, "a")] });
  await eventually(() => assertEquals(seen.length, 11));
  const pieces = seen.slice(0, 10).map((piece) => piece.replace("11: ", "").split(" "));
  assertEquals(pieces.map((piece) => piece.at(-1) === "…"), [...Array(9).fill(true), false]);
  assertEquals(pieces.flat().filter((key) => key !== "…"), keys);
  assertEquals(pieces.every((piece) => piece.length <= 1_024 + 1), true);
});

Deno.test("a watch reads the events of a large revision only as far as they are applied", async () => {
  const { stream, seen } = await started(() => {
    const until = performance.now() + 6;
    while (performance.now() < until);
  });
  let read = 0;
  const events: WatchEvents = {
    length: 100_000,
    at: (index) => event(11, `k${index}`),
    *[Symbol.iterator]() {
      for (; read < 100_000; read++) yield event(11, "k");
    },
  };
  stream.respond({ events });
  assertEquals([seen.length, read <= 1_024], [1, true]);
  await eventually(() => assertEquals(seen.length, Math.ceil(100_000 / 1_024)));
});

Deno.test("a watch ends when it cannot read an event, at once or later", async () => {
  for (const bad of [0, 1, 5_000]) {
    const { stream, watch } = await started();
    const at = (index: number) => {
      if (index === bad) throw new RangeError("index out of range");
      return event(11, `k${index}`);
    };
    const events: WatchEvents = {
      length: 6_000,
      at: (index) => at(index < 0 ? index + 6_000 : index),
      *[Symbol.iterator]() {
        for (let index = 0; index < 6_000; index++) yield at(index);
      },
    };
    stream.respond({ events });
    assertEquals(await endOf(watch.ended), "stream_failed");
  }
});

Deno.test("a watch ends when a change cannot be applied, and stops before the next one", async () => {
  const { stream, watch, seen } = await started(() => {
    throw new SessionEnd("apply_failed", "The sink is full");
  });
  stream.respond({ events: [event(11, "a"), event(12, "b")] });
  assertEquals([await endOf(watch.ended), seen], ["apply_failed", []]);
});
