import { assertEquals, assertRejects } from "@std/assert";
import { HttpTarget, redirectTo } from "../../support/http/target.ts";

async function post(url: string, body: BodyInit, signal?: AbortSignal): Promise<[number, string]> {
  const response = await fetch(url, { method: "POST", body, redirect: "manual", signal: signal ?? null });
  return [response.status, await response.text()];
}

Deno.test("HTTP target records requests with the exact bytes of their bodies", async () => {
  await using target = await HttpTarget.start();
  const bytes = new Uint8Array([0, 255, 13, 10, 128]);
  assertEquals(await post(`${target.url}/a/b?c=%20d`, bytes), [200, ""]);
  const [request] = await target.waitForRequests(1);
  assertEquals([request?.method, request?.target], ["POST", "/a/b?c=%20d"]);
  assertEquals(request?.body, bytes);
  assertEquals(request?.headers.get("content-length"), "5");
});

Deno.test("HTTP target gives the next answers in order and then the general one", async () => {
  await using target = await HttpTarget.start();
  target.answer({ status: 201, body: "created" });
  target.answerNext({ status: 503, headers: { "retry-after": "1" } }, redirectTo("/elsewhere", 307));
  assertEquals(await post(target.url, "1"), [503, ""]);
  assertEquals(await post(target.url, "2"), [307, ""]);
  assertEquals(await post(target.url, "3"), [201, "created"]);
  assertEquals(target.requests.map(({ text }) => text), ["1", "2", "3"]);
});

Deno.test("HTTP target holds an answer back until it is released", async () => {
  await using target = await HttpTarget.start();
  const release = Promise.withResolvers<void>();
  target.answerNext({ status: 204, after: release.promise });
  let answered = false;
  const answer = post(target.url, "x").finally(() => answered = true);
  await target.waitForRequests(1);
  assertEquals(answered, false);
  release.resolve();
  assertEquals(await answer, [204, ""]);
});

Deno.test("HTTP target breaks the connection of a request that it drops", async () => {
  await using target = await HttpTarget.start();
  target.answerNext("drop");
  await assertRejects(() => post(target.url, "x"), TypeError);
  assertEquals(await post(target.url, "y"), [200, ""]);
});

Deno.test("HTTP target leaves a request without an answer until the client gives up", async () => {
  await using target = await HttpTarget.start();
  target.answerNext("hang");
  const abort = new AbortController();
  const answer = post(target.url, "x", abort.signal);
  await target.waitForRequests(1);
  abort.abort();
  await assertRejects(() => answer, DOMException);
});

Deno.test("HTTP target can be disposed of while requests hang or are held back", async () => {
  let hanging: Promise<unknown>;
  {
    await using target = await HttpTarget.start();
    target.answerNext("hang", { status: 200, after: Promise.withResolvers<void>().promise });
    hanging = Promise.allSettled([post(target.url, "1"), post(target.url, "2")]);
    await target.waitForRequests(2);
  }
  await hanging;
});

Deno.test("HTTP target does not record a request whose body breaks off", async () => {
  await using target = await HttpTarget.start();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: target.port });
  await connection.write(
    new TextEncoder().encode("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"),
  );
  connection.closeWrite();
  assertEquals(await post(target.url, "whole"), [200, ""]);
  assertEquals((await target.waitForRequests(1)).map(({ text }) => text), ["whole"]);
});
