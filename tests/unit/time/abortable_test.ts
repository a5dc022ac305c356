import { assertEquals, assertRejects } from "@std/assert";
import { abortable, endsBefore, pause } from "../../../src/time/abortable.ts";

const REASON = new Error("not needed any more");
const NEVER = new AbortController().signal;

/** A signal that counts who listens to it. */
class CountedController extends AbortController {
  listeners = 0;

  constructor() {
    super();
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (this.listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (this.listeners--, remove(...args));
  }
}

Deno.test("abortable settles like the work while the signal does not abort", async () => {
  assertEquals(await abortable(Promise.resolve(7), NEVER), 7);
  await assertRejects(() => abortable(Promise.reject(REASON), NEVER), Error, REASON.message);
});

Deno.test("abortable rejects with the reason at once when the signal aborts, whatever the work does", async () => {
  const controller = new AbortController();
  const work = Promise.withResolvers<void>();
  const waiting = abortable(work.promise, controller.signal);
  controller.abort(REASON);
  assertEquals(await waiting.catch((error) => error), REASON);
  work.reject(new Error("nobody waits for this"));
});

Deno.test("abortable takes a signal that has aborted, and ignores how the work ends", async () => {
  const work = Promise.withResolvers<void>();
  assertEquals(await abortable(work.promise, AbortSignal.abort(REASON)).catch((error) => error), REASON);
  work.reject(new Error("nobody waits for this"));
});

Deno.test("endsBefore says whether the work or the signal was first", async () => {
  assertEquals(await endsBefore(NEVER, Promise.resolve()), true);
  const controller = new AbortController();
  const waiting = endsBefore(controller.signal, new Promise(() => {}));
  controller.abort();
  assertEquals(await waiting, false);
  assertEquals(await endsBefore(AbortSignal.abort(), Promise.resolve()), false);
  await assertRejects(() => endsBefore(NEVER, Promise.reject(REASON)), Error, REASON.message);
});

Deno.test("a pause lasts as long as it should, or until the signal aborts", async () => {
  const begunAt = performance.now();
  await pause(20, NEVER);
  assertEquals(performance.now() - begunAt >= 19, true);
  const controller = new AbortController();
  const pausing = pause(3_600_000, controller.signal);
  controller.abort();
  await pausing;
  await pause(3_600_000, controller.signal);
});

Deno.test("nobody listens to the signal after a wait", async () => {
  const controller = new CountedController();
  const { signal } = controller;
  await abortable(Promise.resolve(), signal);
  await assertRejects(() => abortable(Promise.reject(REASON), signal));
  await endsBefore(signal, Promise.resolve());
  await pause(1, signal);
  assertEquals(controller.listeners, 0);
});
