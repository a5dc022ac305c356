import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { DeliveryError } from "../../../src/errors.ts";
import type { DeliveryResult } from "../../../src/modules/module.ts";
import { eventually } from "../../support/eventually.ts";
import { TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { TempDir } from "../../support/temp_dir.ts";

const SECRET = "whsec_1";
const STRIPE = { provider: "stripe", secret: SECRET };
const GITHUB = { provider: "github", secret: SECRET };

interface Given {
  readonly webhooks?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly probe?: ProbeModule;
}

async function start({ webhooks, environment = {}, probe = new ProbeModule() }: Given): Promise<TestGateway> {
  return await TestGateway.start({ webhooks: webhooks ?? {}, modules: [probe.module], environment });
}

function hmac(content: string): string {
  return createHmac("sha256", SECRET).update(content).digest("hex");
}

/** Sends an event as Stripe does. @param ago how many seconds ago it was signed */
async function sendStripe(gateway: TestGateway, path: string, body: string, ago = 0) {
  const time = Math.floor(Date.now() / 1000) - ago;
  const headers = { "Stripe-Signature": `t=${time},v1=${hmac(`${time}.${body}`)}` };
  return await gateway.post(`/webhook/${path}`, body, headers);
}

/** Sends an event as GitHub does. */
async function sendGitHub(gateway: TestGateway, path: string, body: string, delivery: string) {
  const headers = { "X-Hub-Signature-256": `sha256=${hmac(body)}`, "X-GitHub-Delivery": delivery };
  return await gateway.post(`/webhook/${path}`, body, headers);
}

async function metricsOf(gateway: TestGateway): Promise<string> {
  return (await gateway.request("/metrics")).text;
}

/** Replaces the webhooks, and waits until they are served. */
async function configure(gateway: TestGateway, webhooks: Readonly<Record<string, unknown>>): Promise<void> {
  await gateway.writeWebhooks(webhooks);
  await gateway.reload();
}

const EVENT = '{"id":"evt_1","type":"invoice.paid"}';

for (const accept of ["delivered", "durable"]) {
  const webhook = (further: Readonly<Record<string, unknown>> = {}) => ({
    orders: { module: "probe", accept, signature: STRIPE, ...further },
  });

  Deno.test(`a signed event that is sent again gets the first one's answer, accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    const environment = { REQUEST_ID_HEADER: "always" };
    await using gateway = await start({ webhooks: webhook(), probe, environment });
    const first = await sendStripe(gateway, "orders", EVENT, 10);
    const again = await sendStripe(gateway, "orders", EVENT);
    assertEquals([again.status, again.text], [200, first.text]);
    assertEquals(again.headers.get("x-request-id"), first.headers.get("x-request-id"));
    const other = await sendStripe(gateway, "orders", EVENT.replace("evt_1", "evt_2"));
    assertNotEquals(other.text, first.text);
    await eventually(() => assertEquals(probe.events.length, 2));
    assertMatch(
      await metricsOf(gateway),
      /cwm_requests_total\{namespace="default",webhook="orders",outcome="replayed"\} 1\n/,
    );
  });

  Deno.test(`a signed event is known again after a restart, accepted as ${accept}`, async () => {
    await using data = await TempDir.create();
    const given = {
      // The journal is in use.
      webhooks: { ...webhook(), others: { module: "probe", accept: "durable" } },
      environment: { DATA_DIR: data.path },
    };
    let first: string;
    {
      await using gateway = await start(given);
      await gateway.post("/webhook/others", "{}");
      first = (await sendStripe(gateway, "orders", EVENT)).text;
    }
    const probe = new ProbeModule();
    await using gateway = await start({ ...given, probe });
    const again = await sendStripe(gateway, "orders", EVENT);
    assertEquals([again.status, again.text], [200, first]);
    assertEquals(probe.events.length, 0);
  });

  Deno.test(`a signed event with replay off is delivered as often as it is sent, accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    const webhooks = webhook({ signature: { ...STRIPE, replay: false } });
    await using gateway = await start({ webhooks, probe });
    const first = await sendStripe(gateway, "orders", EVENT);
    assertNotEquals((await sendStripe(gateway, "orders", EVENT)).text, first.text);
    await eventually(() => assertEquals(probe.events.length, 2));
  });

  Deno.test(`an unsigned id neither hides an event nor lets one in twice, accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    await using gateway = await start({ webhooks: webhook({ signature: GITHUB }), probe });
    const first = await sendGitHub(gateway, "orders", '{"ref":"main"}', "1");
    const changed = await sendGitHub(gateway, "orders", '{"ref":"main"}', "2");
    assertEquals(changed.text, first.text);
    const hidden = await sendGitHub(gateway, "orders", '{"ref":"other"}', "1");
    assertNotEquals(hidden.text, first.text);
    await eventually(() => assertEquals(probe.events.length, 2));
  });

  Deno.test(`webhooks have ids of their own, accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    const [entry] = Object.values(webhook());
    const webhooks = { orders: entry, refunds: entry };
    await using gateway = await start({ webhooks, probe });
    await sendStripe(gateway, "orders", EVENT);
    await sendStripe(gateway, "refunds", EVENT);
    await eventually(() => assertEquals(probe.events.length, 2));
  });

  Deno.test(`of signed events that come together one is delivered, accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    const { promise: opened, resolve: open } = Promise.withResolvers<DeliveryResult>();
    probe.behaviour = () => opened;
    await using gateway = await start({ webhooks: webhook(), probe });
    const answers = [1, 2, 3].map(() => sendStripe(gateway, "orders", EVENT));
    await eventually(() => assertEquals(probe.events.length, 1));
    open("delivered");
    const texts = (await Promise.all(answers)).map(({ text }) => text);
    assertEquals(new Set(texts).size, 1);
    assertEquals(probe.events.length, 1);
  });

  Deno.test(`a repeat is found by its webhook's own key or by what is signed, accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    const idempotency = { json_pointer: "/order" };
    await using gateway = await start({ webhooks: webhook({ idempotency }), probe });
    const first = await sendStripe(gateway, "orders", '{"id":"evt_1","order":1}');
    const bySigned = await sendStripe(gateway, "orders", '{"id":"evt_1","order":2}');
    const byOwn = await sendStripe(gateway, "orders", '{"id":"evt_2","order":1}');
    assertEquals([bySigned.text, byOwn.text], [first.text, first.text]);
    assertNotEquals((await sendStripe(gateway, "orders", '{"id":"evt_2","order":2}')).text, first.text);
    const metrics = await metricsOf(gateway);
    for (const outcome of ["replayed", "duplicate"]) {
      assertMatch(metrics, new RegExp(`webhook="orders",outcome="${outcome}"\\} 1\\n`));
    }
    await eventually(() => assertEquals(probe.events.length, 2));
  });

  Deno.test(`a webhook with a chain delivers a signed event once, accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    const webhooks = { orders: { chain: ["probe", "probe"], accept, signature: STRIPE } };
    await using gateway = await start({ webhooks, probe });
    const first = await sendStripe(gateway, "orders", EVENT);
    assertEquals((await sendStripe(gateway, "orders", EVENT)).text, first.text);
    await eventually(() => assertEquals(probe.events.length, 2));
  });
}

Deno.test("what the output failed is delivered when it is sent again, with all steps of its chain", async () => {
  for (const target of [{ module: "probe" }, { chain: ["probe"] }]) {
    const probe = new ProbeModule();
    const results: DeliveryResult[] = [new DeliveryError("output_rejected")];
    probe.behaviour = () => results.shift() ?? "delivered";
    await using gateway = await start({ webhooks: { orders: { ...target, signature: STRIPE } }, probe });
    assertEquals((await sendStripe(gateway, "orders", EVENT)).status, 502);
    const second = await sendStripe(gateway, "orders", EVENT);
    assertEquals(second.status, 200);
    assertEquals((await sendStripe(gateway, "orders", EVENT)).text, second.text);
    assertEquals(probe.events.length, 2);
  }
});

Deno.test("what the journal refused is delivered when it is sent again", async () => {
  const probe = new ProbeModule();
  const { promise: opened, resolve: open } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => opened;
  const orders = { module: "probe", accept: "durable", signature: STRIPE, limits: { queue: 1 } };
  await using gateway = await start({ webhooks: { orders }, probe });
  assertEquals((await sendStripe(gateway, "orders", '{"id":"evt_0"}')).status, 200);
  assertEquals((await sendStripe(gateway, "orders", EVENT)).status, 503);
  open("delivered");
  await eventually(async () => assertEquals((await sendStripe(gateway, "orders", EVENT)).status, 200));
  await eventually(() => assertEquals(probe.events.length, 2));
});

Deno.test("an event whose first copy fails while others wait is delivered by one of them", async () => {
  const probe = new ProbeModule();
  const { promise: failed, resolve: fail } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => probe.events.length === 1 ? failed : "delivered";
  await using gateway = await start({ webhooks: { orders: { module: "probe", signature: STRIPE } }, probe });
  const answers = [1, 2, 3].map(() => sendStripe(gateway, "orders", EVENT));
  await eventually(async () => assertMatch(await metricsOf(gateway), /^cwm_inflight_requests 3$/m));
  fail(new DeliveryError("output_rejected"));
  const statuses = (await Promise.all(answers)).map(({ status }) => status).sort();
  assertEquals(statuses, [200, 200, 502]);
  assertEquals(probe.events.length, 2);
});

Deno.test("a large event is known by the id in it, wherever that stands", async () => {
  const probe = new ProbeModule();
  await using gateway = await start({ webhooks: { orders: { module: "probe", signature: STRIPE } }, probe });
  const lines = "x".repeat(400_000);
  const first = await sendStripe(gateway, "orders", JSON.stringify({ lines, id: "evt_1" }), 10);
  const again = await sendStripe(gateway, "orders", JSON.stringify({ lines, id: "evt_1", attempt: 2 }));
  assertEquals([again.status, again.text], [200, first.text]);
  const other = await sendStripe(gateway, "orders", JSON.stringify({ lines, id: "evt_2" }));
  assertNotEquals(other.text, first.text);
  assertEquals(probe.events.length, 2);
});

Deno.test("a webhook that only logs knows its repeats without a journal", async () => {
  await using data = await TempDir.create();
  const environment = { DATA_DIR: join(data.path, "data") };
  await using gateway = await start({
    webhooks: { orders: { module: "log", signature: STRIPE } },
    environment,
  });
  const first = await sendStripe(gateway, "orders", EVENT);
  assertEquals((await sendStripe(gateway, "orders", EVENT)).text, first.text);
  await assertRejects(() => Deno.stat(join(environment.DATA_DIR, "journal")), Deno.errors.NotFound);
});

Deno.test("a webhook that becomes durable, or is not any more, still knows what it has accepted", async () => {
  const probe = new ProbeModule();
  const accepting = (accept: string) => ({ orders: { module: "probe", accept, signature: STRIPE } });
  await using gateway = await start({ webhooks: accepting("delivered"), probe });
  const first = await sendStripe(gateway, "orders", EVENT);
  const expectKnown = async (accept: string, body: string, text: string) => {
    await configure(gateway, accepting(accept));
    assertEquals((await sendStripe(gateway, "orders", body)).text, text);
  };
  await expectKnown("durable", EVENT, first.text);
  const other = EVENT.replace("evt_1", "evt_2");
  const second = await sendStripe(gateway, "orders", other);
  await expectKnown("delivered", other, second.text);
  await expectKnown("delivered", EVENT, first.text);
  assertEquals(probe.events.length, 2);
});

Deno.test("a secret that has changed does not change what is known", async () => {
  const signed = (secret: unknown) => ({ orders: { module: "log", signature: { ...GITHUB, secret } } });
  await using gateway = await start({ webhooks: signed(SECRET) });
  const first = await sendGitHub(gateway, "orders", "{}", "1");
  await configure(gateway, signed(["another", SECRET]));
  assertEquals((await sendGitHub(gateway, "orders", "{}", "1")).text, first.text);
});

Deno.test("what has no time is forgotten after the time of its webhook", async () => {
  const probe = new ProbeModule();
  for (const accept of ["delivered", "durable"]) {
    const signature = { ...GITHUB, replay: { ttl: 1 } };
    await using gateway = await start({
      webhooks: { orders: { module: "probe", accept, signature } },
      probe,
    });
    const first = await sendGitHub(gateway, "orders", "{}", "1");
    assertEquals((await sendGitHub(gateway, "orders", "{}", "1")).text, first.text);
    await eventually(async () => {
      assertNotEquals((await sendGitHub(gateway, "orders", "{}", "1")).text, first.text);
    });
  }
});

Deno.test("a webhook that tells no repeats takes the same event as often as it is sent", async () => {
  const probe = new ProbeModule();
  await using gateway = await start({ webhooks: { orders: { module: "probe" } }, probe });
  for (let time = 0; time < 3; time++) assert((await gateway.post("/webhook/orders", EVENT)).status === 200);
  assertEquals(probe.events.length, 3);
});
