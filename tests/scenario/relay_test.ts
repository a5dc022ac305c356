import { assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import { firstArrivals, RelayProcesses } from "../support/relay/processes.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Events of each webhook; `deno task test:relay` sends many more. */
const EVENTS = Number(Deno.env.get("RELAY_EVENTS") ?? 200);

/** How many messages the connector may hold: four for each of its ten places. */
const WINDOW = 40;

const WEBHOOKS = ["orders", "refunds"];

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

Deno.test("relay loses nothing and keeps a webhook's order while all three parts are killed in turn", async () => {
  await using relay = await RelayProcesses.start({ max_queue_size: 1_000_000, ack_timeout_seconds: 2 });
  relay.startConnector();
  const perPhase = Math.ceil(EVENTS / 3);
  let sent = 0;
  /** Sends the events of one phase, and while they are under way kills a program and starts it again. */
  const phase = async (kill: () => Promise<void>, start: () => unknown) => {
    const from = sent;
    const before = relay.arrivals.length;
    sent += perPhase;
    const sending = Promise.all(WEBHOOKS.map(async (webhook) => {
      for (let n = from; n < from + perPhase; n++) await relay.send(webhook, n);
    }));
    await eventually(() => relay.arrivals.length >= before + perPhase / 2, { timeoutMs: 60_000 });
    await kill();
    await start();
    await sending;
  };

  await phase(() => relay.killConnector(), () => relay.startConnector());
  await phase(() => relay.killGateway(), () => relay.startGateway());
  await phase(() => relay.killTarget(), () => relay.startTarget());

  await eventually(() => {
    for (const webhook of WEBHOOKS) {
      assertEquals(firstArrivals(relay.arrivals, webhook).length, sent);
    }
  }, { timeoutMs: 60_000 });
  for (const webhook of WEBHOOKS) assertEquals(firstArrivals(relay.arrivals, webhook), numbers(sent));
  assertEquals(await relay.deadLetters(), []);
  // What was held when something was killed may come again: for each of the three no more than a window.
  assertLessOrEqual(relay.arrivals.length - WEBHOOKS.length * sent, 3 * WINDOW);
});

Deno.test("relay delivers all that was queued while its connector was away, in order", async () => {
  await using relay = await RelayProcesses.start({ max_queue_size: 1_000_000 });
  const senders = 20;
  await Promise.all(Array.from({ length: senders }, async (_, sender) => {
    for (let n = sender; n < EVENTS; n += senders) await relay.send("orders", n);
  }));
  relay.startConnector();
  await eventually(
    () => assertEquals(firstArrivals(relay.arrivals, "orders").length, EVENTS),
    { timeoutMs: 600_000 },
  );
  assertEquals(relay.arrivals.length, EVENTS, "each of them once");
});

Deno.test("connector says in one line each that it connects, is refused and disconnects, and why", async () => {
  await using relay = await RelayProcesses.start();
  const wrong = relay.startConnector({ CONNECTOR_TOKEN: "wrong-token" });
  await wrong.waitForLine(
    /Cannot connect to channel inbox .*The channel token is not valid \(unauthorized\)/,
  );
  const missing = relay.startConnector({ CONNECTOR_CHANNEL: "nothing", CONNECTOR_PROTOCOL: "sse" });
  await missing.waitForLine(
    /Cannot connect to channel nothing .*This channel does not exist \(channel_not_found\)/,
  );
  const connector = relay.startConnector();
  await connector.waitForLine(/Connected to channel inbox/);
  await relay.killGateway();
  await connector.waitForLine(/Disconnected from channel inbox: /);
  await connector.waitForLine(/Cannot connect to channel inbox .*: /);
  await relay.startGateway();
  await connector.waitForLine(/Connected to channel inbox/, {
    from: connector.lines.findIndex(({ text }) => text.includes("Disconnected")),
  });
  assertEquals(connector.output.includes("relay-token-1"), false);
});

Deno.test("connector ends with status 0 after SIGTERM, with all that it held acknowledged", async () => {
  await using relay = await RelayProcesses.start();
  const connector = relay.startConnector({ CONNECTOR_STATUS_PORT: "0" });
  const [, port] = await connector.waitForLine(
    /Serving \/health and \/metrics on http:\/\/127\.0\.0\.1:(\d+)/,
  );
  await eventually(async () => {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    await ready.body?.cancel();
    return ready.status === 200;
  });
  await relay.send("orders", 0);
  await eventually(() => assertEquals(relay.arrivals, [{ webhook: "orders", n: 0 }]));
  const health = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
  assertEquals([health.status, health.channel, health.delivery_mode], ["connected", "inbox", "http"]);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assertStringIncludes(metrics, "cwm_connector_delivered_total 1\n");
  assertStringIncludes(metrics, "cwm_connector_connected 1\n");
  connector.kill("SIGTERM");
  assertEquals((await connector.exited).code, 0);
  relay.startConnector();
  await relay.send("orders", 1);
  await eventually(() => assertEquals(relay.arrivals.length, 2));
  assertEquals(relay.arrivals.map(({ n }) => n), [0, 1]);
});

Deno.test("connector warns in its log of what looks like a reference, and says how one is written", async () => {
  await using directory = await TempDir.create();
  const file = await directory.writeJson("connector.json", {
    cloud_url: "http://127.0.0.1:9",
    channel: "inbox",
    token: "${TOKEN}",
    default_target: { url: "http://127.0.0.1:9/" },
  });
  await using connector = spawnProgram({ args: ["connector", "--config", file], cwd: directory.path });
  await connector.waitForLine(/token: This has the form of a shell's variable.*: write \{\$NAME\} if/);
});

Deno.test("connector does not start with a configuration that is wrong, and says all that is", async () => {
  await using directory = await TempDir.create();
  const file = await directory.writeJson("connector.json", {
    cloud_url: "https://hooks.example.com",
    chanel: "inbox",
    channel: "inbox",
    token: "some-token",
    protocol: "carrier_pigeon",
  });
  await using connector = spawnProgram({ args: ["connector", "--config", file], cwd: directory.path });
  assertEquals((await connector.exited).code, 2);
  assertStringIncludes(connector.output, "chanel: Key 'chanel' is not known: nearest is 'channel'");
  assertStringIncludes(connector.output, "protocol: ");
});
