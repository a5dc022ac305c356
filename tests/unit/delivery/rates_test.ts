/** `limits.rate`, `limits.target_rate`, and targets that ask for a pause. */

import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { HttpTarget } from "../../support/http/target.ts";

const ONE_ATTEMPT = { max_attempts: 1 };

function webhookTo(target: HttpTarget, options: Readonly<Record<string, unknown>> = {}): unknown {
  const config = { url: target.url, allowed_hosts: ["127.0.0.1"] };
  return { module: "http_webhook", "module-config": config, ...options };
}

/** When requests arrived, in milliseconds since this was made. */
function arrivalsAt(target: HttpTarget): readonly number[] {
  const arrivals: number[] = [];
  const madeAt = performance.now();
  target.answer(() => {
    arrivals.push(performance.now() - madeAt);
    return { status: 200 };
  });
  return arrivals;
}

/** No delivery began earlier than a bucket allows that was full at the beginning. */
function assertWithinRate(arrivals: readonly number[], perSecond: number): void {
  const burst = Math.max(1, perSecond / 10);
  for (const [index, at] of arrivals.entries()) {
    const earliest = (index + 1 - burst) * 1000 / perSecond;
    assert(at >= earliest - 1, `Delivery ${index + 1} began after ${at} ms, not ${earliest} ms`);
  }
}

async function postEach(gateway: TestGateway, paths: readonly string[]): Promise<void> {
  const answers = await Promise.all(paths.map((path) => gateway.post(path, "{}")));
  assertEquals(answers.map(({ status }) => status), paths.map(() => 200));
}

for (const accept of ["durable", "delivered"]) {
  Deno.test(`${accept}: a webhook with a rate delivers as fast as that, and not faster`, async () => {
    await using target = await HttpTarget.start();
    await using gateway = await TestGateway.start({
      webhooks: { orders: webhookTo(target, { accept, limits: { rate: 25 } }) },
    });
    const arrivals = arrivalsAt(target);
    await postEach(gateway, Array.from({ length: 12 }, () => "/webhook/orders"));
    await eventually(() => assertEquals(arrivals.length, 12));
    assertWithinRate(arrivals, 25);
  });
}

Deno.test("a target has the lowest rate that webhooks say, for all that send to it", async () => {
  await using target = await HttpTarget.start();
  await using other = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: webhookTo(target, { limits: { target_rate: 20 } }),
      stock: webhookTo(target, { limits: { target_rate: 1000 } }),
      prices: webhookTo(target, { accept: "delivered" }),
      elsewhere: webhookTo(other),
    },
  });
  const arrivals = arrivalsAt(target);
  const paths = ["orders", "stock", "prices"].map((id) => `/webhook/${id}`);
  await postEach(gateway, [...paths, ...paths, ...paths, ...Array(20).fill("/webhook/elsewhere")]);
  await other.waitForRequests(20);
  await eventually(() => assertEquals(arrivals.length, 9));
  assertWithinRate(arrivals, 20);
});

Deno.test("a rate that is raised lets those go that waited by the former one", async () => {
  await using target = await HttpTarget.start();
  const slow = webhookTo(target, { limits: { rate: 0.01 } });
  await using gateway = await TestGateway.start({ webhooks: { orders: slow } });
  await postEach(gateway, ["/webhook/orders", "/webhook/orders"]);
  await target.waitForRequests(1);
  await gateway.writeWebhooks({ orders: webhookTo(target, { limits: { rate: 100 } }) });
  await gateway.reload();
  await target.waitForRequests(2);
});

Deno.test("a sender whose turn would come too late gets 503 at once, and when to send again", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: { orders: webhookTo(target, { accept: "delivered", limits: { rate: 0.05 } }) },
  });
  await postEach(gateway, ["/webhook/orders"]);
  const late = await gateway.post("/webhook/orders", "{}");
  assertEquals([late.status, errorCode(late)], [503, "overloaded"]);
  const seconds = Number(late.headers.get("retry-after"));
  assert(seconds > 5 && seconds <= 20, `Retry-After is ${seconds}`);
  assertEquals(target.requests.length, 1);
});

Deno.test("429 and 503 with Retry-After use up no attempt, and slow that target alone", async () => {
  await using target = await HttpTarget.start();
  await using other = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: webhookTo(target, { retry: ONE_ATTEMPT }),
      stock: webhookTo(target, { retry: ONE_ATTEMPT }),
      elsewhere: webhookTo(other, { retry: ONE_ATTEMPT }),
    },
  });
  target.answerNext(
    { status: 429, headers: { "retry-after": "1" } },
    { status: 503, headers: { "retry-after": "0" } },
  );
  await postEach(gateway, ["/webhook/orders"]);
  await target.waitForRequests(1);
  const pausedAt = performance.now();
  await postEach(gateway, [...Array(5).fill("/webhook/stock"), "/webhook/elsewhere"]);
  await other.waitForRequests(1);
  await target.waitForRequests(2);
  assert(performance.now() - pausedAt >= 900, "the pause that was asked for is kept");
  // Six events, and the two requests that counted for nothing.
  await target.waitForRequests(8);
  await eventually(async () => {
    const { text } = await gateway.request("/metrics");
    assertEquals(/^cwm_events_pending (\d+)$/m.exec(text)?.[1], "0");
    assertEquals(/^cwm_dead_letters (\d+)$/m.exec(text)?.[1], "0");
    assert(!/^cwm_output_throttled_seconds_total\S* 0$/m.test(text));
  });
});

Deno.test("while a target has asked for a pause, senders learn for how long, and it is not asked", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: webhookTo(target, { accept: "delivered" }),
      stock: webhookTo(target, { accept: "delivered" }),
    },
  });
  target.answer({ status: 429, headers: { "retry-after": "60" } });
  for (const path of ["/webhook/orders", "/webhook/stock"]) {
    const answer = await gateway.post(path, "{}");
    assertEquals([answer.status, errorCode(answer)], [503, "output_throttled"]);
    const seconds = Number(answer.headers.get("retry-after"));
    assert(seconds > 50 && seconds <= 60, `Retry-After is ${seconds}`);
  }
  assertEquals(target.requests.length, 1);
});

Deno.test("a sender waits for a short pause of its target, and gets its 200", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: { orders: webhookTo(target, { accept: "delivered" }) },
  });
  target.answerNext({ status: 503, headers: { "retry-after": "1" } });
  await postEach(gateway, ["/webhook/orders", "/webhook/orders"]);
  assertEquals(target.requests.length, 3);
});
