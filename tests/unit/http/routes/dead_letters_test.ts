import { assertEquals, assertStringIncludes } from "@std/assert";
import type { DeadLetterDetail, DeadLetterRow } from "../../../../src/dead_letters/view.ts";
import { DeliveryError } from "../../../../src/errors.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Answer, errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";

const ADMIN_TOKEN = "a-token-for-this-test";

/** A gateway whose events become dead letters, for a reason that depends on the webhook. */
class Letters implements AsyncDisposable {
  refuses = true;
  readonly #gateway: TestGateway;

  private constructor(gateway: TestGateway) {
    this.#gateway = gateway;
  }

  static async start(environment: Readonly<Record<string, string>> = { ADMIN_TOKEN }): Promise<Letters> {
    const probe = new ProbeModule({ acceptance: "durable" });
    const entry = { module: "probe", retry: { max_attempts: 1 } };
    const gateway = await TestGateway.start({
      webhooks: { orders: entry, payments: entry },
      modules: [probe.module],
      environment,
    });
    const letters = new Letters(gateway);
    probe.behaviour = ({ event }) => {
      if (!letters.refuses) return "delivered";
      return new DeliveryError(
        event.webhook === "orders" ? "output_rejected" : "output_failed",
        "It says no",
      );
    };
    return letters;
  }

  /** Sends events that become dead letters one after the other, and returns their ids. */
  async bury(webhook: string, count = 1): Promise<string[]> {
    const ids: string[] = [];
    for (let sent = 0; sent < count; sent++) {
      const { text } = await this.#gateway.post(`/webhook/${webhook}`, `{"number":${sent}}`);
      const { event_id: id } = JSON.parse(text) as { event_id: string };
      await eventually(async () => assertEquals((await this.ask(`/show?id=${id}`)).status, 200));
      ids.push(id);
    }
    return ids;
  }

  async ask(path: string, method = "GET", token = ADMIN_TOKEN): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}` };
    return await this.#gateway.request(`/admin/dead-letters${path}`, { method, headers });
  }

  async list(query = ""): Promise<{ dead_letters: DeadLetterRow[]; cursor: string | null }> {
    const answer = await this.ask(query);
    assertEquals(answer.status, 200, answer.text);
    return JSON.parse(answer.text);
  }

  async ids(query = ""): Promise<string[]> {
    return (await this.list(query)).dead_letters.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway[Symbol.asyncDispose]();
  }
}

Deno.test("dead letters are listed oldest first, by every filter alone and by several together", async () => {
  await using letters = await Letters.start();
  const [order] = await letters.bury("orders");
  const [payment] = await letters.bury("payments");
  const all = [order!, payment!];
  const expected: readonly [query: string, ids: readonly string[]][] = [
    ["", all],
    ["?namespace=default", all],
    ["?namespace=other", []],
    ["?webhook=orders", [order!]],
    ["?connection=probe", all],
    ["?connection=other", []],
    ["?reason=output_failed", [payment!]],
    [`?id=${payment}`, [payment!]],
    [`?id=${payment}&id=${order}&id=unknown`, all],
    ["?newer-than=1h", all],
    ["?older-than=1h", []],
    ["?webhook=orders&reason=output_failed", []],
    ["?webhook=payments&reason=output_failed&newer-than=1h", [payment!]],
  ];
  for (const [query, ids] of expected) assertEquals(await letters.ids(query), ids, query);
});

Deno.test("pages of a list follow each other by their cursors, and the last one has none", async () => {
  await using letters = await Letters.start();
  const ids = await letters.bury("orders", 5);
  const pages: string[][] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page = await letters.list(`?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
    pages.push(page.dead_letters.map(({ id }) => id));
    cursor = page.cursor;
  }
  assertEquals(pages, [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
  assertEquals((await letters.list("?limit=5")).cursor, null);
});

Deno.test("a dead letter is shown with its body, and what is not there is not found", async () => {
  await using letters = await Letters.start();
  const [id] = await letters.bury("orders");
  const letter = JSON.parse((await letters.ask(`/show?id=${id}`)).text) as DeadLetterDetail;
  assertEquals([letter.id, letter.body, letter.reason, letter.message, letter.attempts], [
    id,
    '{"number":0}',
    "output_rejected",
    "It says no",
    1,
  ]);
  const missing = await letters.ask("/show?id=unknown");
  assertEquals([missing.status, errorCode(missing)], [404, "not_found"]);
});

Deno.test("replay and drop change the letters of the filter and no others", async () => {
  await using letters = await Letters.start();
  const orders = await letters.bury("orders", 2);
  const payments = await letters.bury("payments", 2);
  letters.refuses = false;
  const replay = await letters.ask(`/replay?id=${orders[0]}`, "POST");
  assertEquals([replay.status, replay.text.trim()], [200, '{"replayed":1}']);
  assertEquals(await letters.ids(), [orders[1], ...payments]);
  assertEquals((await letters.ask("/drop?webhook=payments", "POST")).text.trim(), '{"dropped":2}');
  assertEquals(await letters.ids(), [orders[1]]);
  assertEquals((await letters.ask("/drop?all=true", "POST")).text.trim(), '{"dropped":1}');
  assertEquals(await letters.ids(), []);
});

Deno.test("a query that is not understood is refused in words, and nothing is changed", async () => {
  await using letters = await Letters.start();
  const ids = await letters.bury("orders");
  const refused: readonly [path: string, method: string, word: string][] = [
    ["?limit=0", "GET", "limit"],
    ["?limit=1001", "GET", "limit"],
    ["?limit=many", "GET", "'many'"],
    ["?cursor=abc", "GET", "cursor"],
    ["?cursor=-1", "GET", "cursor"],
    ["?older-than=5", "GET", "older-than"],
    ["?newer-than=soon", "GET", "newer-than"],
    ["?webhok=orders", "GET", "webhok"],
    ["?all=true", "GET", "all"],
    ["/show", "GET", "id"],
    ["/show?id=a&id=b", "GET", "id"],
    ["/show?id=a&webhook=orders", "GET", "webhook"],
    ["/replay", "POST", "all=true"],
    ["/replay?limit=1&all=true", "POST", "limit"],
    ["/drop", "POST", "all=true"],
    ["/drop?all=false", "POST", "all=true"],
    ["/drop?all=true&webhook=orders", "POST", "all=true"],
    ["/drop?webhook=", "POST", "webhook"],
    ["/drop?webhook=payments&webhook=orders", "POST", "webhook"],
  ];
  for (const [path, method, word] of refused) {
    const answer = await letters.ask(path, method);
    assertEquals([path, answer.status, errorCode(answer)], [path, 400, "invalid_query"]);
    assertStringIncludes(answer.text, word);
  }
  assertEquals(await letters.ids(), ids);
});

const ROUTES = [["", "GET"], ["/show?id=a", "GET"], ["/replay?all=true", "POST"], ["/drop?all=true", "POST"]];

Deno.test("the routes of dead letters answer only with the admin token, and not where none is set", async () => {
  await using open = await Letters.start();
  await using closed = await Letters.start({});
  for (const [path, method] of ROUTES) {
    const wrong = await open.ask(path!, method, `${ADMIN_TOKEN}x`);
    assertEquals([wrong.status, errorCode(wrong)], [401, "unauthorized"]);
    const none = await closed.ask(path!, method, "undefined");
    assertEquals([none.status, errorCode(none)], [403, "forbidden"]);
  }
});

Deno.test("replay and drop are no GET requests, so that no link changes anything", async () => {
  await using letters = await Letters.start();
  for (const path of ["/replay?all=true", "/drop?all=true"]) {
    const answer = await letters.ask(path);
    assertEquals([answer.status, answer.headers.get("allow")], [405, "POST"]);
  }
});
