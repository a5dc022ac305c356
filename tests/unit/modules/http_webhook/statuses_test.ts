import { assertEquals } from "@std/assert";
import { httpWebhookConfigSchema } from "../../../../src/modules/http_webhook/config.ts";
import { httpWebhookModule } from "../../../../src/modules/http_webhook/http_webhook.ts";
import { eventually } from "../../../support/eventually.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { HttpTarget } from "../../../support/http/target.ts";
import { OpenOutput } from "../../../support/open_output.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

/** The statuses that a target can answer with, but those of interim answers, and one that means nothing. */
const STATUSES = Array.from({ length: 401 }, (_, index) => index + 200);

/** What a delivery led to for each status of a real target, as groups: `201-299`, `401`. */
async function groupsOf(config: object): Promise<Record<string, string[]>> {
  const groups: Record<string, [number, number][]> = {};
  await using target = await HttpTarget.start();
  await using output = await OpenOutput.open(httpWebhookModule, undefined);
  for (const status of STATUSES) {
    target.answerNext({ status });
    const module = { url: target.url, allowed_hosts: ["127.0.0.1"], ...config };
    const [result = "delivered"] = await output.deliver([verifiedEvent()], module);
    const ranges = groups[result === "delivered" ? result : result.disposition] ??= [];
    const last = ranges.at(-1);
    if (last?.[1] === status - 1) last[1] = status;
    else ranges.push([status, status]);
  }
  return Object.fromEntries(
    Object.entries(groups).map(([kind, ranges]) => [
      kind,
      ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`),
    ]),
  );
}

Deno.test("http_webhook delivers by 2xx, gives up what is refused for good, and tries the rest again", async () => {
  assertEquals(await groupsOf({}), {
    delivered: ["200-299"],
    retry: ["300-399", "401", "403-404", "407-409", "421", "423-425", "429", "500-600"],
    dead_letter: ["400", "402", "405-406", "410-420", "422", "426-428", "430-499"],
  });
});

Deno.test("final_statuses and retry_statuses win over the usual rules, the narrower entry first", async () => {
  const config = {
    final_statuses: [404, "500-503", "502-502", " 3XX ", "401"],
    retry_statuses: ["4xx", "300-307", "500 - 502"],
  };
  assertEquals(await groupsOf(config), {
    delivered: ["200-299"],
    retry: ["300-307", "400", "402-403", "405-501", "504-600"],
    dead_letter: ["308-399", "401", "404", "502-503"],
  });
});

Deno.test("lists of statuses that cannot be meant are problems", () => {
  const cases: readonly [config: object, problems: readonly string[]][] = [
    [{ final_statuses: ["4x"] }, ["final_statuses.0: Expected a status"]],
    [
      { final_statuses: [99, 1000, 404.5, "503-500", "", "0xx"] },
      [0, 1, 2, 3, 4, 5].map((index) => `final_statuses.${index}: Expected a status`),
    ],
    [{ retry_statuses: [true] }, ["retry_statuses.0: Expected a status"]],
    [{ retry_statuses: 404 }, ["retry_statuses: "]],
    [{ retry_statuses: [200] }, ["retry_statuses.0: A status of 200 to 299"]],
    [
      { final_statuses: ["2xx", "100-599"] },
      [0, 1].map((index) => `final_statuses.${index}: A status of 200 to 299`),
    ],
    [{ final_statuses: [404], retry_statuses: ["404"] }, ["retry_statuses: Status 404 is in both lists"]],
    [{ final_statuses: ["400-405"], retry_statuses: ["403-408"] }, ["retry_statuses: Status 403 is in both"]],
    [{ final_statuses: ["400-405", 403, 404], retry_statuses: [405, "403-408"] }, []],
    [{ final_statuses: [404, "404"], retry_statuses: ["4xx", 999] }, []],
  ];
  for (const [config, expected] of cases) {
    const { error } = httpWebhookConfigSchema.safeParse({ url: "https://shop.example", ...config });
    const problems = (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
    const beginnings = problems.map((problem, index) => problem.slice(0, expected[index]?.length));
    assertEquals(beginnings, expected, JSON.stringify(config));
  }
});

Deno.test("an event is delivered once the route that was missing is there", async () => {
  await using target = await HttpTarget.start();
  target.answerNext({ status: 404 }, { status: 401 }, { status: 302, headers: { location: "/login" } });
  await using gateway = await gatewayBefore(target, { retry: { schedule: [0, 0.01, "0.02"] } });
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals(answer.status, 200);
  await target.waitForRequests(4);
  await eventually(async () => assertEquals(await endedOf(gateway), { delivered: 1 }));
});

Deno.test("an event is a dead letter after as many attempts as its schedule has pauses, and one", async () => {
  await using target = await HttpTarget.start();
  target.answer({ status: 404 });
  await using gateway = await gatewayBefore(target, { retry: { schedule: [0, 0] } });
  await gateway.post("/webhook/orders", "{}");
  await eventually(async () => assertEquals(await endedOf(gateway), { dead_letter: 1 }));
  assertEquals(target.requests.length, 3);
});

Deno.test("an event is a dead letter after one attempt where the webhook says the answer is final", async () => {
  await using target = await HttpTarget.start();
  target.answer({ status: 404 });
  const config = { "module-config": { final_statuses: ["4xx"] }, retry: { schedule: [0, 0] } };
  await using gateway = await gatewayBefore(target, config);
  await gateway.post("/webhook/orders", "{}");
  await eventually(async () => assertEquals(await endedOf(gateway), { dead_letter: 1 }));
  assertEquals(target.requests.length, 1);
});

Deno.test("a sender that waits sees an answer that may change as output_failed, and others as refused", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await gatewayBefore(target, { accept: "delivered", retry: { schedule: [0] } });
  const send = async (status: number): Promise<readonly [number, string, string | null, number]> => {
    const before = target.requests.length;
    target.answer({ status, headers: { "retry-after": "86400" } });
    const answer = await gateway.post("/webhook/orders", "{}");
    const attempts = target.requests.length - before;
    return [answer.status, errorCode(answer), answer.headers.get("retry-after"), attempts];
  };
  // The target wants to be left alone for longer than the sender waits: there is no second attempt.
  assertEquals(await send(401), [502, "output_failed", "86400", 1]);
  assertEquals(await send(422), [502, "output_rejected", null, 1]);
  target.answerNext({ status: 404 });
  target.answer({ status: 201 });
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
});

/** A gateway whose webhook `orders` sends to the target. */
function gatewayBefore(target: HttpTarget, { "module-config": own = {}, ...webhook }: {
  readonly "module-config"?: object;
  readonly [key: string]: unknown;
}): Promise<TestGateway> {
  const config = { url: target.url, allowed_hosts: ["127.0.0.1"], ...own };
  return TestGateway.start({
    webhooks: { orders: { module: "http_webhook", "module-config": config, ...webhook } },
  });
}

/** How many events have ended, by how. */
async function endedOf(gateway: TestGateway): Promise<Record<string, number>> {
  const { text } = await gateway.request("/metrics");
  const ends = text.matchAll(/^cwm_events_ended_total\{.*outcome="(\w+)"\} ([1-9]\d*)$/gm);
  return Object.fromEntries([...ends].map(([, outcome, count]) => [outcome, Number(count)]));
}
