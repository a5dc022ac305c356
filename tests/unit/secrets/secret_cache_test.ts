import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { SecretCache, type SecretCacheOptions } from "../../../src/secrets/secret_cache.ts";
import type { SecretAnswer, SecretSource } from "../../../src/secrets/source.ts";
import { eventually } from "../../support/eventually.ts";

function found(text: string, version?: number): SecretAnswer {
  return { state: "found", fields: new Map([["", text]]), ...(version === undefined ? {} : { version }) };
}

const AWAY: SecretAnswer = { state: "unavailable", reason: "away" };

/** A store of secrets in memory that counts its reads, and holds them back while it is told to. */
class Store implements SecretSource {
  readonly answers = new Map<string, SecretAnswer>();
  /** What the next reads get, whatever their paths are. */
  readonly next: SecretAnswer[] = [];
  readonly reads: string[] = [];
  underWay = 0;
  mostUnderWay = 0;
  held = Promise.resolve();

  async read(path: string): Promise<SecretAnswer> {
    this.reads.push(path);
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    await this.held;
    this.underWay--;
    return this.next.shift() ?? this.answers.get(path) ?? { state: "absent", reason: "not there" };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

const NEVER_MS = 3_600_000;

function open(store: Store, options: Partial<SecretCacheOptions> = {}): SecretCache {
  return new SecretCache({
    source: store,
    refreshMs: NEVER_MS,
    maxPaths: 100,
    maxPathsAdvice: "raise the maximum",
    logger: getLogger(["cwm", "test"]),
    shortestPauseMs: 5,
    ...options,
  });
}

function textOf(cache: SecretCache, path: string): string | undefined {
  const { answer } = cache.find(path);
  return answer?.state === "found" ? answer.fields.get("") : undefined;
}

Deno.test("a path is read once for all its users, and let go with the last of them", async () => {
  const store = new Store();
  store.answers.set("a", found("one"));
  await using cache = open(store);
  for (let user = 0; user < 1000; user++) cache.use("a");
  assert(cache.isReading);
  await cache.settled();
  assert(!cache.isReading);
  assertEquals(textOf(cache, "a"), "one");
  assertEquals(store.reads, ["a"]);

  for (let user = 0; user < 999; user++) cache.release("a");
  assertEquals(textOf(cache, "a"), "one");
  cache.release("a");
  assertEquals(cache.find("a").answer, undefined);
});

Deno.test("few reads are under way at a time", async () => {
  const store = new Store();
  const held = Promise.withResolvers<void>();
  store.held = held.promise;
  await using cache = open(store);
  for (let path = 0; path < 50; path++) cache.use(String(path));
  await eventually(() => assertEquals(store.underWay, 4));
  held.resolve();
  await cache.settled();
  assertEquals(new Set(store.reads).size, 50);
  assertEquals(store.mostUnderWay, 4);
});

Deno.test("what was read last stays while the source is away, is marked, and is asked for again", async () => {
  const store = new Store();
  store.answers.set("a", found("one"));
  await using cache = open(store);
  const changes: string[] = [];
  cache.onChange = (path) => changes.push(path);
  cache.use("a");
  await cache.settled();
  store.answers.set("a", AWAY);
  await cache.readAll();
  assertEquals([textOf(cache, "a"), cache.find("a").trouble], ["one", "away"]);
  const before = store.reads.length;
  await eventually(() => assert(store.reads.length >= before + 2));
  assertEquals(changes, ["a", "a"]);

  store.answers.set("a", found("two"));
  await eventually(() => assertEquals(textOf(cache, "a"), "two"));
  assertEquals(cache.find("a").trouble, undefined);
});

Deno.test("a source that is away from the start gives no answer, and that is known", async () => {
  const store = new Store();
  store.answers.set("a", AWAY);
  await using cache = open(store);
  cache.use("a");
  await cache.settled();
  assertEquals(cache.find("a"), { answer: undefined, trouble: "away" });
});

Deno.test("paths are read again when their answers are as old as they may be", async () => {
  const store = new Store();
  store.answers.set("a", found("one"));
  await using cache = open(store, { refreshMs: 10 });
  cache.use("a");
  await cache.settled();
  store.answers.set("a", found("two"));
  await eventually(() => assertEquals(textOf(cache, "a"), "two"));
});

Deno.test("an answer that says the same changes nothing", async () => {
  const store = new Store();
  store.answers.set("a", found("one", 1));
  await using cache = open(store);
  let changes = 0;
  cache.onChange = () => changes++;
  cache.use("a");
  cache.use("b");
  await cache.settled();
  store.answers.set("a", found("one", 2));
  await cache.readAll();
  assertEquals([changes, store.reads.length], [2, 4]);
});

Deno.test("a renewed path is read again, and once more while the version is the old one", async () => {
  const store = new Store();
  // As from a standby that lags behind for the first two.
  store.next.push(found("one", 1), found("one", 1), found("two", 2));
  await using cache = open(store);
  cache.use("a");
  await cache.settled();
  cache.renew("a");
  cache.renew("a");
  await eventually(() => assertEquals(textOf(cache, "a"), "two"));
  assertEquals(store.reads.length, 3);
});

Deno.test("a path that changes while it is read is read again after it", async () => {
  const store = new Store();
  store.answers.set("a", found("one"));
  await using cache = open(store);
  cache.use("a");
  await cache.settled();
  const held = Promise.withResolvers<void>();
  store.held = held.promise;
  const first = cache.readAll();
  await eventually(() => assertEquals(store.underWay, 1));
  const second = cache.readAll();
  held.resolve();
  await first;
  store.answers.set("a", found("two"));
  await second;
  assertEquals(textOf(cache, "a"), "two");
});

Deno.test("paths beyond the maximum are not read, say what to do, and are read when there is room", async () => {
  const store = new Store();
  await using cache = open(store, { maxPaths: 2 });
  for (const path of ["a", "b", "c"]) {
    store.answers.set(path, found(path));
    cache.use(path);
  }
  await cache.settled();
  const { answer } = cache.find("c");
  assertStringIncludes(answer?.state === "misconfigured" ? answer.reason : "", "raise the maximum");
  assertEquals(store.reads, ["a", "b"]);
  cache.release("a");
  await eventually(() => assertEquals(textOf(cache, "c"), "c"));
});

Deno.test("a cache that is closed while it reads ends those who wait", async () => {
  const store = new Store();
  const held = Promise.withResolvers<void>();
  store.held = held.promise;
  const cache = open(store);
  for (const path of ["a", "b", "c", "d", "e"]) cache.use(path);
  const settled = cache.settled();
  const closed = cache[Symbol.asyncDispose]();
  await settled;
  held.resolve();
  await closed;
  assertEquals(store.reads.length, 4);
});
