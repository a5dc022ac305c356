import { assertEquals, assertStringIncludes } from "@std/assert";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { HttpTarget, type Reply } from "../../support/http/target.ts";
import { ProbeModule } from "../../support/probe_module.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

/** A target, and a gateway whose senders get its answers. */
class World implements AsyncDisposable {
  readonly probe = new ProbeModule();

  private constructor(readonly target: HttpTarget) {}

  static async start(): Promise<World> {
    return new World(await HttpTarget.start());
  }

  /** A webhook or a step that sends to the target. */
  step(more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
    const config = { url: this.target.url, allowed_hosts: ["127.0.0.1"], forward_headers: true };
    return { module: "http_webhook", "module-config": config, retry: { initial_delay: 0.001 }, ...more };
  }

  gateway(webhook: Readonly<Record<string, unknown>>): Promise<TestGateway> {
    return TestGateway.start({
      webhooks: { w: { accept: "delivered", response: "from_output", ...webhook } },
      modules: [this.probe.module],
      environment: { ADMIN_TOKEN, DELIVERY_BUDGET_MS: "200" },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
  }
}

Deno.test("the sender gets status, type and body of the target's answer, and no other header of it", async () => {
  await using world = await World.start();
  await using gateway = await world.gateway(world.step());
  const headers = { "x-secret": "1", "set-cookie": "a=1", etag: "1", location: "/" };
  const replies: readonly Reply[] = [
    { status: 200, headers: { "content-type": "text/xml" }, body: "<Response/>" },
    {
      status: 201,
      headers: { "content-type": "application/json; charset=utf-8" },
      body: '{"text":"Zoë 🎉"}',
    },
    { status: 202 },
    { status: 204 },
    {
      status: 200,
      headers: { "content-type": "application/octet-stream" },
      body: new Uint8Array([0, 255, 254]),
    },
    { status: 200, headers: { "content-type": "text/plain" }, body: "x".repeat(64 * 1024) },
    { status: 200, headers: { "content-encoding": "" }, body: "no coding" },
    { status: 200, headers: { "content-encoding": "Identity" }, body: "no coding" },
  ];
  for (const reply of replies) {
    world.target.answerNext({ ...reply, headers: { ...headers, ...reply.headers } });
    const response = await fetch(gateway.url("/webhook/w"), { method: "POST", body: "{}" });
    const body = new Uint8Array(await response.arrayBuffer());
    const expected = typeof reply.body === "string" ? new TextEncoder().encode(reply.body) : reply.body;
    assertEquals(response.status, reply.status);
    assertEquals(response.headers.get("content-type"), reply.headers?.["content-type"] ?? null);
    assertEquals(body, expected ?? new Uint8Array());
    for (const name of Object.keys(headers)) assertEquals(response.headers.get(name), null, name);
    assertEquals(
      response.headers.get("x-request-id"),
      world.target.requests.at(-1)?.headers.get("cwm-event-id"),
    );
  }
});

Deno.test("the sender gets the answer that is final, also where it is a refusal or a failure", async () => {
  await using world = await World.start();
  await using gateway = await world.gateway(world.step());
  world.target.answerNext({ status: 503 }, { status: 200, body: "late" });
  const late = await gateway.post("/webhook/w", "{}");
  assertEquals([late.status, late.text], [200, "late"]);

  world.target.answer({
    status: 422,
    headers: { "content-type": "application/problem+json" },
    body: '{"a":1}',
  });
  const refused = await gateway.post("/webhook/w", "{}");
  assertEquals([refused.status, refused.text], [422, '{"a":1}']);
  assertEquals(refused.headers.get("content-type"), "application/problem+json");

  world.target.answer({ status: 500, headers: { "retry-after": "0" }, body: "broken" });
  const failed = await gateway.post("/webhook/w", "{}");
  assertEquals([failed.status, failed.text, failed.headers.get("retry-after")], [500, "broken", null]);

  const metrics = await (await fetch(gateway.url("/metrics"))).text();
  assertStringIncludes(metrics, 'outcome="output_rejected"');
  assertStringIncludes(metrics, 'outcome="output_failed"');
});

Deno.test("what says nothing about the event is the gateway's to answer", async () => {
  await using world = await World.start();
  await using gateway = await world.gateway(world.step());
  const codes: [Parameters<HttpTarget["answer"]>[0], number, string][] = [
    [{ status: 302, headers: { location: "/" } }, 502, "output_failed"],
    [{ status: 600 }, 502, "output_failed"],
    ["drop", 503, "output_unavailable"],
  ];
  for (const [reply, status, code] of codes) {
    // An answer to the first attempt is none to the last one.
    world.target.answerNext({ status: 503, body: "first" });
    world.target.answer(reply);
    const answer = await gateway.post("/webhook/w", "{}");
    assertEquals([answer.status, errorCode(answer)], [status, code]);
  }
});

Deno.test("an answer that is too long, broken off or compressed is 502, and its event was delivered", async () => {
  await using world = await World.start();
  const ids = { idempotency: { json_pointer: "/id" } };
  await using gateway = await world.gateway({ ...world.step(), ...ids });
  const replies: readonly Reply[] = [
    { status: 200, body: "x".repeat(64 * 1024 + 1) },
    { status: 200, body: "x".repeat(1_000_000) },
    { status: 200, headers: { "content-length": "10", connection: "close" }, body: "abc" },
    { status: 200, headers: { "content-encoding": "gzip" }, body: "abc" },
  ];
  for (const [id, reply] of replies.entries()) {
    world.target.answer(reply);
    const answer = await gateway.post("/webhook/w", JSON.stringify({ id }), { "accept-encoding": "gzip" });
    assertEquals([answer.status, errorCode(answer)], [502, "output_answer_unusable"]);
    const repeated = await gateway.post("/webhook/w", JSON.stringify({ id }));
    assertEquals(repeated.status, 200);
    assertEquals(world.target.requests.length, id + 1);
    assertEquals(world.target.requests.at(-1)?.headers.get("accept-encoding"), "identity");
  }
  // A refusal that is too long is a refusal all the same.
  world.target.answer({ status: 400, body: "x".repeat(100_000) });
  assertEquals(errorCode(await gateway.post("/webhook/w", '{"id":"r"}')), "output_rejected");
});

Deno.test("a repeated event gets the gateway's answer, with the id of the first one", async () => {
  await using world = await World.start();
  await using gateway = await world.gateway({ ...world.step(), idempotency: { json_pointer: "/id" } });
  world.target.answer({ status: 200, body: "hello" });
  const first = await gateway.post("/webhook/w", '{"id":1}');
  assertEquals(first.text, "hello");
  const second = await gateway.post("/webhook/w", '{"id":1}');
  assertEquals(JSON.parse(second.text), {
    message: "Event accepted",
    event_id: first.headers.get("x-request-id"),
  });
});

Deno.test("the answer of a chain is that of the step that is named, once all steps have the event", async () => {
  await using world = await World.start();
  await using other = await HttpTarget.start();
  other.answer({ status: 200, body: "other" });
  world.target.answer({ status: 200, body: "named" });
  const config = { url: other.url, allowed_hosts: ["127.0.0.1"] };
  const otherStep = { module: "http_webhook", "module-config": config };
  for (const execution of ["sequential", "parallel"]) {
    const chain = ["probe", otherStep, world.step({ name: "slack" })];
    await using gateway = await world.gateway({
      chain,
      "chain-config": { execution },
      response: { from_output: "slack" },
    });
    assertEquals((await gateway.post("/webhook/w", "{}")).text, "named");
    other.answerNext({ status: 400, body: "refused" });
    const failed = await gateway.post("/webhook/w", "{}");
    assertEquals([failed.status, errorCode(failed)], [502, "output_rejected"]);
    world.target.answerNext({ status: 400, body: "refused by the named one" });
    const refused = await gateway.post("/webhook/w", "{}");
    assertEquals([refused.status, refused.text], [400, "refused by the named one"]);
  }
  assertEquals(world.probe.events.length, 6);
  await using only = await world.gateway({ chain: ["probe", world.step()] });
  assertEquals((await only.post("/webhook/w", "{}")).text, "named");
});

Deno.test("a webhook that cannot have an output's answer is a problem that says why", async () => {
  await using world = await World.start();
  await using gateway = await world.gateway({ module: "probe" });
  const problemOf = async (webhook: Readonly<Record<string, unknown>>) => {
    await gateway.writeWebhooks({ w: { accept: "delivered", response: "from_output", ...webhook } });
    await gateway.reload();
    const answer = await gateway.request("/admin/config", {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const { problems } = JSON.parse(answer.text) as { problems: { path: string; message: string }[] };
    return problems.map(({ path, message }) => `${path}: ${message}`);
  };
  const step = world.step();
  assertEquals(await problemOf(step), []);
  for (const accept of ["durable", undefined]) {
    assertEquals(await problemOf({ ...step, accept }), [
      'response: Needs "accept": "delivered": out of the journal, the output\'s answer would come too late',
    ]);
  }
  assertEquals(await problemOf({ module: "log" }), ["response: There is no step that has an answer"]);
  assertEquals(await problemOf({ chain: [step, step] }), [
    "response: There is more than one step that has an answer: give one a 'name', and name it in 'response.from_output'",
  ]);
  assertEquals(await problemOf({ chain: ["log", step], response: { from_output: "log" } }), [
    "response: Module 'log' has no answer that could go back to the sender",
  ]);
  assertEquals(await problemOf({ chain: ["log", step], response: { from_output: "slack" } }), [
    "response: There is no step called 'slack' that has an answer",
  ]);
  assertEquals(await problemOf({ ...step, response: { from_output: "http_webhook", status: 202 } }), [
    "response: With 'from_output' there is no other key: the output says what the answer is",
  ]);
  assertEquals((await problemOf({ ...step, response: "from_outputs" })).length, 1);
});
