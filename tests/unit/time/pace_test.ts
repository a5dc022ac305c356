import { assert, assertEquals, assertRejects } from "@std/assert";
import { inSlices } from "../../../src/time/pace.ts";

const { signal } = new AbortController();
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

Deno.test("work in slices reaches every item once and in order", async () => {
  const slices: number[][] = [];
  await inSlices(numbers(10_000), (slice) => void slices.push([...slice]), signal);
  assertEquals(slices.flat(), numbers(10_000));
  assert(slices.length > 1);
});

Deno.test("work in slices lets other work run in between", async () => {
  let ran = 0;
  const other = setInterval(() => ran++, 0);
  await inSlices(numbers(300), () => {
    const until = performance.now() + 5;
    while (performance.now() < until);
  }, signal);
  clearInterval(other);
  assert(ran > 0);
});

Deno.test("work in slices lets connections of others be taken and read in between", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const exchange = async () => {
    const [client, server] = await Promise.all([
      Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
      listener.accept(),
    ]);
    await client.write(new Uint8Array([1]));
    await server.read(new Uint8Array(1));
    client.close();
    server.close();
  };
  let isOver = false;
  const exchanged = exchange().then(() => isOver);
  await inSlices(numbers(300), () => {
    const until = performance.now() + 5;
    while (performance.now() < until);
  }, signal);
  isOver = true;
  assertEquals(await exchanged, false, "it was over only when the work was");
});

Deno.test("work in slices keeps together what belongs together", async () => {
  const items = numbers(5_000).map((index) => Math.floor(index / 300));
  const slices: (readonly number[])[] = [];
  await inSlices(items, (slice) => void slices.push(slice), signal, (left, right) => left === right);
  assertEquals(slices.flat(), items);
  for (const [index, slice] of slices.entries()) assert(slice.at(-1) !== slices[index + 1]?.[0]);
});

Deno.test("work in slices ends between two of them when it is aborted", async () => {
  const aborter = new AbortController();
  let calls = 0;
  await assertRejects(
    () =>
      inSlices(numbers(1_000), () => {
        calls++;
        aborter.abort(new Error("Enough"));
      }, aborter.signal),
    Error,
    "Enough",
  );
  assertEquals(calls, 1);
});
