/** Which events a webhook takes, what their senders hear, and what is left of those that it does not take. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const ON_MAIN = "headers['x-github-event'] == 'push' && body.ref == 'refs/heads/main'";
const PUSH = { "X-GitHub-Event": "push" };

interface Started extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly probe: ProbeModule;
}

async function start(
  hook: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
  probe = new ProbeModule(),
): Promise<Started> {
  const webhooks = { hook: { module: "probe", ...hook } };
  const gateway = await TestGateway.start({
    webhooks,
    modules: [probe.module],
    environment: { ADMIN_TOKEN, ...environment },
  });
  return { gateway, probe, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

function post(gateway: TestGateway, body: string, headers: Readonly<Record<string, string>> = PUSH) {
  return gateway.post("/webhook/hook", body, headers);
}

async function admin(gateway: TestGateway, path: string, method = "GET") {
  const { text } = await gateway.request(path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return JSON.parse(text);
}

async function metric(gateway: TestGateway, line: string): Promise<string | undefined> {
  const { text } = await gateway.request("/metrics");
  return text.split("\n").find((each) => each.startsWith(line))?.slice(line.length).trim();
}

function results(gateway: TestGateway, result: string, step = "filter") {
  const labels = `{namespace="default",webhook="hook",step="${step}",result="${result}"}`;
  return metric(gateway, `cwm_filter_results_total${labels}`);
}

const text = (probe: ProbeModule) => probe.events.map((event) => event.text);

for (const accept of ["delivered", "durable"]) {
  Deno.test(`an event that the filter does not want is answered with 200 and goes nowhere, ${accept}`, async () => {
    await using started = await start({ accept, filter: ON_MAIN });
    const { gateway, probe } = started;
    const filtered = await post(gateway, '{"ref":"refs/heads/other"}');
    assertEquals(filtered.status, 200);
    assertMatch(filtered.text, /^\{"message":"Event filtered","event_id":"[\w-]+"\}\n$/);
    const other = await post(gateway, '{"ref":"refs/heads/main"}', { "X-GitHub-Event": "issues" });
    assertMatch(other.text, /Event filtered/);
    const taken = await post(gateway, '{"ref":"refs/heads/main"}');
    assertMatch(taken.text, /Event accepted/);
    await eventually(() => assertEquals(text(probe), ['{"ref":"refs/heads/main"}']));
    assertEquals(await results(gateway, "true"), "1");
    assertEquals(await results(gateway, "false"), "2");
    const outcome = 'cwm_requests_total{namespace="default",webhook="hook",outcome="filtered"}';
    assertEquals(await metric(gateway, outcome), "2");
    if (accept === "durable") {
      assertEquals(
        await metric(gateway, 'cwm_events_accepted_total{namespace="default",webhook="hook"}'),
        "1",
      );
    }
    assertEquals((await admin(gateway, "/admin/dead-letters")).dead_letters, []);
  });
}

Deno.test("a field that is not there makes no event pass, and is counted apart", async () => {
  await using started = await start({ filter: "body.ref == 'refs/heads/main'" });
  const { gateway, probe } = started;
  assertMatch((await post(gateway, '{"zen":"Keep it simple"}')).text, /Event filtered/);
  assertMatch((await post(gateway, "[]")).text, /filter/);
  assertEquals(await results(gateway, "missing_field"), "1");
  assertEquals(await results(gateway, "false"), "0");
  assertEquals(probe.events.length, 0);
});

Deno.test("a filtered event uses no key: sent again with what the filter wants, it is taken", async () => {
  await using started = await start({
    filter: "body.state == 'paid'",
    accept: "durable",
    idempotency: { json_pointer: "/id" },
  });
  const { gateway, probe } = started;
  assertMatch((await post(gateway, '{"id":7,"state":"open"}')).text, /Event filtered/);
  assertMatch((await post(gateway, '{"id":7,"state":"paid"}')).text, /Event accepted/);
  assertEquals(
    await metric(gateway, 'cwm_requests_total{namespace="default",webhook="hook",outcome="duplicate"}'),
    undefined,
  );
  await eventually(() => assertEquals(text(probe), ['{"id":7,"state":"paid"}']));
});

Deno.test("a failing filter makes a durable event a dead letter, which is delivered once it is mended", async () => {
  await using started = await start({ accept: "durable", filter: "body.amount.size() == 5" });
  const { gateway, probe } = started;
  assertMatch((await post(gateway, '{"amount":4}')).text, /Event accepted/);
  assertMatch((await post(gateway, '{"amount":9}')).text, /Event accepted/);
  const letters = await eventually(async () => {
    const { dead_letters: found } = await admin(gateway, "/admin/dead-letters");
    assertEquals(found.length, 2);
    return found as { id: number; reason: string; message: string }[];
  });
  assertEquals(letters.map(({ reason }) => reason), ["filter_failed", "filter_failed"]);
  assertEquals(probe.events.length, 0);
  assertEquals(await results(gateway, "error"), "4");
  await gateway.writeWebhooks({ hook: { module: "probe", accept: "durable", filter: "body.amount == 4" } });
  await gateway.reload();
  const replayed = await admin(gateway, "/admin/dead-letters/replay?all=true", "POST");
  assertEquals(replayed.replayed, 2);
  await eventually(async () => assertEquals(await metric(gateway, "cwm_events_pending"), "0"));
  assertEquals(text(probe), ['{"amount":4}']);
  const unrouted = 'cwm_events_ended_total{namespace="default",webhook="hook",outcome="unrouted"}';
  await eventually(async () => assertEquals(await metric(gateway, unrouted), "1"));
  assertEquals((await admin(gateway, "/admin/dead-letters")).dead_letters, []);
});

Deno.test("a filter reads what the cleanup leaves: on arrival, in the journal, and when asked", async () => {
  const hook = (filter: string) => ({ accept: "durable", credential_cleanup: {}, filter });
  const seen = "body.password == '***REDACTED***' && headers['x-csrf'] == '***REDACTED***'";
  await using started = await start(hook(`${seen} && body.list[7] == 1`));
  const { gateway, probe } = started;
  const send = (n: number) => post(gateway, `{"n":${n},"password":"hunter2","list":[1]}`, { "X-CSRF": "x" });
  assertMatch((await send(1)).text, /accepted/);
  await eventually(async () => {
    assertEquals((await admin(gateway, "/admin/dead-letters")).dead_letters[0]?.reason, "filter_failed");
  });
  await gateway.writeWebhooks({ hook: { module: "probe", ...hook(seen) } });
  await gateway.reload();
  assertMatch((await send(2)).text, /accepted/);
  assertEquals((await admin(gateway, "/admin/dead-letters/replay?all=true", "POST")).replayed, 1);
  await eventually(() => assertEquals(probe.events.length, 2));
  assertEquals(
    text(probe).toSorted(),
    [1, 2].map((n) => `{"n":${n},"password":"***REDACTED***","list":[1]}`),
  );
  const asked = { webhook: "default/hook", headers: { "X-CSRF": "x" }, body: { password: "hunter2" } };
  const { text: answer } = await gateway.request("/admin/filter", {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    body: JSON.stringify(asked),
  });
  assertEquals([JSON.parse(answer).outcome, answer.includes("hunter2")], ["passes", false]);
});

Deno.test("an event that goes nowhere has a line in the log at debug, and no value in it", async () => {
  await using log = RecordedLog.start("debug");
  await using started = await start({
    signature: { provider: "github", secret: "github-secret-of-this-test", events: ["push"] },
    filter: "body.n > 1",
    module: undefined,
    chain: [{ module: "probe", when: "body.n == 3" }],
  });
  const { gateway } = started;
  const ids: unknown[] = [];
  for (const [event, n] of [["issues", 3], ["push", 1], ["push", 2], ["push", 3]] as const) {
    const body = `{"n":${n},"card":"4111"}`;
    const signature = createHmac("sha256", "github-secret-of-this-test").update(body).digest("hex");
    const headers = { "X-GitHub-Event": event, "X-Hub-Signature-256": `sha256=${signature}` };
    ids.push(JSON.parse((await post(gateway, body, headers)).text).event_id);
  }
  const lines = (await log.records()).filter(({ category }) => category === "cwm.filters");
  assertEquals(
    lines.map((line) => [line["level"], line["webhook"], line["by"], line["event_id"]]),
    ["events", "filter", "steps"].map((by, index) => ["debug", "hook", by, ids[index]]),
  );
  assertEquals((await log.text()).includes("4111"), false);
});

Deno.test("a failing filter answers 500 where the sender waits, and says nothing of the event", async () => {
  await using started = await start({ filter: "body.secretly.size() == 5" });
  const { gateway, probe } = started;
  const answer = await post(gateway, '{"secretly":42}');
  assertEquals([answer.status, errorCode(answer)], [500, "filter_failed"]);
  assert(!answer.text.includes("secretly") && !answer.text.includes("42"));
  assertEquals(probe.events.length, 0);
});

Deno.test("on_error lets events pass on which the filter fails, or filters them", async () => {
  for (const [onError, expected] of [["deliver", /accepted/], ["filter", /filtered/]] as const) {
    await using started = await start({ filter: { when: "body.n / 0 == 1", on_error: onError } });
    const { gateway } = started;
    assertMatch((await post(gateway, '{"n":1}')).text, expected);
    assertEquals(await results(gateway, "error"), "1");
  }
});

Deno.test("an expression that takes too much work ends, and the next request is served", async () => {
  await using started = await start({ filter: "body.all(a, body.all(b, body.all(c, a + b + c >= 0)))" });
  const { gateway, probe } = started;
  const answer = await post(gateway, JSON.stringify(Array.from({ length: 1_000 }, () => 1)));
  assertEquals(errorCode(answer), "filter_failed");
  assertEquals(await results(gateway, "budget"), "1");
  assertEquals((await post(gateway, "[1]")).status, 200);
  assertEquals(probe.events.length, 1);
});

Deno.test("a large body is read in turns, and filtered by its last member", async () => {
  await using started = await start({ filter: "body.last == 'yes'" }, { MAX_JSON_VALUES: "10000000" });
  const { gateway } = started;
  const body = (last: string) => `{"zeros":[${"0,".repeat(1_000_000)}0],"last":"${last}"}`;
  assertMatch((await post(gateway, body("no"))).text, /filtered/);
  assertMatch((await post(gateway, body("yes"))).text, /accepted/);
});

Deno.test("numbers are compared with all their digits", async () => {
  await using started = await start({ filter: "body.id == 9007199254740993" });
  const { gateway } = started;
  assertMatch((await post(gateway, '{"id":9007199254740993}')).text, /accepted/);
  assertMatch((await post(gateway, '{"id":9007199254740992}')).text, /filtered/);
});

Deno.test("names that mean something to JavaScript are members like others", async () => {
  await using started = await start({ filter: "body.constructor == 'Ford' && !has(body.toString)" });
  const { gateway } = started;
  assertMatch((await post(gateway, '{"constructor":"Ford"}')).text, /accepted/);
  assertMatch((await post(gateway, '{"a":"Ford"}')).text, /filtered/);
});

Deno.test("headers and parameters with credentials cannot be read", async () => {
  const hidden = ["authorization", "cookie", "x-shop", "x-hub-signature"].map((name) => `'${name}'`).join(
    ", ",
  );
  await using started = await start({
    filter:
      `query.shop == '7' && !headers.exists(name, name in [${hidden}]) && headers['x-kind'] == 'a' && ` +
      "!query.exists(name, name in ['key', 'pass', 'access_token'])",
    header_auth: { header_name: "X-Shop", api_key: "a secret of this test", case_sensitive: true },
    query_auth: { parameter_name: "pass", api_key: "another secret of this test", case_sensitive: true },
  });
  const { gateway } = started;
  const answer = await gateway.post(
    "/webhook/hook?shop=7&key=1&access_token=2&pass=another+secret+of+this+test",
    "{}",
    { "X-Shop": "a secret of this test", "X-Kind": "a", Cookie: "c=1", "X-Hub-Signature": "sha1=0" },
  );
  assertMatch(answer.text, /accepted/);
});

Deno.test("whoever is not let in is refused before the filter, and a webhook that is off has none", async () => {
  await using started = await start({ filter: "false", authorization: "Bearer of-this-test" });
  const { gateway } = started;
  assertEquals((await post(gateway, "{}")).status, 401);
  await gateway.writeWebhooks({ hook: { module: "probe", filter: "false", enabled: false } });
  await gateway.reload();
  assertEquals(errorCode(await post(gateway, "{}")), "webhook_disabled");
  assertEquals(await results(gateway, "false"), undefined);
});

Deno.test("a challenge is answered, whatever the filter says", async () => {
  const secret = "slack-secret-of-this-test";
  await using started = await start({ filter: "false", signature: { provider: "slack", secret } });
  const { gateway } = started;
  const body = '{"type":"url_verification","challenge":"c-1"}';
  const time = String(Math.floor(Date.now() / 1000));
  const signature = `v0=${createHmac("sha256", secret).update(`v0:${time}:${body}`).digest("hex")}`;
  const answer = await post(gateway, body, {
    "X-Slack-Request-Timestamp": time,
    "X-Slack-Signature": signature,
  });
  assertStringIncludes(answer.text, "c-1");
});

Deno.test("what is wrong with an expression is a problem of the entry, with its place", async () => {
  const wrong: Readonly<Record<string, readonly [hook: Record<string, unknown>, path: string]>> = {
    variable: [{ filter: "bodi.ref == 'x'" }, "filter:1:1"],
    text: [{ filter: "body.ref ==" }, "filter:1:12"],
    second: [{ filter: { when: "true &&\n  nothing(1)" } }, "filter.when:2:3"],
    empty: [{ filter: "" }, "filter:1:1"],
    none: [{ filter: null }, "filter"],
    object: [{ filter: {} }, "filter"],
    type: [{ filter: "'text'" }, "filter"],
    reference: [{ filter: "body.a == '{$HOME}'" }, "filter"],
    own: [{ filter: "'x-shop' in headers", hmac: { header: "X-Shop", secret: "of-this-test" } }, "filter"],
    header: [{ filter: "headers.authorization == 'x'" }, "filter"],
    beside: [{ filter: "size(headers) > 3 && has(headers.authorization)" }, "filter"],
    parameter: [{ filter: "query.token == 'x'" }, "filter"],
    blob: [{ filter: "body.a == 1", data_type: "blob" }, "filter:1:1"],
  };
  const probe = new ProbeModule();
  await using gateway = await TestGateway.start({
    webhooks: Object.fromEntries(
      Object.entries(wrong).map(([name, [hook]]) => [name, { module: "probe", ...hook }]),
    ),
    modules: [probe.module],
    environment: { ADMIN_TOKEN, HOME: "/nowhere" },
  });
  const { problems } = await admin(gateway, "/admin/config") as { problems: { key: string; path: string }[] };
  for (const [name, [, path]] of Object.entries(wrong)) {
    const found = problems.filter(({ key }) => key === `webhook default/${name}`).map((problem) =>
      problem.path
    );
    assert(
      found.some((each) => each === path || each.startsWith(`${path}.`)),
      `${name}: ${found.join(", ")}`,
    );
    assertEquals((await gateway.post(`/webhook/${name}`, "{}")).status, 503);
  }
});
