import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import type { ChildProcess } from "../support/process/child_process.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { HttpTarget } from "../support/http/target.ts";
import { formatRequest, RawHttpConnection } from "../support/http/raw_http.ts";
import { TempDir } from "../support/temp_dir.ts";

/** In the last digit of a mask of signals. */
const SIGHUP_BIT = 1;

function post(gateway: GatewayProcess, path: string, body: string): Promise<Response> {
  return fetch(`${gateway.url}${path}`, { method: "POST", body });
}

/** Waits until the gateway has begun with one request. */
async function untilUnderWay(gateway: GatewayProcess): Promise<void> {
  await eventually(async () => {
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    assertMatch(metrics, /^cwm_inflight_requests 1$/m);
  });
}

/** The events that the `log` output has printed. */
function printedEvents(gateway: GatewayProcess): { event_id: string; payload: unknown }[] {
  return gateway.lines.filter(({ stream }) => stream === "stdout").map(({ text }) => JSON.parse(text));
}

Deno.test("a gateway without any configuration says so, with a curl line that works as it stands", async () => {
  await using gateway = await GatewayProcess.start({ env: { LOG_FORMAT: "text" } });
  const [, url, body] = await gateway.waitForLine(/curl -X POST (http:\/\/\S+) -d '([^']+)'/);
  const answer = await fetch(url ?? "", {
    method: "POST",
    body: body ?? "",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  assertEquals(answer.status, 200);
  const accepted = await answer.json() as { message: string; event_id: string };
  await eventually(() => {
    const [event] = printedEvents(gateway);
    assertEquals(event?.event_id, accepted.event_id);
    assertEquals(event?.payload, JSON.parse(body ?? ""));
  });
});

Deno.test("the gateway's own log goes to standard error, so that standard output holds events alone", async () => {
  await using gateway = await GatewayProcess.start();
  await (await post(gateway, "/webhook/default", `{"a":1}`)).body?.cancel();
  await eventually(() => assertEquals(printedEvents(gateway).length, 1));
  assert(gateway.lines.some(({ stream, text }) => stream === "stderr" && text.includes("Listening")));
});

Deno.test("every event that was answered 200 has been printed when the gateway ends on SIGTERM", async () => {
  await using gateway = await GatewayProcess.start({ env: { SHUTDOWN_GRACE_MS: "300" } });
  const answered: string[] = [];
  let stopped = false;
  const send = async () => {
    while (!stopped) {
      try {
        const answer = await post(gateway, "/webhook/default", `{"load":true}`);
        const { event_id } = await answer.json() as { event_id?: string };
        if (answer.status === 200 && event_id !== undefined) answered.push(event_id);
      } catch {
        return; // The gateway no longer listens.
      }
    }
  };
  const senders = Array.from({ length: 8 }, send);
  await eventually(() => assert(answered.length > 200));
  gateway.kill("SIGTERM");
  const status = await gateway.exited;
  stopped = true;
  await Promise.all(senders);
  assertEquals(status.code, 0);
  const printed = new Set(printedEvents(gateway).map(({ event_id }) => event_id));
  assertEquals(answered.filter((id) => !printed.has(id)), []);
});

Deno.test("no event that was answered 200 is missing after kill -9", async () => {
  await using gateway = await GatewayProcess.start();
  const answered: string[] = [];
  const send = async () => {
    try {
      for (;;) {
        const answer = await post(gateway, "/webhook/default", `{"load":true}`);
        answered.push((await answer.json() as { event_id: string }).event_id);
      }
    } catch {
      // The gateway was killed.
    }
  };
  const senders = Array.from({ length: 8 }, send);
  await eventually(() => assert(answered.length > 200));
  gateway.kill("SIGKILL");
  await Promise.all(senders);
  await gateway.exited;
  const printed = new Set(printedEvents(gateway).map(({ event_id }) => event_id));
  assertEquals(answered.filter((id) => !printed.has(id)), []);
});

Deno.test("after SIGTERM the gateway is not ready but serves on for the grace period", async () => {
  await using gateway = await GatewayProcess.start({ env: { SHUTDOWN_GRACE_MS: "2000" } });
  await gateway.waitUntilReady();
  gateway.kill("SIGTERM");
  await eventually(async () => {
    const readiness = await fetch(`${gateway.url}/readyz`);
    assertStringIncludes(await readiness.text(), `"draining"`);
    assertEquals(readiness.status, 503);
  });
  const answer = await post(gateway, "/webhook/default", "{}");
  await answer.body?.cancel();
  assertEquals(answer.status, 200);
  assertEquals((await gateway.exited).code, 0);
});

Deno.test("a request under way is answered before the gateway ends", async () => {
  await using target = await HttpTarget.start();
  target.answer("hang");
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    slow: {
      module: "http_webhook",
      accept: "delivered",
      "module-config": { url: target.url, timeout: 1, allowed_hosts: ["127.0.0.1"] },
    },
  });
  await using gateway = await GatewayProcess.start({ cwd: directory.path, env: { SHUTDOWN_GRACE_MS: "0" } });
  const answer = post(gateway, "/webhook/slow", "{}");
  await eventually(() => assertEquals(target.requests.length, 1));
  gateway.kill("SIGTERM");
  assertEquals((await answer).status, 504);
  await (await answer).body?.cancel();
  assertEquals((await gateway.exited).code, 0);
});

Deno.test("an upload under way is finished and accepted while the gateway drains", async () => {
  await using gateway = await GatewayProcess.start({ env: { SHUTDOWN_GRACE_MS: "0" } });
  await using connection = await RawHttpConnection.open(gateway.port);
  await connection.write(
    formatRequest("POST", "/webhook/default", { headers: { "Content-Length": "7" }, body: `{"a"` }),
  );
  await untilUnderWay(gateway);
  gateway.kill("SIGTERM");
  await gateway.waitForLine(/Draining/);
  await connection.write(":1}");
  assertEquals((await connection.readResponse()).status, 200);
  assertEquals((await gateway.exited).code, 0);
});

Deno.test("a second signal ends the gateway at once", async () => {
  await using gateway = await GatewayProcess.start({ env: { SHUTDOWN_GRACE_MS: "3600000" } });
  gateway.kill("SIGTERM");
  await gateway.waitForLine(/Draining/);
  gateway.kill("SIGINT");
  assertEquals((await gateway.exited).code, 130);
});

Deno.test("a drain ends as soon as senders have gone elsewhere, though probes and scrapes go on", async () => {
  await using gateway = await GatewayProcess.start({
    env: { SHUTDOWN_GRACE_MS: "3600000", LOG_FORMAT: "text" },
  });
  await gateway.waitUntilReady();
  gateway.kill("SIGTERM");
  let ended = false;
  const watched = ["/readyz", "/metrics", "/"].map(async (path) => {
    try {
      while (!ended) await (await fetch(`${gateway.url}${path}`)).body?.cancel();
    } catch {
      return; // The gateway no longer listens.
    }
  });
  const [line] = await gateway.waitForLine(/Stopped: .*/);
  ended = true;
  assertStringIncludes(line, "no requests came any more");
  await Promise.all(watched);
  assertEquals((await gateway.exited).code, 0);
});

Deno.test("SIGINT ends the gateway without a grace period; the last line says what was cut off", async () => {
  await using target = await HttpTarget.start();
  target.answer("hang");
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    slow: { module: "http_webhook", "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] } },
  });
  await using gateway = await GatewayProcess.start({
    cwd: directory.path,
    env: { SHUTDOWN_GRACE_MS: "3600000", SHUTDOWN_TIMEOUT_MS: "100" },
  });
  for (const n of [1, 2]) await (await post(gateway, "/webhook/slow", `{"n":${n}}`)).body?.cancel();
  await eventually(() => assertEquals(target.requests.length, 2));
  await using connection = await RawHttpConnection.open(gateway.port);
  await connection.write(
    formatRequest("POST", "/webhook/slow", { headers: { "Content-Length": "7" }, body: `{"a"` }),
  );
  await untilUnderWay(gateway);
  gateway.kill("SIGINT");
  assertEquals((await gateway.exited).code, 0);
  const { message, ...stopped } = JSON.parse(gateway.lines.at(-1)!.text) as Record<string, unknown>;
  assertStringIncludes(
    String(message),
    "Cut off: 1 requests, 2 deliveries. Left for the next start: 2 events",
  );
  assertEquals([stopped["reason"], stopped["pending"]], ["the time to serve on was over", 2]);
});

Deno.test("the log has systemd's journal priorities where it leads there alone, and no colours", async () => {
  const errors = async (script: string) => {
    await using gateway = await GatewayProcess.start({
      env: { LOG_FORMAT: "text", NO_COLOR: "" },
      through: ["sh", "-c", script, "sh"],
    });
    await gateway.waitForLine(/curl/);
    return gateway.lines.filter(({ stream }) => stream === "stderr").map(({ text }) => text);
  };
  const [journal, elsewhere] = await Promise.all([
    errors(`JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"`),
    errors(`JOURNAL_STREAM=1:2 exec "$@"`),
  ]);
  assertMatch(journal.find((line) => line.includes("Listening"))!, /^<6>\d{4}-/);
  assertMatch(journal.find((line) => line.includes("curl"))!, /^<4>\d{4}-/);
  for (const line of elsewhere) assertMatch(line, /^\d{4}-/);
  for (const line of [...journal, ...elsewhere]) assertEquals(line.includes("\x1b"), false);
});

Deno.test("SIGHUP makes the gateway look for changed configuration", async () => {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", { a: { module: "log" } });
  await using gateway = await GatewayProcess.start({ cwd: directory.path });
  await directory.writeJson("webhooks.json", { b: { module: "log" } });
  gateway.kill("SIGHUP");
  await eventually(async () => {
    const answer = await post(gateway, "/webhook/b", "{}");
    await answer.body?.cancel();
    assertEquals(answer.status, 200);
  });
});

/** Starts a gateway and waits until it handles signals, which is long before it listens. */
async function untilSignalsAreHandled(directory: TempDir): Promise<ChildProcess> {
  const webhooks = Array.from({ length: 5_000 }, (_, index) => [`w${index}`, { module: "log" }]);
  await directory.writeJson("webhooks.json", Object.fromEntries(webhooks));
  const process = spawnProgram({ cwd: directory.path });
  await eventually(async () => {
    const status = await Deno.readTextFile(`/proc/${process.pid}/status`);
    const caught = Number.parseInt(/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1]?.slice(-1) ?? "0", 16);
    assert((caught & SIGHUP_BIT) !== 0, "SIGHUP has no handler yet");
  });
  // The runtime catches signals a moment before the program listens to them; then the gateway's files are loaded.
  const before = await bytesRead(process);
  await eventually(async () =>
    assert(await bytesRead(process) > before + 64 * 1024, "nothing is loaded yet")
  );
  return process;
}

async function bytesRead({ pid }: ChildProcess): Promise<number> {
  return Number(/^rchar: (\d+)$/m.exec(await Deno.readTextFile(`/proc/${pid}/io`))?.[1]);
}

Deno.test("SIGHUP in the middle of a start is kept for its end", async () => {
  await using directory = await TempDir.create();
  await using process = await untilSignalsAreHandled(directory);
  process.kill("SIGHUP");
  await process.waitForLine(/Listening on /);
  await directory.writeJson("webhooks.json", { last: { module: "log" } });
  process.kill("SIGHUP");
  await process.waitForLine(/changed entries: 5001/);
});

Deno.test("SIGTERM in the middle of a start ends the gateway with status 0", async () => {
  await using directory = await TempDir.create();
  await using process = await untilSignalsAreHandled(directory);
  process.kill("SIGTERM");
  assertEquals((await process.exited).code, 0, process.output);
});

Deno.test("metrics count every request with one outcome, and unknown webhooks share one label", async () => {
  await using gateway = await GatewayProcess.start();
  for (const path of ["/webhook/default", "/webhook/nobody", "/webhook/no-one"]) {
    await (await post(gateway, path, "{}")).body?.cancel();
  }
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  assertStringIncludes(
    metrics,
    `cwm_requests_total{namespace="default",webhook="default",outcome="accepted"} 1`,
  );
  assertStringIncludes(
    metrics,
    `cwm_requests_total{namespace="_unknown",webhook="_unknown",outcome="webhook_not_found"} 2`,
  );
  assertStringIncludes(metrics, "cwm_request_duration_seconds_count 3");
  assertMatch(metrics, /^cwm_config_keys\{state="ok"\} 1$/m);
  assertMatch(metrics, /^process_resident_memory_bytes \d+$/m);
});

Deno.test("load balancers may probe by GET, HEAD or OPTIONS, and learn of a drain on any connection", async () => {
  await using gateway = await GatewayProcess.start({ env: { SHUTDOWN_GRACE_MS: "3600000" } });
  await gateway.waitUntilReady();
  const statuses = async (method: string) =>
    await Promise.all(["/", "/livez", "/readyz"].map(async (path) => {
      const answer = await fetch(`${gateway.url}${path}`, { method });
      await answer.body?.cancel();
      return answer.status;
    }));
  await using connection = await RawHttpConnection.open(gateway.port);
  const send = async () => {
    await connection.write(formatRequest("POST", "/webhook/default", { body: "{}" }));
    const { status, headers } = await connection.readResponse();
    return [status, headers.get("connection")];
  };
  for (const method of ["GET", "HEAD", "OPTIONS"]) assertEquals(await statuses(method), [200, 200, 200]);
  assertEquals(await send(), [200, null]);
  gateway.kill("SIGTERM");
  await gateway.waitForLine(/Draining/);
  assertEquals(await statuses("GET"), [200, 200, 503]);
  assertEquals(await statuses("HEAD"), [200, 200, 503]);
  // OPTIONS / is HAProxy's own check.
  assertEquals(await statuses("OPTIONS"), [503, 200, 503]);
  // Its next request comes on another connection, which a load balancer makes elsewhere.
  assertEquals(await send(), [200, "close"]);
});

Deno.test("the health routes answer as documented", async () => {
  await using gateway = await GatewayProcess.start();
  const get = async (path: string) => {
    const answer = await fetch(`${gateway.url}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  assertEquals(await get("/livez"), { status: 200, text: "ok\n" });
  const { parts, ...health } = JSON.parse((await get("/health")).text);
  assertEquals(health, { status: "healthy", components: { config_manager: "healthy" }, state: "well" });
  assertEquals([...new Set(Object.values(parts).map((part) => JSON.stringify(part)))], [
    '{"state":"well","count":0}',
  ]);
  assertEquals(JSON.parse((await get("/readyz")).text), { status: "ready", configuration: "loaded" });
  assertEquals((JSON.parse((await get("/")).text) as { name: string }).name, "core-webhook-module");
});
