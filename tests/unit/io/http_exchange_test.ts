import { assert, assertEquals, assertRejects } from "@std/assert";
import { Agent } from "node:http";
import {
  exchange,
  type ExchangeOptions,
  NoAnswerError,
  type WholeAnswer,
} from "../../../src/io/http_exchange.ts";
import { HttpTarget, redirectTo } from "../../support/http/target.ts";

const NEVER = new AbortController().signal;

function ask(
  port: number,
  maxBytes = 100,
  signal = NEVER,
  agent: Agent | false = false,
): Promise<WholeAnswer> {
  const options: ExchangeOptions = {
    protocol: "http:",
    hostname: "127.0.0.1",
    port,
    path: "/path?query",
    method: "POST",
    agent,
    headers: { "content-length": 4 },
  };
  return exchange(options, "body", maxBytes, signal);
}

/** Why there is no answer, and whether the server may have seen the request. */
async function failure(answer: Promise<WholeAnswer>): Promise<readonly [isSent: boolean, cause: string]> {
  const { isSent, cause } = await assertRejects(() => answer, NoAnswerError);
  return [isSent, cause.message];
}

Deno.test("an exchange returns the whole answer, and takes a redirect for one", async () => {
  await using target = await HttpTarget.start();
  target.answerNext({ status: 400, body: "x".repeat(100) }, redirectTo("/elsewhere"));
  const { status, body } = await ask(target.port);
  assertEquals([status, new TextDecoder().decode(body)], [400, "x".repeat(100)]);
  const redirect = await ask(target.port);
  assertEquals([redirect.status, redirect.headers.location], [302, "/elsewhere"]);
  const [first] = await target.waitForRequests(2);
  assertEquals([first?.method, first?.target, first?.text], ["POST", "/path?query", "body"]);
});

Deno.test("an exchange reads no answer that is longer than its bound", async () => {
  await using target = await HttpTarget.start();
  target.answer({ status: 200, body: "x".repeat(101) });
  assertEquals(await failure(ask(target.port)), [true, "the answer is longer than 100 bytes"]);
});

Deno.test("an exchange that breaks off is not repeated, and says that the request was sent", async () => {
  await using target = await HttpTarget.start();
  target.answerNext("drop");
  const [isSent] = await failure(ask(target.port));
  assert(isSent);
  assertEquals(target.requests.length, 1);
});

Deno.test("exchanges over a kept connection leave nothing at it, and say that a request was sent", async () => {
  await using target = await HttpTarget.start();
  const agent = new Agent({ keepAlive: true });
  try {
    await ask(target.port, 100, NEVER, agent);
    const [kept] = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []);
    const listeners = () => kept?.eventNames().map((name) => kept.listenerCount(name));
    await ask(target.port, 100, NEVER, agent);
    const before = listeners();
    for (let times = 0; times < 3; times++) await ask(target.port, 100, NEVER, agent);
    assertEquals(listeners(), before);
    target.answer({ status: 200, body: "x".repeat(101) });
    assertEquals((await failure(ask(target.port, 100, NEVER, agent)))[0], true);
    assertEquals(target.requests.length, 6);
  } finally {
    agent.destroy();
  }
});

Deno.test("an exchange says that nothing was sent where nothing listens or it begins too late", async () => {
  const target = await HttpTarget.start();
  const { port } = target;
  const [isLateSent, reason] = await failure(ask(port, 100, AbortSignal.abort(new Error("too late"))));
  assertEquals([isLateSent, reason], [false, "too late"]);
  await target[Symbol.asyncDispose]();
  const [isSent] = await failure(ask(port));
  assert(!isSent);
});

Deno.test("an exchange ends with the reason of its signal while the server is silent", async () => {
  await using target = await HttpTarget.start();
  target.answer("hang");
  const aborter = new AbortController();
  const answer = failure(ask(target.port, 100, aborter.signal));
  await target.waitForRequests(1);
  aborter.abort(new Error("given up"));
  assertEquals(await answer, [true, "given up"]);
});
