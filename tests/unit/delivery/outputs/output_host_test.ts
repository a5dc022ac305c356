import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { eventually } from "../../../support/eventually.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";

async function start(probe: ProbeModule, environment: Record<string, string> = {}): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: { orders: { module: "probe" } },
    modules: [probe.module],
    environment,
  });
}

const failures: readonly [code: ConstructorParameters<typeof DeliveryError>[0], status: number][] = [
  ["output_failed", 502],
  ["output_rejected", 502],
  ["output_unavailable", 503],
  ["output_timeout", 504],
  ["overloaded", 503],
];

for (const [code, status] of failures) {
  Deno.test(`an output that fails with ${code} is answered with ${status}`, async () => {
    const probe = new ProbeModule();
    probe.behaviour = () => new DeliveryError(code, "table payments on db.internal does not exist");
    await using gateway = await start(probe);
    const answer = await gateway.post("/webhook/orders", "{}");
    assertEquals([answer.status, errorCode(answer)], [status, code]);
    assert(!answer.text.includes("db.internal"), "the output's own reason stays inside");
  });
}

Deno.test("a delivery that failed for the moment is tried again, and a success answers 200", async () => {
  const probe = new ProbeModule();
  const results: DeliveryResult[] = [new DeliveryError("output_unavailable"), "delivered"];
  probe.behaviour = () => results.shift() ?? "delivered";
  await using gateway = await start(probe);
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  assertEquals(probe.events.length, 2);
  assertEquals(probe.events[0]?.id, probe.events[1]?.id);
});

Deno.test("a delivery that the output refused for good is not tried again", async () => {
  const probe = new ProbeModule();
  probe.behaviour = () => new DeliveryError("output_rejected");
  await using gateway = await start(probe);
  await gateway.post("/webhook/orders", "{}");
  assertEquals(probe.events.length, 1);
});

Deno.test("no retry starts when the output asks for more time than the sender's budget", async () => {
  const probe = new ProbeModule();
  probe.behaviour = () => new DeliveryError("output_unavailable", undefined, { retryAfterSeconds: 60 });
  await using gateway = await start(probe, { DELIVERY_BUDGET_MS: "1000" });
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals(answer.status, 503);
  assertEquals(answer.headers.get("retry-after"), "60");
  assertEquals(probe.events.length, 1);
});

Deno.test("a sender is not asked to wait for longer than the webhook's max_delay, an hour by default", async () => {
  const probe = new ProbeModule();
  probe.behaviour = () => new DeliveryError("output_failed", undefined, { retryAfterSeconds: 86_400 });
  const retry = { max_attempts: 1, max_delay: 120 };
  await using gateway = await TestGateway.start({
    webhooks: { usual: { module: "probe" }, bounded: { module: "probe", retry } },
    modules: [probe.module],
  });
  const asked = async (webhook: string) =>
    (await gateway.post(`/webhook/${webhook}`, "{}")).headers.get("retry-after");
  assertEquals([await asked("usual"), await asked("bounded")], ["3600", "120"]);
});

Deno.test("an output that hangs is answered with 504 at its time-out, and is told to stop", async () => {
  const probe = new ProbeModule({ timeoutMs: 100 });
  let aborted = 0;
  probe.behaviour = (_delivery, signal) =>
    new Promise((resolve) =>
      signal().addEventListener("abort", () => {
        aborted++;
        resolve(new DeliveryError("output_timeout"));
      })
    );
  await using gateway = await start(probe, { DELIVERY_BUDGET_MS: "1" });
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals([answer.status, errorCode(answer)], [504, "output_timeout"]);
  assertEquals(aborted, 1);
});

Deno.test("an output that is told to stop may say what it waited for", async () => {
  const probe = new ProbeModule({ timeoutMs: 100 });
  probe.behaviour = (_delivery, signal) =>
    new Promise((resolve) =>
      signal().addEventListener("abort", () => resolve(new DeliveryError("output_unavailable", "Broker 2")))
    );
  await using gateway = await start(probe, { DELIVERY_BUDGET_MS: "1" });
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals([answer.status, errorCode(answer)], [503, "output_unavailable"]);
});

Deno.test("an output that does not end when it is told to stop keeps no sender waiting", async () => {
  const probe = new ProbeModule({ timeoutMs: 100 });
  const { promise, resolve } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = (_delivery, signal) => {
    signal();
    return promise;
  };
  await using gateway = await start(probe, { DELIVERY_BUDGET_MS: "1" });
  assertEquals(errorCode(await gateway.post("/webhook/orders", "{}")), "output_timeout");
  resolve("delivered");
});

Deno.test("no retry begins that could not take as long as the attempt before it", async () => {
  const probe = new ProbeModule({ timeoutMs: 2_000 });
  probe.behaviour = (_delivery, signal) =>
    new Promise((resolve) =>
      signal().addEventListener("abort", () => resolve(new DeliveryError("output_timeout")))
    );
  // Time enough for a second attempt, but not for a whole one.
  await using gateway = await start(probe, { DELIVERY_BUDGET_MS: "3900" });
  assertEquals(errorCode(await gateway.post("/webhook/orders", "{}")), "output_timeout");
  assertEquals(probe.events.length, 1);
});

Deno.test("an output that tries again by itself is not tried again once its time was up", async () => {
  const probe = new ProbeModule({ timeoutMs: 100, triesUntilTimeout: true });
  probe.behaviour = (_delivery, signal) =>
    new Promise((resolve) =>
      signal().addEventListener("abort", () => resolve(new DeliveryError("output_unavailable")))
    );
  await using gateway = await start(probe);
  assertEquals(errorCode(await gateway.post("/webhook/orders", "{}")), "output_unavailable");
  assertEquals(probe.events.length, 1);
  // What fails before its time is up is.
  probe.behaviour = () => new DeliveryError("output_unavailable");
  await gateway.post("/webhook/orders", "{}");
  assertEquals(probe.events.length, 4);
  // What knows before that nothing answers is not.
  probe.behaviour = () => new DeliveryError("output_timeout");
  await gateway.post("/webhook/orders", "{}");
  assertEquals(probe.events.length, 5);
});

Deno.test("a retry that hangs ends with the sender's budget, however long the output's time-out is", async () => {
  const probe = new ProbeModule({ timeoutMs: 3_600_000 });
  probe.behaviour = (_delivery, signal) => {
    if (probe.events.length === 1) return new DeliveryError("output_unavailable");
    return new Promise((resolve) =>
      signal().addEventListener("abort", () => resolve(new DeliveryError("output_timeout")))
    );
  };
  await using gateway = await start(probe, { DELIVERY_BUDGET_MS: "1500" });
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals([answer.status, errorCode(answer)], [504, "output_timeout"]);
  assertEquals(probe.events.length, 2);
});

Deno.test("an output that throws something unexpected is answered with 502, and the gateway lives on", async () => {
  const probe = new ProbeModule();
  probe.behaviour = () => {
    throw new TypeError("a bug of the module");
  };
  await using gateway = await start(probe);
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 502);
  probe.behaviour = () => "delivered";
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
});

Deno.test("an output gets no more deliveries at once than its module allows; the others wait", async () => {
  const probe = new ProbeModule({ concurrency: 2 });
  const release: ((result: DeliveryResult) => void)[] = [];
  probe.behaviour = () => new Promise((resolve) => release.push(resolve));
  await using gateway = await start(probe);
  const answers = [1, 2, 3].map(() => gateway.post("/webhook/orders", "{}"));
  await eventually(() => assertEquals(release.length, 2));
  release[0]?.("delivered");
  await eventually(() => assertEquals(release.length, 3));
  for (const resolve of release) resolve("delivered");
  assertEquals((await Promise.all(answers)).map(({ status }) => status), [200, 200, 200]);
});

Deno.test("when too many deliveries wait for an output, further ones are answered with 503 at once", async () => {
  const probe = new ProbeModule({ concurrency: 1 });
  const release: ((result: DeliveryResult) => void)[] = [];
  probe.behaviour = () => new Promise((resolve) => release.push(resolve));
  await using gateway = await start(probe, { DELIVERY_BUDGET_MS: "1" });
  const answers = Array.from({ length: 20 }, () => gateway.post("/webhook/orders", "{}"));
  const first = await Promise.race(answers);
  assertEquals([first.status, errorCode(first)], [503, "overloaded"]);
  probe.behaviour = () => "delivered";
  release[0]?.("delivered");
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  assertEquals(statuses.filter((status) => status === 200).length, 17);
});

Deno.test("two webhooks with the same connection share one open output", async () => {
  const probe = new ProbeModule({ connectionTypes: ["probe-server"] });
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "probe", connection: "main" }, b: { module: "probe" } },
    connections: { main: { type: "probe-server", host: "one" } },
    modules: [probe.module],
  });
  await gateway.post("/webhook/a", "{}");
  await gateway.post("/webhook/b", "{}");
  assertEquals(probe.opened, 1);
});

Deno.test("a destination that hangs does not hold up deliveries of another partition", async () => {
  const probe = new ProbeModule({ concurrency: 1, partitioned: true });
  const release: ((result: DeliveryResult) => void)[] = [];
  await using gateway = await TestGateway.start({
    webhooks: {
      hung: { module: "probe", "module-config": { label: "hung" } },
      quick: { module: "probe", "module-config": { label: "quick" } },
    },
    modules: [probe.module],
  });
  probe.behaviour = ({ config }) =>
    config.label === "hung" ? new Promise((resolve) => release.push(resolve)) : "delivered";
  const held = gateway.post("/webhook/hung", "{}");
  await eventually(() => assertEquals(release.length, 1));
  assertEquals((await gateway.post("/webhook/quick", "{}")).status, 200);
  release[0]?.("delivered");
  await held;
});

Deno.test("a changed connection is opened again, and the old one closes when its last request ends", async () => {
  const probe = new ProbeModule({ connectionTypes: ["probe-server"] });
  let release: (result: DeliveryResult) => void = () => {};
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "probe" } },
    connections: { main: { type: "probe-server", host: "one" } },
    modules: [probe.module],
  });
  probe.behaviour = () => new Promise((resolve) => release = resolve);
  const held = gateway.post("/webhook/a", "1");
  await eventually(() => assertEquals(probe.events.length, 1));

  probe.behaviour = () => "delivered";
  await gateway.writeConnections({ main: { type: "probe-server", host: "two" } });
  await eventually(async () => {
    await gateway.post("/webhook/a", "2");
    assertEquals(probe.events.at(-1)?.connection, { host: "two" });
  });
  assertEquals(probe.open, 2, "the request under way keeps the old one open");
  release("delivered");
  assertEquals((await held).status, 200);
  await eventually(() => assertEquals(probe.open, 1));
});

Deno.test("outputs are opened by the first delivery and closed when the gateway stops", async () => {
  const probe = new ProbeModule();
  {
    await using gateway = await start(probe);
    assertEquals(probe.opened, 0);
    await gateway.post("/webhook/orders", "{}");
    assertEquals(probe.open, 1);
  }
  assertEquals(probe.open, 0);
});

Deno.test("failures of outputs are counted by module, connection and code", async () => {
  const probe = new ProbeModule();
  probe.behaviour = () => new DeliveryError("output_rejected");
  await using gateway = await start(probe);
  await gateway.post("/webhook/orders", "{}");
  const { text } = await gateway.request("/metrics");
  assertStringIncludes(
    text,
    `cwm_output_errors_total{module="probe",connection="probe",code="output_rejected"} 1`,
  );
});

/** A module whose connections are named `host`, with a webhook that uses `main`. */
async function startWithConnection(probe: ProbeModule): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: { a: { module: "probe" } },
    connections: { main: { type: "probe-server", host: "one" } },
    modules: [probe.module],
    environment: { ADMIN_TOKEN: "a-token-for-this-test" },
  });
}

async function connectionStates(gateway: TestGateway): Promise<readonly Record<string, unknown>[]> {
  const { text } = await gateway.request("/admin/connections", {
    headers: { authorization: "Bearer a-token-for-this-test" },
  });
  return (JSON.parse(text) as { connections: Record<string, unknown>[] }).connections;
}

Deno.test("a changed connection takes the place of the old one when it has been probed", async () => {
  const probe = new ProbeModule({ connectionTypes: ["probe-server"] });
  await using gateway = await startWithConnection(probe);
  await gateway.post("/webhook/a", "1");
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  probe.probe = () => answered;
  await gateway.writeConnections({ main: { type: "probe-server", host: "two" } });
  await eventually(() => assertEquals(probe.open, 2));
  await gateway.post("/webhook/a", "2");
  assertEquals(probe.events.at(-1)?.connection, { host: "one" }, "the old one serves meanwhile");
  answer();
  await eventually(() => assertEquals(probe.open, 1));
  await gateway.post("/webhook/a", "3");
  assertEquals(probe.events.at(-1)?.connection, { host: "two" });
});

Deno.test("a changed connection that cannot be reached is used all the same: the configuration counts", async () => {
  const probe = new ProbeModule({ connectionTypes: ["probe-server"] });
  await using gateway = await startWithConnection(probe);
  await gateway.post("/webhook/a", "1");
  probe.probe = () => Promise.reject(new DeliveryError("output_unavailable"));
  await gateway.writeConnections({ main: { type: "probe-server", host: "two" } });
  await eventually(async () => {
    await gateway.post("/webhook/a", "2");
    assertEquals(probe.events.at(-1)?.connection, { host: "two" });
  });
  await eventually(() => assertEquals(probe.open, 1));
});

Deno.test("events that wait for a connection out of reach go to the one that takes its place", async () => {
  const probe = new ProbeModule({ connectionTypes: ["probe-server"], acceptance: "durable" });
  probe.behaviour = () => new DeliveryError("output_unavailable");
  probe.probe = () => Promise.reject(new DeliveryError("output_unavailable"));
  await using gateway = await startWithConnection(probe);
  await gateway.post("/webhook/a", "1");
  await eventually(async () => {
    const [{ outputs } = {}] = await connectionStates(gateway);
    assertEquals((outputs as { state: string }[] | undefined)?.[0]?.state, "out_of_reach");
  });
  await gateway.post("/webhook/a", "2");
  probe.behaviour = () => "delivered";
  probe.probe = () => Promise.resolve();
  await gateway.writeConnections({ main: { type: "probe-server", host: "two" } });
  await eventually(async () => {
    assertStringIncludes((await gateway.request("/metrics")).text, "cwm_events_pending 0\n");
  });
  assertEquals(probe.events.at(-1)?.connection, { host: "two" });
});

Deno.test("any delivery that succeeds ends the pause of the events that wait for the same connection", async () => {
  const probe = new ProbeModule({ connectionTypes: ["probe-server"] });
  probe.behaviour = () => new DeliveryError("output_unavailable");
  // No probe ever succeeds: what waits can only go since something else went.
  probe.probe = () => Promise.reject(new DeliveryError("output_unavailable"));
  await using gateway = await TestGateway.start({
    webhooks: {
      waits: { module: "probe", accept: "delivered" },
      stored: { module: "probe", accept: "durable" },
    },
    connections: { main: { type: "probe-server", host: "one" } },
    modules: [probe.module],
    environment: { ADMIN_TOKEN: "a-token-for-this-test" },
  });
  await gateway.post("/webhook/stored", "1");
  await eventually(async () => {
    const [{ outputs } = {}] = await connectionStates(gateway);
    assertEquals((outputs as { state: string }[] | undefined)?.[0]?.state, "out_of_reach");
  });
  probe.behaviour = () => "delivered";
  assertEquals((await gateway.post("/webhook/waits", "2")).status, 200);
  await eventually(async () => {
    assertStringIncludes((await gateway.request("/metrics")).text, "cwm_events_pending 0\n");
  });
});

Deno.test("a failure of a part of the system behind an output does not have the other events wait", async () => {
  const probe = new ProbeModule({ acceptance: "durable" });
  const partial = new DeliveryError("output_unavailable", "Broker 2", { isPartial: true });
  probe.behaviour = ({ event }) => event.webhook === "dead" ? partial : "delivered";
  await using gateway = await TestGateway.start({
    webhooks: {
      dead: { module: "probe", retry: { max_attempts: 1 } },
      alive: { module: "probe" },
    },
    modules: [probe.module],
  });
  await gateway.post("/webhook/dead", "1");
  await gateway.post("/webhook/alive", "2");
  // The one went to the dead letters, the other arrived: neither waited for a probe.
  await eventually(async () => {
    assertStringIncludes((await gateway.request("/metrics")).text, "cwm_events_pending 0\n");
  });
  assertEquals(probe.events.map(({ webhook }) => webhook).toSorted(), ["alive", "dead"]);
});

Deno.test("the state of each connection can be seen, with its last failure", async () => {
  const probe = new ProbeModule({ connectionTypes: ["probe-server"] });
  await using gateway = await startWithConnection(probe);
  const idle = { module: "probe", state: "idle", active: 0 };
  assertEquals(await connectionStates(gateway), [{ name: "main", type: "probe-server", outputs: [idle] }]);
  await gateway.post("/webhook/a", "1");
  assertEquals((await connectionStates(gateway))[0]?.["outputs"], [{ ...idle, state: "open" }]);
  probe.behaviour = () => new DeliveryError("output_rejected", "No such table");
  await gateway.post("/webhook/a", "2");
  assertEquals((await connectionStates(gateway))[0]?.["outputs"], [{
    ...idle,
    state: "failing",
    failure: { code: "output_rejected", message: "No such table" },
  }]);
  assertStringIncludes(
    (await gateway.request("/metrics")).text,
    'cwm_output_up{module="probe",connection="main"} 0',
  );
});
