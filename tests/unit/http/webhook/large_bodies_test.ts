import { assert, assertEquals, assertRejects } from "@std/assert";
import { Deadlines } from "../../../../src/time/deadlines.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { EventBody } from "../../../../src/event/event.ts";
import { readForm } from "../../../../src/http/webhook/form.ts";
import { readJson } from "../../../../src/http/webhook/json_document.ts";
import { finish, LargeBodies, type Steps } from "../../../../src/http/webhook/large_bodies.ts";

/** Work of so many milliseconds, which writes down what it does. */
function* work(name: string, log: string[], steps = 3): Steps<string> {
  for (let step = 0; step < steps; step++) {
    log.push(name);
    const until = performance.now() + 6;
    while (performance.now() < until);
    yield;
  }
  return name;
}

Deno.test("large bodies are worked on one after the other, in the order in which they came", async () => {
  using deadlines = new Deadlines();
  const large = new LargeBodies(deadlines, 60_000);
  const log: string[] = [];
  const results = await Promise.all(["a", "b", "c"].map((name) => large.finish(work(name, log))));
  assertEquals(results, ["a", "b", "c"]);
  assertEquals(log.join(""), "aaabbbccc");
});

Deno.test("everything else runs between the steps of a large body, not between those of a small one", async () => {
  using deadlines = new Deadlines();
  const log: string[] = [];
  const other = setInterval(() => log.push("other"), 0);
  assertEquals(finish(work("small", log)), "small");
  await new LargeBodies(deadlines, 60_000).finish(work("large", log));
  clearInterval(other);
  assertEquals(log.slice(0, 3), ["small", "small", "small"]);
  assertEquals(log.slice(log.indexOf("large"), log.lastIndexOf("large")).includes("other"), true);
});

Deno.test("a body that waits too long for its turn is refused, and does not hold up those behind it", async () => {
  using deadlines = new Deadlines();
  const large = new LargeBodies(deadlines, 200);
  const ends = Promise.withResolvers<void>();
  const first = large.take(() => ends.promise);
  const refused = await assertRejects(() => large.finish(work("late", [])), GatewayError);
  assertEquals([refused.code, refused.retryAfterSeconds], ["overloaded", 1]);
  const third = large.finish(work("third", []));
  ends.resolve();
  await first;
  assertEquals(await third, "third");
});

Deno.test("a body whose work fails hands its turn on", async () => {
  using deadlines = new Deadlines();
  const large = new LargeBodies(deadlines, 60_000);
  const failing = assertRejects(() => large.take(() => Promise.reject(new Error("broken"))), Error, "broken");
  assertEquals(await large.finish(work("next", [])), "next");
  await failing;
});

Deno.test("a thousand bodies may wait, and not one more", async () => {
  using deadlines = new Deadlines();
  const large = new LargeBodies(deadlines, 60_000);
  const ends = Promise.withResolvers<void>();
  const all = [large.take(() => ends.promise)];
  for (let waiting = 0; waiting < 1_000; waiting++) all.push(large.take(() => Promise.resolve()));
  assertEquals((await assertRejects(() => large.finish(work("more", [])), GatewayError)).code, "overloaded");
  ends.resolve();
  await Promise.all(all);
});

const KIB = 1024;
const LIMITS = { maxDepth: Infinity, maxValues: Infinity, maxBytes: 4096 * KIB };
const FORM = new Headers({ "content-type": "application/x-www-form-urlencoded" });
const LATIN = new Headers({ "content-type": "application/json; charset=iso-8859-1" });

function bytesOf(text: string): EventBody {
  return EventBody.fromBytes(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}

/** Ways to read a body of 512 KiB. */
const readings: readonly [name: string, steps: () => Steps<EventBody>, length: number][] = [
  [
    "a list of numbers",
    () => readJson(bytesOf(`[${"1,".repeat(256 * KIB)}1]`), new Headers(), LIMITS),
    512 * KIB + 3,
  ],
  [
    "one long text",
    () => readJson(bytesOf(`"${"x".repeat(512 * KIB)}"`), new Headers(), LIMITS),
    512 * KIB + 2,
  ],
  [
    "a document in ISO-8859-1",
    () => readJson(bytesOf(`"${"\xe9".repeat(512 * KIB)}"`), LATIN, LIMITS),
    1024 * KIB + 2,
  ],
  [
    "a form",
    () =>
      readForm(bytesOf(`a=${"%22".repeat(512 * KIB)}`), FORM, { name: undefined, isOptional: false }, LIMITS),
    1024 * KIB + 8,
  ],
  [
    "a field",
    () =>
      readForm(bytesOf(`a=[${"[],".repeat(256 * KIB)}0]`), FORM, { name: "a", isOptional: false }, LIMITS),
    768 * KIB + 3,
  ],
];
for (const [name, read, length] of readings) {
  Deno.test(`reading ${name} may be interrupted after every 64 KiB`, () => {
    const steps = read();
    let pauses = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) pauses++;
    assert(pauses >= 512 / 64 - 1, `${pauses} pauses`);
    assertEquals([step.value.isJson(), step.value.bytes.byteLength], [true, length]);
  });
}
