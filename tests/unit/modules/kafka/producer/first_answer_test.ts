import { assertEquals, assertRejects } from "@std/assert";
import { firstAnswer, type Source } from "../../../../../src/modules/kafka/producer/first_answer.ts";

/** Longer than any test: what is waited for comes by another way. */
const NEVER_BESIDE_MS = 3_600_000;

function failing(message: string): Source<string> {
  return () => Promise.reject(new Error(message));
}

/** Never answers; ends when it is told to. */
function silent(ended: () => void): Source<string> {
  return (signal) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        ended();
        reject(new Error("aborted"));
      }, { once: true })
    );
}

Deno.test("the next source is asked at once when one has failed", async () => {
  const { signal } = new AbortController();
  const sources = [failing("one"), failing("two"), () => Promise.resolve("three")];
  assertEquals(await firstAnswer(sources, NEVER_BESIDE_MS, signal), "three");
});

Deno.test("the next source is asked beside one that is silent, which then is told to end", async () => {
  const { signal } = new AbortController();
  let ended = 0;
  const sources = [silent(() => ended++), silent(() => ended++), () => Promise.resolve("third")];
  assertEquals(await firstAnswer(sources, 1, signal), "third");
  assertEquals(ended, 2);
});

Deno.test("sources are not asked that are not needed", async () => {
  const { signal } = new AbortController();
  let asked = 0;
  const source = () => {
    asked++;
    return Promise.resolve("answer");
  };
  assertEquals(await firstAnswer([source, source], NEVER_BESIDE_MS, signal), "answer");
  assertEquals(asked, 1);
});

Deno.test("the failure of the first source is reported when all have failed", async () => {
  const { signal } = new AbortController();
  await assertRejects(
    () => firstAnswer([failing("one"), failing("two")], NEVER_BESIDE_MS, signal),
    Error,
    "one",
  );
});

Deno.test("sources are told to end when nobody wants an answer any more", async () => {
  const controller = new AbortController();
  let ended = 0;
  const pending = firstAnswer([silent(() => ended++)], NEVER_BESIDE_MS, controller.signal);
  controller.abort();
  await assertRejects(() => pending, Error, "aborted");
  assertEquals(ended, 1);
});
