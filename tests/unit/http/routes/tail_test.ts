import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { GatewayError } from "../../../../src/errors.ts";
import type { AnsweredRequest } from "../../../../src/http/tail/tail.ts";
import { Tail } from "../../../../src/http/tail/tail.ts";
import { ClientAddressResolver } from "../../../../src/auth/client_address.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const AUTHORIZATION = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** What a follower reads, one after the other. */
class Followed implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(response: Response) {
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(gateway: TestGateway, query: string): Promise<Followed> {
    const response = await fetch(gateway.url(`/admin/tail${query}`), { headers: AUTHORIZATION });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const followed = new Followed(response);
    assertMatch((await followed.block())!, /^: requests from now on/);
    return followed;
  }

  /** The next block of lines; `undefined` at the end. */
  async block(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#text += value;
    }
  }

  async next(): Promise<AnsweredRequest> {
    return JSON.parse((await this.block())!.replace(/^data: /, ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}

Deno.test("who follows requests is told of each, with its outcome and why it was refused", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "log" },
      guarded: { module: "log", authorization: "Bearer the-secret-of-the-sender" },
    },
    environment: { ADMIN_TOKEN },
  });
  const post = async (path: string, headers: HeadersInit = {}) =>
    await gateway.post(`/webhook/${path}`, '{"secret":"of-the-body"}', headers);
  await using all = await Followed.open(gateway, "");
  await using orders = await Followed.open(gateway, "?webhook=default/orders");
  await using refused = await Followed.open(gateway, "?namespace=default&refused=true");
  await using missed = await Followed.open(gateway, "?outcome=webhook_not_found");

  const accepted = JSON.parse((await post("orders")).text);
  await post("guarded", { authorization: "Bearer a-wrong-one" });
  await post("none");

  const first = await all.next();
  assertEquals([first.namespace, first.webhook, first.outcome], ["default", "orders", "accepted"]);
  assertEquals([first.status, first.id, first.client], [200, accepted.event_id, "127.0.0.1"]);
  assert(first.ms >= 0 && Math.abs(Date.now() - first.at) < 600_000);
  assertEquals(await orders.next(), first);

  const second = await all.next();
  assertEquals([second.webhook, second.outcome, second.status], ["guarded", "unauthorized", 401]);
  assertEquals(await refused.next(), second);
  assert(second.reason !== undefined && !JSON.stringify(second).includes("a-wrong-one"));
  assert(!JSON.stringify(second).includes("of-the-body"));

  const third = await all.next();
  assertEquals([third.webhook, third.outcome, third.status], ["none", "webhook_not_found", 404]);
  assertEquals(await missed.next(), third);
  assertEquals(await refused.next(), third);
});

Deno.test("a tail asks for a token and a known query, and has an end for how many may look", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log" } },
    environment: { ADMIN_TOKEN },
  });
  const ask = async (query: string, headers: HeadersInit = AUTHORIZATION, method = "GET") => {
    const answer = await gateway.request(`/admin/tail${query}`, { method, headers });
    return answer.status === 200 ? 200 : errorCode(answer);
  };
  assertEquals(await ask("", {}), "unauthorized");
  for (const query of ["?webhook=orders", "?refused=yes", "?webhook=a/b&webhook=c/d", "?since=1"]) {
    assertEquals(await ask(query), "invalid_query");
  }
  await using followers = new AsyncDisposableStack();
  for (let count = 0; count < 16; count++) followers.use(await Followed.open(gateway, ""));
  assertEquals(await ask(""), "overloaded");
  // It would hold a place without reading.
  assertEquals(
    (await fetch(gateway.url("/admin/tail"), { method: "HEAD", headers: AUTHORIZATION })).status,
    200,
  );
});

Deno.test("a tail ends with its gateway, and what was told before is read to the end", async () => {
  const gateway = await TestGateway.start({
    webhooks: { orders: { module: "log" } },
    environment: { ADMIN_TOKEN },
  });
  await using followed = await Followed.open(gateway, "");
  await gateway.post("/webhook/orders", "{}");
  const closing = gateway[Symbol.asyncDispose]();
  assertEquals((await followed.next()).webhook, "orders");
  assertEquals(await followed.block(), undefined);
  await closing;
});

Deno.test("what comes faster than it is read is dropped with a count, and takes no memory", async () => {
  const tail = new Tail();
  const note = (id: string) =>
    tail.note(
      {
        webhook: "default/orders",
        headers: new Headers(),
        peerAddress: "127.0.0.1",
        clientAddresses: new ClientAddressResolver([]),
      },
      { id, at: Date.now(), ms: 1, status: 200, bytes: 2 },
      "accepted",
    );
  assertEquals(tail.isFollowed, false);
  const follower = tail.follow(() => true);
  for (let number = 0; number < 2_500; number++) note(`${number}`);
  const told = await follower.next(60_000);
  assertEquals([told.lines.length, told.dropped, told.isLast], [1_000, 1_500, false]);
  note("another");
  assertEquals((await follower.next(60_000)).dropped, 0);
  follower.end();
  assertEquals(tail.isFollowed, false);
  assertEquals(await follower.next(60_000), { lines: [], dropped: 0, isLast: true });
  const followers = Array.from({ length: 16 }, () => tail.follow(() => true));
  await assertRejects(async () => await Promise.resolve(tail.follow(() => true)), GatewayError);
  for (const each of followers) each.end();
});
