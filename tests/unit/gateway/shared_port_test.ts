import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { StartupError } from "../../../src/errors.ts";
import { describeOwnState, instanceName } from "../../../src/gateway/shared_port.ts";
import { listenersAt } from "../../../src/io/server/connection_table.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { TestGateway } from "../../support/gateway.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** A gateway at the port of another one, with a data directory of its own unless one is given. */
function startAt(port: number, options: Parameters<typeof TestGateway.start>[0] = {}): Promise<TestGateway> {
  const environment = { REUSE_PORT: "on", PORT: String(port), ...options.environment };
  return TestGateway.start({ ...options, environment });
}

function webhooksTo(target: HttpTarget): Readonly<Record<string, unknown>> {
  const config = { url: target.url, allowed_hosts: ["127.0.0.1"] };
  return { orders: { module: "http_webhook", accept: "durable", auth: "none", "module-config": config } };
}

/** What one of those on the port says; `undefined` where a listener that was just closed had the connection. */
async function readiness({ port }: TestGateway): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    return (await answer.json() as { readonly status: string }).status;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

Deno.test("a gateway leaves its port to others while it is still ready, and the last one drains", async () => {
  await using log = RecordedLog.start("info");
  const environment = { SHUTDOWN_GRACE_MS: "60000" };
  await using first = await startAt(0, { environment });
  await using second = await startAt(first.port, { environment });
  await using third = await startAt(first.port, { environment });
  const listeners = () => listenersAt("127.0.0.1", first.port);
  assertEquals(listeners(), 3);
  const drains = Promise.all([first, second, third].map((gateway) => gateway.drain()));
  // Of three that end at once two see that another one is left. Until then nobody is asked to look elsewhere.
  while (listeners() > 1) {
    const status = await readiness(first);
    if (listeners() > 1 && status !== undefined) assertEquals(status, "ready");
  }
  // As long as senders come, it serves on. A machine that is too busy to send has it end before.
  while (listeners() > 0 && await readiness(first) !== "draining") {
    await first.post("/webhook/orders", "").catch((error) => assertInstanceOf(error, TypeError));
  }
  await drains;
  assertEquals(listeners(), 0);
  const servedOn = (await log.records()).filter(({ message }) =>
    String(message).startsWith("Draining: serving on")
  );
  assertEquals(servedOn.length, 1);
});

Deno.test("a gateway that has left its port to others delivers what stands in its journal", async () => {
  await using target = await HttpTarget.start();
  target.answerNext({ status: 503 });
  await using ending = await startAt(0, {
    webhooks: webhooksTo(target),
    environment: { SHUTDOWN_GRACE_MS: "60000" },
  });
  await ending.post("/webhook/orders", `{"n":1}`);
  await target.waitForRequests(1);
  await using _other = await startAt(ending.port);
  await ending.drain();
  assertEquals(target.requests.map(({ text }) => text), [`{"n":1}`, `{"n":1}`]);
});

Deno.test("what a gateway on a shared port has left at its end is delivered at its next start", async () => {
  await using target = await HttpTarget.start();
  target.answer({ status: 503 });
  await using data = await TempDir.create();
  const options = {
    webhooks: webhooksTo(target),
    environment: { DATA_DIR: data.path, SHUTDOWN_GRACE_MS: "100" },
  };
  await using other = await startAt(0);
  {
    await using ending = await TestGateway.start(options);
    await ending.post("/webhook/orders", `{"n":1}`);
    await target.waitForRequests(1);
    await ending.drain();
  }
  target.answer({ status: 200 });
  const before = target.requests.length;
  await using _back = await startAt(other.port, options);
  assertEquals((await target.waitForRequests(before + 1)).at(-1)?.text, `{"n":1}`);
});

Deno.test("a gateway on a shared port does not start in the data directory of another one", async () => {
  await using data = await TempDir.create();
  const environment = { DATA_DIR: data.path };
  await using first = await startAt(0, { environment });
  const error = await assertRejects(() => startAt(first.port, { environment }), StartupError);
  assertEquals(error.code, "data_directory_in_use");
  assertEquals(listenersAt("127.0.0.1", first.port), 1);
});

for (const shares of [false, true]) {
  const what = shares ? "does not share it" : "shares it";
  Deno.test(`a gateway says why it cannot listen at the port of one that ${what}`, async () => {
    await using other = await TestGateway.start({ environment: { REUSE_PORT: shares ? "off" : "on" } });
    const error = await assertRejects(
      () =>
        TestGateway.start({ environment: { PORT: String(other.port), REUSE_PORT: shares ? "on" : "off" } }),
      StartupError,
    );
    assertEquals(error.code, "address_in_use");
    assertStringIncludes(error.message, shares ? "need REUSE_PORT=on" : "another program uses this port");
  });
}

Deno.test("instances on a port are known by their host and the port of each alone", () => {
  const nameOf = (env: Readonly<Record<string, string>>) =>
    instanceName(loadSettings(env, { logIsTerminal: false }), { HOSTNAME: "edge-1" });
  assertEquals(nameOf({ REUSE_PORT: "on", INSTANCE_PORT: "8101" }), "edge-1:8101");
  assertEquals(nameOf({ REUSE_PORT: "on" }), "edge-1");
  assertEquals(nameOf({}), "edge-1");
});

Deno.test("nothing is said of what instances on a port have alone where they have one journal", () => {
  const said = (env: Readonly<Record<string, string>>) =>
    describeOwnState(loadSettings({ REUSE_PORT: "on", ...env }, { logIsTerminal: false }));
  assertStringIncludes(said({}) ?? "", "for which RELAY_QUEUE is not set");
  assertEquals(said({ RELAY_QUEUE: "redis://redis:6379" })?.includes("RELAY_QUEUE"), false);
  assertEquals(said({ JOURNAL: "postgres://cwm@localhost/cwm" }), undefined);
  assertEquals(said({ REUSE_PORT: "off" }), undefined);
});
