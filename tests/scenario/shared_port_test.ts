import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { listenersAt } from "../../src/io/server/connection_table.ts";
import { handOverUnderLoad, instanceUrl, SHARING } from "../support/hand_over.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Requests on new connections; `deno task test:handover` sends 100,000 and hands over ten times. */
const REQUESTS = Number(Deno.env.get("HAND_OVER_REQUESTS") ?? 500);
const HAND_OVERS = Number(Deno.env.get("HAND_OVERS") ?? 1);
const SENDERS = 16;

Deno.test("a hand-over on a shared port loses no event, and resets at most what waits in a queue", async (t) => {
  const outcome = await handOverUnderLoad({ handOvers: HAND_OVERS, requests: REQUESTS, senders: SENDERS });
  const { sent, answered, resets, refused, lost, takenAndReset, repeated, ends, seconds } = outcome;
  assertEquals({ refused, lost, takenAndReset, repeated }, {
    refused: [],
    lost: [],
    takenAndReset: [],
    repeated: 0,
  });
  const reset = [...resets.values()].reduce((sum, count) => sum + count, 0);
  assertEquals(answered + reset, sent);
  await t.step(`${sent} requests, ${answered} answered, ${reset} reset, ${Math.round(seconds)} s`, () => {
    // Each sender has one connection at a time, so that no queue holds more.
    assert(reset <= SENDERS * HAND_OVERS, JSON.stringify([...resets]));
  });
  for (const [index, { code, lastLine }] of ends.entries()) {
    assertEquals(code, 0, lastLine);
    if (index < HAND_OVERS) assertStringIncludes(lastLine, "the others on the port take its connections");
  }
});

Deno.test("a gateway says to systemd when it takes requests, and what it shares and what not", async () => {
  await using directory = await TempDir.create();
  const path = directory.file("notify");
  using manager = closing(Deno.listenDatagram({ transport: "unixpacket", path }));
  const said = async () => new TextDecoder().decode((await manager.receive())[0]);
  await using gateway = await GatewayProcess.start({ env: { ...SHARING, NOTIFY_SOCKET: path } });
  assertEquals(await said(), "READY=1");
  const answer = await fetch(`${instanceUrl(gateway)}/readyz`);
  assertEquals((await answer.json() as { readonly status: string }).status, "ready");
  const { input } = await gateway.waitForLine(/each instance on the port counts its own rate limits/);

  await using check = spawnProgram({ cwd: gateway.cwd, args: ["check"], env: SHARING });
  assertEquals((await check.exited).code, 0);
  assertStringIncludes(
    check.output,
    `warning: ${(JSON.parse(input) as { readonly message: string }).message}`,
  );

  gateway.kill("SIGINT");
  assertEquals(await said(), "STOPPING=1");
  assertEquals((await gateway.exited).code, 0);
});

Deno.test("a gateway that waits for etcd leaves a shared port to those that are ready", async () => {
  await using ready = await GatewayProcess.start({ env: SHARING });
  await using directory = await TempDir.create();
  await using waiting = spawnProgram({
    cwd: directory.path,
    env: { ...SHARING, PORT: String(ready.port), CONFIG_BACKEND: "etcd", ETCD_ENDPOINTS: "127.0.0.1:1" },
  });
  await waiting.waitForLine(/etcd/);
  assertEquals(listenersAt("0.0.0.0", ready.port), 1);
  waiting.kill("SIGTERM");
  assertEquals((await waiting.exited).code, 0);
  assertMatch(waiting.output, /Stopped by SIGTERM before the start was over/);
});

/** The runtime's sockets are not disposable yet. */
function closing<Socket extends Deno.DatagramConn>(socket: Socket): Socket & Disposable {
  return Object.assign(socket, { [Symbol.dispose]: () => socket.close() });
}
