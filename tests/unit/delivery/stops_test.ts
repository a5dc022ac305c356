/** Webhooks that are paused, and those that are switched off since their target fails. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const QUICK = { max_attempts: 3, initial_delay: 0.05, max_delay: 0.05 };
const OFF_AFTER_TWO = { failures: 2, try_every: 0.1 };

function webhookTo(target: HttpTarget, options: Readonly<Record<string, unknown>> = {}): unknown {
  const config = { url: target.url, allowed_hosts: ["127.0.0.1"] };
  return { module: "http_webhook", "module-config": config, ...options };
}

async function start(webhooks: Readonly<Record<string, unknown>>): Promise<TestGateway> {
  return await TestGateway.start({ webhooks, environment: { ADMIN_TOKEN } });
}

interface Deliveries {
  readonly state: string;
  readonly cause?: string;
  readonly next_try_at?: string;
}

async function admin(gateway: TestGateway, path: string, method = "GET"): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { status, text } = await gateway.request(path, { method, headers });
  assertEquals(status, 200, text);
  return JSON.parse(text) as Record<string, unknown>;
}

async function deliveriesOf(gateway: TestGateway, id = "orders"): Promise<Deliveries> {
  return (await admin(gateway, `/admin/webhooks/default/${id}`))["deliveries"] as Deliveries;
}

async function untilState(gateway: TestGateway, state: string): Promise<void> {
  await eventually(async () => assertEquals((await deliveriesOf(gateway)).state, state));
}

async function counts(gateway: TestGateway): Promise<Record<string, string | undefined>> {
  const { text } = await gateway.request("/metrics");
  return {
    pending: /^cwm_events_pending (\d+)$/m.exec(text)?.[1],
    deadLetters: /^cwm_dead_letters (\d+)$/m.exec(text)?.[1],
    stopped: /^cwm_webhook_stopped\{(.*)\} 1$/m.exec(text)?.[1],
  };
}

async function postEach(gateway: TestGateway, count: number, path = "/webhook/orders"): Promise<void> {
  for (let index = 0; index < count; index++) {
    assertEquals((await gateway.post(path, `${index}`)).status, 200);
  }
}

Deno.test("a paused webhook accepts events, delivers none, and all of them when it is resumed", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await start({ orders: webhookTo(target), other: webhookTo(target) });
  await admin(gateway, "/admin/stops/pause?webhook=default/orders", "POST");
  await postEach(gateway, 5);
  await postEach(gateway, 1, "/webhook/other");
  await target.waitForRequests(1);
  assertEquals((await deliveriesOf(gateway)).state, "paused");
  assertEquals((await deliveriesOf(gateway, "other")).state, "on");
  const { troubles } = await admin(gateway, "/admin/status") as { troubles: readonly { kind: string }[] };
  assertEquals(troubles.map(({ kind }) => kind), ["paused"]);
  assertEquals((await counts(gateway))["stopped"], 'namespace="default",webhook="orders",state="paused"');
  await eventually(async () => assertEquals((await counts(gateway))["pending"], "5"));
  assertEquals((await admin(gateway, "/admin/stops/resume?webhook=default/orders", "POST"))["resumed"], true);
  await target.waitForRequests(6);
  await eventually(async () => assertEquals((await counts(gateway))["pending"], "0"));
  assertEquals((await counts(gateway))["stopped"], undefined);
  assertEquals((await admin(gateway, "/admin/status"))["troubles"], []);
});

Deno.test("a paused webhook that delivers at once answers 503 webhook_paused", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await start({ orders: webhookTo(target, { accept: "delivered" }) });
  await admin(gateway, "/admin/stops/pause?webhook=default/orders", "POST");
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals([answer.status, errorCode(answer)], [503, "webhook_paused"]);
  assert(answer.headers.has("retry-after"));
  await admin(gateway, "/admin/stops/resume?webhook=default/orders", "POST");
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  assertEquals(target.requests.length, 1);
});

Deno.test("the pause and the dead letters of a webhook that is removed stay in the status", async () => {
  await using target = await HttpTarget.start();
  target.answer({ status: 400 });
  const other = { other: { module: "log" } };
  await using gateway = await start({ ...other, orders: webhookTo(target) });
  const kinds = async () => {
    const { troubles } = await admin(gateway, "/admin/status") as { troubles: readonly { kind: string }[] };
    // The test itself asks for a webhook that is not there any more.
    return troubles.map(({ kind }) => kind).filter((kind) => kind !== "missing").toSorted();
  };
  await postEach(gateway, 1);
  await eventually(async () => assertEquals(await kinds(), ["dead_letters"]));
  await admin(gateway, "/admin/stops/pause?webhook=default/orders", "POST");
  await gateway.writeWebhooks(other);
  await eventually(async () => assertEquals((await gateway.post("/webhook/orders", "0")).status, 404));
  assertEquals(await kinds(), ["dead_letters", "paused"]);
  await admin(gateway, "/admin/stops/resume?webhook=default/orders", "POST");
  await admin(gateway, "/admin/dead-letters/drop?webhook=orders", "POST");
  await eventually(async () => assertEquals(await kinds(), []));
});

Deno.test("a webhook that there is not cannot be paused, and names have two parts", async () => {
  await using gateway = await start({});
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  for (
    const [query, code] of [["webhook=default/orders", "webhook_not_found"], [
      "webhook=orders",
      "invalid_query",
    ]]
  ) {
    const answer = await gateway.request(`/admin/stops/pause?${query}`, { method: "POST", headers });
    assertEquals(errorCode(answer), code);
  }
});

Deno.test("a target that fails is switched off, tried by one event at a time, and loses none", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await start({
    orders: webhookTo(target, { retry: QUICK, switch_off: OFF_AFTER_TWO, limits: { concurrency: 1 } }),
  });
  target.answer({ status: 500 });
  await postEach(gateway, 1);
  await untilState(gateway, "switched_off");
  const { cause = "", next_try_at } = await deliveriesOf(gateway);
  assertStringIncludes(cause, "answered 500");
  assert(next_try_at !== undefined);
  await postEach(gateway, 4);
  const before = target.requests.length;
  // More tries than an event has attempts, each of another one.
  await target.waitForRequests(before + 4, { timeoutMs: 60_000 });
  const tried = target.requests.slice(before, before + 4).map(({ headers }) => headers.get("cwm-event-id"));
  assertEquals(new Set(tried).size, 4);
  assertEquals((await counts(gateway))["deadLetters"], "0");
  target.answer({ status: 200 });
  await untilState(gateway, "on");
  await eventually(async () => assertEquals((await counts(gateway))["pending"], "0"));
  assertEquals((await counts(gateway))["deadLetters"], "0");
});

Deno.test("410 switches off at once: that event is a dead letter, and the later ones wait", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await start({ orders: webhookTo(target, { switch_off: { try_every: 0.2 } }) });
  target.answer({ status: 410 });
  await postEach(gateway, 1);
  await untilState(gateway, "switched_off");
  await postEach(gateway, 3);
  await target.waitForRequests(5);
  assertEquals(await counts(gateway), {
    pending: "3",
    deadLetters: "1",
    stopped: 'namespace="default",webhook="orders",state="switched_off"',
  });
  target.answer({ status: 200 });
  await eventually(async () => assertEquals((await counts(gateway))["pending"], "0"));
  assertEquals((await deliveriesOf(gateway)).state, "on");
});

Deno.test("neither a pause that is asked for nor one step of a chain that is gone switches off", async () => {
  await using target = await HttpTarget.start();
  await using gone = await HttpTarget.start();
  gone.answer({ status: 410 });
  const step = (to: HttpTarget) => ({
    module: "http_webhook",
    "module-config": { url: to.url, allowed_hosts: ["127.0.0.1"] },
  });
  await using gateway = await start({
    orders: webhookTo(target, { switch_off: { failures: 1 } }),
    chained: { chain: [step(target), step(gone)] },
  });
  target.answerNext({ status: 429, headers: { "retry-after": "0" } });
  await postEach(gateway, 1);
  await target.waitForRequests(2);
  await postEach(gateway, 1, "/webhook/chained");
  await eventually(async () => assertEquals((await counts(gateway))["deadLetters"], "1"));
  assertEquals((await deliveriesOf(gateway, "chained")).state, "on");
});

Deno.test("senders of a switched-off webhook get 503, and one may try it now and then", async () => {
  await using target = await HttpTarget.start();
  const options = {
    accept: "delivered",
    retry: { enabled: false },
    switch_off: { failures: 2, try_every: 0.4 },
  };
  await using gateway = await start({ orders: webhookTo(target, options) });
  target.answer({ status: 500 });
  const codes: string[] = [];
  while (!codes.includes("webhook_switched_off")) {
    codes.push(errorCode(await gateway.post("/webhook/orders", "{}")));
  }
  assertEquals(codes, ["output_failed", "output_failed", "webhook_switched_off"]);
  assertEquals(target.requests.length, 2);
  target.answer({ status: 200 });
  await eventually(async () => assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200));
  assertEquals((await deliveriesOf(gateway)).state, "on");
});

Deno.test("a webhook that is never switched off goes on, and a changed target is tried at once", async () => {
  await using target = await HttpTarget.start();
  await using other = await HttpTarget.start();
  const off = { failures: 1, try_every: 3600 };
  await using gateway = await start({
    orders: webhookTo(target, { switch_off: off }),
    steady: webhookTo(target, { switch_off: { ...off, enabled: false }, retry: { max_attempts: 1 } }),
  });
  target.answer({ status: 410 });
  await postEach(gateway, 2, "/webhook/steady");
  await eventually(async () => assertEquals((await counts(gateway))["deadLetters"], "2"));
  target.answer({ status: 500 });
  await postEach(gateway, 1);
  await untilState(gateway, "switched_off");
  await gateway.writeWebhooks({ orders: webhookTo(other, { switch_off: off }) });
  await gateway.reload();
  await other.waitForRequests(1);
  await untilState(gateway, "on");
});

Deno.test("what waits for its next attempt goes when its target has taken something of anybody", async () => {
  await using target = await HttpTarget.start();
  const slow = { max_attempts: 20, initial_delay: 3600, max_delay: 3600 };
  await using gateway = await start({
    orders: webhookTo(target, { retry: slow }),
    stock: webhookTo(target, { retry: slow }),
  });
  target.answer({ status: 500 });
  await postEach(gateway, 4);
  await target.waitForRequests(4);
  await eventually(async () => {
    await postEach(gateway, 1);
    const { troubles } = await admin(gateway, "/admin/status") as { troubles: readonly { kind: string }[] };
    assertEquals(troubles.map(({ kind }) => kind), ["unreachable"]);
  }, { intervalMs: 300 });
  target.answer({ status: 200 });
  // By their own delays, nearly all of them would wait for longer than this test.
  await postEach(gateway, 1, "/webhook/stock");
  await eventually(async () => assertEquals((await counts(gateway))["pending"], "0"));
});

Deno.test("a target that can be reached again is found without an event, and gets what waits", async () => {
  await using target = await HttpTarget.start();
  await using way = TcpProxy.start({ hostname: "127.0.0.1", port: target.port });
  await using gateway = await start({
    orders: {
      module: "http_webhook",
      "module-config": { url: `http://${way.address}/`, allowed_hosts: ["127.0.0.1"] },
      retry: { max_attempts: 2, initial_delay: 3600, max_delay: 3600 },
    },
  });
  await way.refuse();
  await postEach(gateway, 1);
  await eventually(async () => {
    const { troubles } = await admin(gateway, "/admin/status") as { troubles: readonly { kind: string }[] };
    assertEquals(troubles.map(({ kind }) => kind), ["unreachable"]);
  }, { timeoutMs: 60_000 });
  way.accept();
  await target.waitForRequests(1, { timeoutMs: 60_000 });
  assertEquals((await counts(gateway))["deadLetters"], "0");
});
