import { assert, assertEquals, assertRejects } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import type { RecordPageRow, RecordRow } from "../../../../src/records/view.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Answer, errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const SECRET = "Bearer the-secret-of-the-sender";

/** A gateway that keeps what it has delivered. Webhook `letters` delivers nothing. */
class Events implements AsyncDisposable {
  /** What was delivered: webhook and event id. */
  readonly delivered: string[] = [];
  lastAt: number | undefined;
  readonly #gateway: TestGateway;

  private constructor(gateway: TestGateway) {
    this.#gateway = gateway;
  }

  static async start(environment: Readonly<Record<string, string>> = { ADMIN_TOKEN }): Promise<Events> {
    const probe = new ProbeModule({ acceptance: "durable" });
    const entry = { module: "probe", retry: { max_attempts: 1 }, data_type: "blob" };
    const guarded = { ...entry, authorization: SECRET };
    const gateway = await TestGateway.start({
      webhooks: { orders: entry, guarded, letters: entry, broken: { module: "lgo" } },
      modules: [probe.module],
      environment: { JOURNAL_RETENTION_MS: "3600000", ...environment },
    });
    const events = new Events(gateway);
    probe.behaviour = ({ event: { webhook, id } }) => {
      if (webhook === "letters") return new DeliveryError("output_rejected", "It says no");
      events.delivered.push(`${webhook} ${id}`);
      return "delivered";
    };
    return events;
  }

  /** Sends an event, waits until it is settled, and returns its id. */
  async send(webhook: string, body: BodyInit = "{}", headers: HeadersInit = {}): Promise<string> {
    const { text } = await this.#gateway.post(`/webhook/${webhook}`, body, headers);
    const { event_id: id } = JSON.parse(text) as { event_id: string };
    await this.settled(id);
    return id;
  }

  /** Sends a request that is refused, and returns its id. */
  async sendRefused(): Promise<string> {
    return (await this.#gateway.post("/webhook/guarded", "{}")).headers.get("x-request-id")!;
  }

  async settled(id: string): Promise<void> {
    await eventually(async () => {
      const { events } = await this.list(`?id=${id}`);
      assert(events.every(({ state }) => state === "delivered" || state === "dead_letter"));
    });
  }

  async ask(path: string, method = "GET", token = ADMIN_TOKEN): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}` };
    return await this.#gateway.request(`/admin/events${path}`, { method, headers });
  }

  async list(query = ""): Promise<RecordPageRow> {
    const answer = await this.ask(query);
    assertEquals(answer.status, 200, answer.text);
    return JSON.parse(answer.text);
  }

  async ids(query = ""): Promise<string[]> {
    return (await this.list(query)).events.map(({ id }) => id);
  }

  async replay(query: string): Promise<Record<string, unknown>> {
    const answer = await this.ask(`/replay${query}`, "POST");
    assertEquals(answer.status, 200, answer.text);
    return JSON.parse(answer.text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway[Symbol.asyncDispose]();
  }
}

Deno.test("events and refused requests are one list by time, whose pages follow each other", async () => {
  await using events = await Events.start();
  const expected: string[] = [];
  for (const step of ["orders", "refused", "letters", "refused", "refused", "guarded", "orders"]) {
    // Their times must differ, since by them the two are put together.
    await eventually(() => assert(Date.now() > (events.lastAt ?? 0)));
    expected.push(
      step === "refused"
        ? await events.sendRefused()
        : await events.send(step, "{}", step === "guarded" ? { authorization: SECRET } : {}),
    );
    events.lastAt = Date.now();
  }
  for (const order of ["newest", "oldest"]) {
    const inOrder = order === "oldest" ? expected : expected.toReversed();
    for (const limit of [1, 3, 100]) {
      const pages: RecordRow[] = [];
      for (let cursor: string | null = "";;) {
        const page: RecordPageRow = await events.list(
          `?order=${order}&limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`,
        );
        pages.push(...page.events);
        cursor = page.cursor;
        if (cursor === null) break;
      }
      assertEquals(pages.map(({ id }) => id), inOrder, `${order}, ${limit} a page`);
    }
    const { events: all } = await events.list(`?order=${order}`);
    const behindThird = await events.ids(`?order=${order}&cursor=${all[2]!.cursor}`);
    assertEquals(behindThird, inOrder.slice(3));
  }
});

Deno.test("events are found by webhook, state, time and id, and each says what is known of it", async () => {
  await using events = await Events.start();
  const done = await events.send("orders");
  const dead = await events.send("letters");
  const refused = await events.sendRefused();
  const expected: readonly [query: string, ids: readonly string[]][] = [
    ["?webhook=default/orders", [done]],
    ["?namespace=default&webhook=letters", [dead]],
    ["?state=delivered&state=refused", [refused, done]],
    ["?state=refused", [refused]],
    ["?state=waiting", []],
    [`?id=${done}&id=${refused}`, [refused, done]],
    ["?since=2020-01-01T00:00Z&until=2100-01-01T00:00:00%2B01:00", [refused, dead, done]],
    ["?newer-than=1h", [refused, dead, done]],
    ["?older-than=1h", []],
  ];
  for (const [query, ids] of expected) assertEquals(await events.ids(query), ids, query);
  const [refusal, letter, delivery] = (await events.list()).events;
  assertEquals([refusal?.state, refusal?.reason, refusal?.status], ["refused", "unauthorized", 401]);
  assertEquals(refusal?.client, "127.0.0.1");
  assertEquals(
    [letter?.state, letter?.reason, letter?.message, letter?.connection, letter?.attempts],
    ["dead_letter", "output_rejected", "It says no", "probe", 1],
  );
  assertEquals([delivery?.state, delivery?.bytes, delivery?.headers], ["delivered", 2, undefined]);
  assert(delivery!.delivered_at! >= delivery!.received_at);
});

Deno.test("events show their contents on demand, and never a credential", async () => {
  await using events = await Events.start();
  const secrets = { authorization: SECRET, "x-api-key": "the-key", cookie: "session=1" };
  await events.send("guarded", '{"text":"Grüße"}', { ...secrets, "x-kept": "yes" });
  await events.send("orders", new Uint8Array([0xff, 0x00]));
  const { events: [binary, text] } = await events.list("?contents=true");
  assertEquals([text?.body, text?.headers?.["x-kept"]], ['{"text":"Grüße"}', "yes"]);
  assertEquals([binary?.body, binary?.body_base64], [undefined, "/wA="]);
  const shown = JSON.stringify(text);
  for (const secret of [SECRET, "the-key", "session=1"]) assert(!shown.includes(secret), secret);
});

Deno.test("what was delivered goes again to its webhook, or to another one, with its event id", async () => {
  await using events = await Events.start();
  const done = await events.send("orders");
  const dead = await events.send("letters");
  assertEquals(await events.replay(`?id=${done}`), { replayed: 1, skipped: 0, cursor: null });
  await eventually(() => assertEquals(events.delivered, [`orders ${done}`, `orders ${done}`]));
  await events.settled(done);
  assertEquals(await events.replay("?all=true&to=default/guarded"), {
    replayed: 2,
    skipped: 0,
    cursor: null,
  });
  await eventually(() => assertEquals(events.delivered.slice(2), [`guarded ${done}`, `guarded ${dead}`]));
  assertEquals((await events.list(`?id=${dead}`)).events.map(({ webhook, state }) => [webhook, state]), [
    ["guarded", "delivered"],
    ["letters", "dead_letter"],
  ]);
});

Deno.test("a query of events that is not understood is refused in words, and nothing is replayed", async () => {
  await using events = await Events.start();
  const done = await events.send("orders");
  const list = [
    "?webhok=orders",
    "?state=dead",
    "?state=",
    "?since=yesterday",
    "?since=2026-01-01",
    "?until=2026-02-30T00:00:00Z",
    "?newer-than=1y",
    "?since=2026-01-01T00:00:00Z&newer-than=1h",
    "?namespace=default&webhook=default/orders",
    "?webhook=default/orders/1",
    "?order=random",
    "?contents=1",
    "?limit=0",
    "?limit=1001",
    "?cursor=1",
    "?cursor=o1-2",
    "?cursor=b.1-2-3",
  ];
  for (const query of list) {
    const answer = await events.ask(query);
    assertEquals([answer.status, errorCode(answer)], [400, "invalid_query"], query);
  }
  for (const query of ["", `?id=${done}&all=true`, "?state=refused", "?all=true&order=oldest"]) {
    const answer = await events.ask(`/replay${query}`, "POST");
    assertEquals([answer.status, errorCode(answer)], [400, "invalid_query"], query);
  }
  const missing = await events.ask("/replay?all=true&to=default/missing", "POST");
  assertEquals([missing.status, errorCode(missing)], [404, "webhook_not_found"]);
  const broken = await events.ask("/replay?all=true&to=default/broken", "POST");
  assertEquals([broken.status, errorCode(broken)], [503, "webhook_misconfigured"]);
  assertEquals((await events.ask("/replay?all=true")).status, 405);
  assertEquals((await events.ask("", "GET", "another-token")).status, 401);
  assertEquals(events.delivered, [`orders ${done}`]);
});

Deno.test("events are listed by a gateway that has no journal, and none is made for it", async () => {
  await using gateway = await TestGateway.start({ webhooks: {}, environment: { ADMIN_TOKEN } });
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { text } = await gateway.request("/admin/events", { headers });
  assertEquals(JSON.parse(text), { events: [], cursor: null });
  await gateway.request("/admin/events/replay?all=true", { method: "POST", headers });
  await assertRejects(() => Deno.stat(gateway.file("data/journal/journal.db")), Deno.errors.NotFound);
});

Deno.test("what has left no event in the journal is listed, and says that a restart loses it", async () => {
  const probe = new ProbeModule();
  const fails: string[] = [];
  probe.behaviour = ({ event: { webhook } }) =>
    fails.includes(webhook) ? new DeliveryError("output_rejected", "It says no") : "delivered";
  await using gateway = await TestGateway.start({
    webhooks: {
      direct: { module: "probe", accept: "delivered", filter: "body.wanted" },
      kept: { module: "probe", accept: "durable", filter: "body.wanted" },
    },
    modules: [probe.module],
    environment: { ADMIN_TOKEN, JOURNAL_RETENTION_MS: "3600000" },
  });
  const list = async (query: string) => {
    const answer = await gateway.request(`/admin/events${query}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    assertEquals(answer.status, 200, answer.text);
    return JSON.parse(answer.text) as RecordPageRow;
  };
  const states = (page: RecordPageRow) => page.events.map(({ webhook, state }) => `${webhook} ${state}`);
  for (const webhook of ["direct", "kept"]) {
    await gateway.post(`/webhook/${webhook}`, '{"wanted":true}');
    await gateway.post(`/webhook/${webhook}`, '{"wanted":false}');
    await gateway.post(`/webhook/${webhook}`, "{");
  }
  fails.push("direct");
  await gateway.post("/webhook/direct", '{"wanted":true}');
  await eventually(async () => {
    assertEquals(states(await list("")).toSorted(), [
      "direct delivered_at_once",
      "direct failed",
      "direct filtered",
      "direct refused",
      "kept delivered",
      "kept filtered",
      "kept refused",
    ]);
  });
  assertEquals(states(await list("?state=filtered&webhook=kept")), ["kept filtered"]);
  assertEquals(states(await list("?state=delivered")), ["kept delivered"]);
  const [failed] = (await list("?state=failed")).events;
  assertEquals(
    [failed?.reason, failed?.message, failed?.lost_at_restart, failed?.bytes],
    ["output_rejected", "It says no", true, '{"wanted":true}'.length],
  );
  assertEquals((await list("?state=delivered")).events[0]?.lost_at_restart, undefined);
  for (const order of ["newest", "oldest"]) {
    const whole = (await list(`?order=${order}`)).events.map(({ id }) => id);
    const pages: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: RecordPageRow = await list(
        `?order=${order}&limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`,
      );
      pages.push(...page.events.map(({ id }) => id));
      cursor = page.cursor;
    }
    assertEquals(pages, whole, order);
  }
  const replayed = await gateway.request("/admin/events/replay?state=filtered", {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  assertEquals([replayed.status, errorCode(replayed)], [400, "invalid_query"]);
});

Deno.test("what waits and is not wanted any more is counted, and dropped once that is confirmed", async () => {
  const probe = new ProbeModule({ acceptance: "durable" });
  const delivered: string[] = [];
  probe.behaviour = ({ event: { webhook, id } }) => {
    if (webhook === "letters") return new DeliveryError("output_rejected", "It says no");
    delivered.push(id);
    return "delivered";
  };
  const entry = { module: "probe", retry: { max_attempts: 1 } };
  await using gateway = await TestGateway.start({
    webhooks: { orders: { ...entry, limits: { queue: 3 } }, letters: entry },
    modules: [probe.module],
    environment: { ADMIN_TOKEN },
  });
  const ask = async (path: string, method = "POST") => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    return await gateway.request(`/admin/${path}`, { method, headers });
  };
  const drop = async (query: string) => {
    const answer = await ask(`events/drop${query}`);
    assertEquals(answer.status, 200, answer.text);
    const { matching, dropped, kept, cursor } = JSON.parse(answer.text);
    return [matching, dropped, kept, cursor];
  };
  const send = async (webhook: string) => {
    const { status, text } = await gateway.post(`/webhook/${webhook}`, "{}");
    return { status, id: JSON.parse(text).event_id as string };
  };
  assertEquals(await drop("?all=true&confirm=true"), [0, 0, 0, null]);
  await ask("stops/pause?webhook=default/orders");
  const ids: string[] = [];
  for (let event = 0; event < 3; event++) ids.push((await send("orders")).id);
  assertEquals((await send("orders")).status, 503, "no more may wait");
  await send("letters");
  await eventually(async () => assertEquals(await drop("?all=true"), [4, 0, 0, null]));
  assertEquals(await drop(`?id=${ids[1]}&confirm=true`), [1, 1, 0, null]);
  assertEquals(await drop(`?id=${ids[1]}&confirm=true`), [0, 0, 0, null]);
  assertEquals((await send("orders")).status, 200, "there is room for one more");
  assertEquals((await send("orders")).status, 503);
  assertEquals((await drop("?webhook=orders&state=waiting&confirm=true&limit=2")).slice(0, 3), [2, 2, 0]);
  const last = await send("orders");
  assertEquals(await drop("?state=dead_letter&confirm=true"), [1, 1, 0, null]);
  assertEquals(await drop("?all=true"), [2, 0, 0, null]);
  await ask("stops/resume?webhook=default/orders");
  await eventually(() => assertEquals([delivered.length, delivered.at(-1)], [2, last.id]));
  for (
    const query of [
      "",
      "?all=true&id=a",
      "?state=delivered",
      "?state=under_way",
      "?state=refused",
      "?all=true&confirm=1",
    ]
  ) {
    const answer = await ask(`events/drop${query}`);
    assertEquals([answer.status, errorCode(answer)], [400, "invalid_query"], query);
  }
});
