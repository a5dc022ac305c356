/** The worked examples of src/filters/README.md, against the systems that they name. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHmac } from "node:crypto";
import { inflateSync } from "node:zlib";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { HttpTarget } from "../support/http/target.ts";
import { KafkaServer } from "../support/kafka/server.ts";
import { RedisServer } from "../support/redis/server.ts";

const GITHUB_SECRET = "the secret of GitHub in this test";
const STRIPE_SECRET = "whsec_of_this_test";

/** The configuration behind `<!-- example: NAME -->`, for all names of the page. */
async function examples(): Promise<Readonly<Record<string, unknown>>> {
  const page = await Deno.readTextFile("src/filters/README.md");
  const blocks = [...page.matchAll(/<!-- example: (\w+) -->\s*```json\n([\s\S]*?)```/g)];
  assertEquals(blocks.map(([, name]) => name), ["github", "stripe", "personal", "cloudevents"]);
  return Object.assign({}, ...blocks.map(([, , json]) => JSON.parse(json!)));
}

function hmac(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}

async function sendGithub(gateway: TestGateway, event: string, body: string): Promise<string> {
  const headers = { "X-GitHub-Event": event, "X-Hub-Signature-256": `sha256=${hmac(GITHUB_SECRET, body)}` };
  return (await gateway.post("/webhook/github", body, headers)).text;
}

async function sendStripe(gateway: TestGateway, body: string): Promise<void> {
  const time = Math.floor(Date.now() / 1000);
  const headers = { "Stripe-Signature": `t=${time},v1=${hmac(STRIPE_SECRET, `${time}.${body}`)}` };
  assertMatch((await gateway.post("/webhook/stripe", body, headers)).text, /accepted/);
}

/** What the jobs of a queue hold, as text. */
async function jobs(redis: RedisServer, queue: string): Promise<readonly string[]> {
  const ids = await redis.call("LRANGE", `rq:queue:${queue}`, 0, -1) as string[];
  return await Promise.all(ids.map(async (id) => {
    const data = await redis.callForBytes("HGET", `rq:job:${id}`, "data") as Uint8Array;
    return new TextDecoder("latin1").decode(data[0] === 0x78 ? inflateSync(data) : data);
  }));
}

async function records(kafka: KafkaServer, topic: string): Promise<readonly string[]> {
  return (await kafka.consume(topic)).map(({ value }) => new TextDecoder().decode(value));
}

Deno.test("the worked examples of filters do what their page says", async (test) => {
  await using redis = await RedisServer.start({ persistent: false });
  await using kafka = await KafkaServer.start({ brokers: 1 });
  await kafka.createTopic("invoices", 1);
  await kafka.createTopic("orders", 1);
  await using target = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: await examples(),
    connections: {
      jobs: { type: "redis-rq", host: "127.0.0.1", port: redis.port },
      events: { type: "kafka", bootstrap_servers: kafka.bootstrap },
    },
    environment: { GITHUB_SECRET, STRIPE_SECRET, CONSUMER_URL: target.url },
  });

  await test.step("pushes on main of GitHub become jobs of RQ, and nothing else does", async () => {
    assertMatch(await sendGithub(gateway, "push", '{"ref":"refs/heads/main","after":"c0ffee"}'), /accepted/);
    assertMatch(await sendGithub(gateway, "push", '{"ref":"refs/heads/other"}'), /filtered/);
    assertMatch(await sendGithub(gateway, "ping", '{"zen":"Keep it simple"}'), /filtered/);
    const [job, ...others] = await eventually(async () => {
      const found = await jobs(redis, "deploys");
      assertEquals(found.length, 1);
      return found;
    });
    assertEquals(others, []);
    assert(job!.includes("c0ffee"));
  });

  await test.step("invoices and refunds of Stripe go apart", async () => {
    await sendStripe(gateway, '{"id":"evt_1","type":"invoice.paid"}');
    await sendStripe(
      gateway,
      '{"id":"evt_2","type":"charge.refunded","data":{"object":{"id":"ch_7","amount_refunded":990}}}',
    );
    await sendStripe(gateway, '{"id":"evt_3","type":"customer.created"}');
    await eventually(async () => {
      assertEquals(await records(kafka, "invoices"), ['{"id":"evt_1","type":"invoice.paid"}']);
      const [refund, ...others] = await jobs(redis, "refunds");
      assertEquals(others, []);
      assert(refund?.includes("ch_7") === true && !refund.includes("evt_2"));
      assertMatch(await gateway.output(), /evt_3/);
    });
  });

  await test.step("personal data does not get into Kafka", async () => {
    const order = '{"id":12345678901234567890,"customer":{"email":"a@b","phone":"1","vip":true},' +
      '"items":[{"sku":"s","recipient":"n"}],"card":{"number":"4111"}}';
    assertMatch((await gateway.post("/webhook/orders", order)).text, /accepted/);
    await eventually(async () => {
      assertEquals(await records(kafka, "orders"), [
        '{"id":12345678901234567890,"customer":{"vip":true},"items":[{"sku":"s"}],' +
        '"card":{"number":"***REDACTED***"}}',
      ]);
    });
  });

  await test.step("an HTTP service gets CloudEvents", async () => {
    const sent = '{"kind":"paid","order":"o-1"}';
    assertMatch((await gateway.post("/webhook/shop", sent)).text, /accepted/);
    const [request] = await target.waitForRequests(1);
    assertEquals(request!.headers.get("content-type"), "application/cloudevents+json");
    const { type, subject, data } = JSON.parse(request!.text);
    assertEquals([type, subject, data], ["com.example.shop.paid", "o-1", { kind: "paid", order: "o-1" }]);
  });
});
