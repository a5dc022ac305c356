import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { DeliveryError } from "../../../../../src/errors.ts";
import { Health } from "../../../../../src/health/health.ts";
import { httpWebhookConfigSchema } from "../../../../../src/modules/http_webhook/config.ts";
import {
  httpWebhookModule,
  httpWebhookModuleWith,
} from "../../../../../src/modules/http_webhook/http_webhook.ts";
import { Failover } from "../../../../../src/modules/http_webhook/targets/failover.ts";
import { HttpWebhookClient } from "../../../../../src/io/http_client.ts";
import { eventually } from "../../../../support/eventually.ts";
import { type Answer as GatewayAnswer, TestGateway } from "../../../../support/gateway.ts";
import { type Answer, HttpTarget } from "../../../../support/http/target.ts";
import { OpenOutput } from "../../../../support/open_output.ts";
import { RecordedLog } from "../../../../support/recorded_log.ts";
import { verifiedEvent } from "../../../../support/verified_event.ts";

const NEVER = new AbortController().signal;

/** Two targets, and an output that sends to them. */
class TwoTargets implements AsyncDisposable {
  private constructor(
    readonly first: HttpTarget,
    readonly second: HttpTarget,
    readonly output: OpenOutput,
  ) {}

  static async start(): Promise<TwoTargets> {
    const targets = [await HttpTarget.start(), await HttpTarget.start()] as const;
    return new TwoTargets(...targets, await OpenOutput.open(httpWebhookModule, undefined));
  }

  get config() {
    return { targets: [this.first.url, this.second.url], allowed_hosts: ["127.0.0.1"] };
  }

  /** Delivers an event, and returns its result and how many requests each target has had by then. */
  async deliver(more: object = {}): Promise<readonly [string, number, number]> {
    const result = await this.output.attempt(verifiedEvent(), { ...this.config, ...more });
    return [result, this.first.requests.length, this.second.requests.length];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.output[Symbol.asyncDispose]();
    await this.first[Symbol.asyncDispose]();
    await this.second[Symbol.asyncDispose]();
  }
}

Deno.test("an event goes to the first target alone as long as that is up", async () => {
  await using world = await TwoTargets.start();
  for (const status of [200, 204, 400, 404, 410, 429]) {
    world.first.answerNext({ status });
    await world.deliver();
  }
  assertEquals([world.first.requests.length, world.second.requests.length], [6, 0]);
});

const FAILURES: readonly (readonly [how: string, answer: Answer])[] = [
  ["breaks the connection", "drop"],
  ["answers 500", { status: 500 }],
  ["asks for a pause", { status: 503, headers: { "retry-after": "60" } }],
];

for (const [how, answer] of FAILURES) {
  Deno.test(`an event goes to the second target when the first ${how}, and later ones do at once`, async () => {
    await using world = await TwoTargets.start();
    world.first.answerNext(answer);
    assertEquals(await world.deliver(), ["delivered", 1, 1]);
    assertEquals(await world.deliver(), ["delivered", 1, 2]);
  });
}

Deno.test("an event goes to the second target when the first refuses connections", async () => {
  await using target = await HttpTarget.start();
  await using output = await OpenOutput.open(httpWebhookModule, undefined);
  const config = { targets: ["http://127.0.0.1:1", target.url], allowed_hosts: ["127.0.0.1"] };
  assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
});

Deno.test("a target that does not answer in time is down, and the next attempt goes elsewhere", async () => {
  await using world = await TwoTargets.start();
  world.first.answer("hang");
  const late = new AbortController();
  const [result] = await Promise.all([
    world.output.deliver([verifiedEvent()], world.config, { signal: late.signal }),
    world.first.waitForRequests(1).then(() => late.abort()),
  ]);
  const [failure] = result;
  assert(failure !== "delivered" && failure !== undefined);
  // Another target is up: the output as a whole is not.
  assertEquals([failure.code, failure.isPartial], ["output_timeout", true]);
  assertEquals(await world.deliver(), ["delivered", 1, 1]);
});

Deno.test("the webhook says which failures are about the event and lead to no other target", async () => {
  await using world = await TwoTargets.start();
  world.first.answer({ status: 501 });
  assertEquals(await world.deliver({ final_statuses: [501] }), ["output_rejected", 1, 0]);
});

Deno.test("an event that all targets fail at is tried again, and goes to the one that is due first", async () => {
  await using world = await TwoTargets.start();
  world.first.answer({ status: 503, headers: { "retry-after": "60" } });
  world.second.answerNext({ status: 500 });
  assertEquals(await world.deliver(), ["output_failed", 1, 1]);
  assertEquals(await world.deliver(), ["delivered", 1, 2]);
});

Deno.test("targets that have all asked for a pause are left alone until the first one's is over", async () => {
  await using world = await TwoTargets.start();
  world.first.answer({ status: 503, headers: { "retry-after": "60" } });
  world.second.answer({ status: 503, headers: { "retry-after": "30" } });
  for (let sent = 0; sent < 3; sent++) {
    const [failure] = await world.output.deliver([verifiedEvent()], world.config);
    assert(failure instanceof DeliveryError);
    assertEquals([failure.code, failure.retryAfterSeconds], ["output_throttled", 30]);
  }
  assertEquals([world.first.requests.length, world.second.requests.length], [1, 1]);
});

Deno.test("a target that may not be connected to is passed over, and the event refused where all are", async () => {
  await using target = await HttpTarget.start();
  const module = httpWebhookModuleWith(() =>
    new HttpWebhookClient({
      resolve: (name, _options, callback) => {
        callback(null, [{ address: name === "here.test" ? "127.0.0.1" : "10.0.0.1", family: 4 }]);
      },
    })
  );
  await using output = await OpenOutput.open(module, undefined);
  const attempt = (...names: readonly string[]) => {
    const targets = names.map((name) => `http://${name}:${target.port}`);
    return output.attempt(verifiedEvent(), { targets, allowed_hosts: ["127.0.0.1"] });
  };
  assertEquals(await attempt("private.test", "here.test"), "delivered");
  await using other = await OpenOutput.open(module, undefined);
  const targets = ["http://private.test", "http://other.test"];
  const config = { targets, allowed_hosts: ["127.0.0.1"] };
  assertEquals(await other.attempt(verifiedEvent(), config), "output_rejected");
});

Deno.test("targets are several different addresses, and stand instead of url", () => {
  const one = "https://one.example/in";
  const cases: readonly [config: object, problems: readonly string[]][] = [
    [{}, ["url: Expected either 'url' or 'targets'"]],
    [{ url: one, targets: [one] }, ["url: Expected either 'url' or 'targets'"]],
    [{ targets: [one, "https://two.example", one] }, ["targets.2: This address is in the list twice"]],
    [{ targets: [one, "http://10.0.0.1", "ftp://x"] }, [
      "targets.1: The host is refused",
      "targets.2: Only http",
    ]],
    [{ targets: [] }, ["targets: "]],
    [{ targets: [one] }, []],
    [{ targets: [one, "https://one.example/other"] }, []],
  ];
  for (const [config, expected] of cases) {
    const { error } = httpWebhookConfigSchema.safeParse(config);
    const problems = (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
    assertEquals(problems.map((problem, index) => problem.slice(0, expected[index]?.length)), expected);
  }
});

/** Nothing is given up, however slow the machine is. */
const SOON = { max_attempts: 1000, initial_delay: 0.01, max_delay: 0.05 };

/** A gateway whose webhook `orders` has the targets. */
function gatewayBefore(world: TwoTargets, more: object = {}, webhook: object = {}): Promise<TestGateway> {
  const config = { ...world.config, ...more };
  return TestGateway.start({
    webhooks: { orders: { module: "http_webhook", "module-config": config, ...webhook } },
  });
}

/** The values of a metric of targets, by their origins. */
async function metricOf(gateway: TestGateway, name: string): Promise<Record<string, number>> {
  const { text } = await gateway.request("/metrics");
  const lines = text.matchAll(new RegExp(`^${name}\\{.*destination="([^"]+)"\\} (\\d+)$`, "gm"));
  return Object.fromEntries([...lines].map(([, origin, value]) => [origin, Number(value)]));
}

Deno.test("log and metrics say which target is used, and a target that is back gets the events again", async () => {
  await using world = await TwoTargets.start();
  await using log = RecordedLog.start("info");
  await using gateway = await gatewayBefore(world);
  const send = (): Promise<GatewayAnswer> => gateway.post("/webhook/orders", "{}");
  const { first, second } = world;
  first.answer({ status: 502 });
  await send();
  await second.waitForRequests(1);
  await eventually(async () => {
    assertEquals(await metricOf(gateway, "cwm_output_target_events_total"), {
      [first.url]: 0,
      [second.url]: 1,
    });
  });
  assertEquals(await metricOf(gateway, "cwm_output_target_up"), { [first.url]: 0, [second.url]: 1 });
  assertStringIncludes(await log.text(), `Target ${first.url} is down, events go to ${second.url}`);

  first.answer({ status: 200 });
  await eventually(async () => {
    await send();
    assertEquals(await metricOf(gateway, "cwm_output_target_up"), { [first.url]: 1, [second.url]: 1 });
  });
  assertStringIncludes(await log.text(), `Target ${first.url} is back`);
});

Deno.test("an ordered webhook stays with its target while deliveries are under way there", async () => {
  await using world = await TwoTargets.start();
  const slow = Promise.withResolvers<void>();
  world.first.answerNext({ status: 200, after: slow.promise }, { status: 500 });
  const under = world.deliver({ ordered: true });
  await world.first.waitForRequests(1);
  // It may not overtake the one before on the other target, although that is up.
  assertEquals(await world.deliver({ ordered: true }), ["output_failed", 2, 0]);
  slow.resolve();
  assertEquals((await under)[0], "delivered");
  assertEquals(await world.deliver({ ordered: true }), ["delivered", 2, 1]);
});

Deno.test("events of an ordered webhook arrive one by one in their order, whichever target takes them", async () => {
  await using world = await TwoTargets.start();
  const arrived: string[] = [];
  let underWay = 0;
  let most = 0;
  const take = (refused: string) => ({ text }: { readonly text: string }): Answer => {
    const isRefused = text === refused && !arrived.includes(`no ${text}`);
    arrived.push(isRefused ? `no ${text}` : text);
    most = Math.max(most, ++underWay);
    return { status: isRefused ? 500 : 200, after: Promise.resolve().then(() => underWay--) };
  };
  world.first.answer(take("3"));
  world.second.answer(take("5"));
  await using gateway = await gatewayBefore(world, { ordered: true }, { retry: SOON });
  for (let number = 1; number <= 8; number++) await gateway.post("/webhook/orders", String(number));
  await eventually(() => assertEquals(arrived.filter((text) => !text.startsWith("no ")).length, 8));
  assertEquals(arrived.filter((text) => !text.startsWith("no ")), ["1", "2", "3", "4", "5", "6", "7", "8"]);
  assertEquals(most, 1);
  assert(world.second.requests.length > 0);
});

Deno.test("events wait while all targets are down, and none is lost", async () => {
  await using world = await TwoTargets.start();
  let isDown = true;
  const answer = (): Answer => isDown ? { status: 503 } : { status: 200 };
  world.first.answer(answer);
  world.second.answer(answer);
  await using gateway = await gatewayBefore(world, {}, { retry: SOON });
  for (let number = 1; number <= 20; number++) await gateway.post("/webhook/orders", String(number));
  await world.second.waitForRequests(1);
  isDown = false;
  await eventually(async () => {
    const taken = await metricOf(gateway, "cwm_output_target_events_total");
    assertEquals((taken[world.first.url] ?? 0) + (taken[world.second.url] ?? 0), 20);
  });
});

Deno.test("a target that fails and comes back over and over loses nothing", async () => {
  await using world = await TwoTargets.start();
  const taken = new Set<string>();
  const take = (text: string): Answer => {
    taken.add(text);
    return { status: 200 };
  };
  let asked = 0;
  world.first.answer(({ text }) => {
    asked++;
    if (asked % 40 < 20) return take(text);
    return asked % 3 === 0 ? "drop" : { status: 503 };
  });
  world.second.answer(({ text }) => take(text));
  await using gateway = await gatewayBefore(world, {}, { retry: SOON });
  const sent = Array.from({ length: 300 }, (_, number) => String(number));
  for (let begun = 0; begun < sent.length; begun += 30) {
    const some = sent.slice(begun, begun + 30);
    const answers = await Promise.all(some.map((body) => gateway.post("/webhook/orders", body)));
    assertEquals(answers.filter(({ status }) => status !== 200), []);
  }
  await eventually(() => assertEquals(sent.filter((body) => !taken.has(body)), []));
  assert(world.second.requests.length > 0);
});

Deno.test("a target that goes on failing is a trouble until it is back or gone, whoever takes over", async () => {
  await using world = await TwoTargets.start();
  const health = new Health();
  const logger = getLogger(["cwm", "test"]);
  const failover = new Failover({ logger, health, pauses: { initialMs: 1, maxMs: 1 } });
  const { targets = [] } = httpWebhookConfigSchema.parse(world.config);
  let isDown = true;
  const send = async () => {
    const event = verifiedEvent();
    const result = await failover.deliver(event, { targets, ordered: false }, NEVER, (target, onDown) => {
      if (!isDown || target !== targets[0]) return Promise.resolve("delivered");
      onDown();
      return Promise.resolve(new DeliveryError("output_failed", "It answered 500"));
    });
    assertEquals(result, "delivered");
  };
  const names = () => health.troubles().map(({ name, kind }) => [name, kind]);
  const trouble = [[`http_webhook ${world.first.url}`, "unreachable"]];
  await send();
  assertEquals(names(), []);
  await eventually(() => send().then(() => assertEquals(names(), trouble)));
  isDown = false;
  await eventually(() => send().then(() => assertEquals(names(), [])));
  isDown = true;
  await eventually(() => send().then(() => assertEquals(names(), trouble)));
  failover[Symbol.dispose]();
  assertEquals(names(), []);
});
