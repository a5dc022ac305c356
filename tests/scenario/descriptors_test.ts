/** The gateway while connections have taken all descriptors that the system gives it. */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { formatRequest, RawHttpConnection } from "../support/http/raw_http.ts";
import { TempDir } from "../support/temp_dir.ts";

const NO_CONNECTION = /No new connection can be taken/;

/** Runs a program with so many descriptors, about 30 of which the runtime needs. */
const with150Descriptors = ["prlimit", "--nofile=150:150"];

/** Connects without a word until the program can take no connection any more. */
async function useUp(
  gateway: GatewayProcess,
  connections: AsyncDisposableStack,
): Promise<RawHttpConnection[]> {
  const opened: RawHttpConnection[] = [];
  const isFull = () => gateway.lines.some(({ text }) => NO_CONNECTION.test(text));
  while (!isFull() && opened.length < 300) {
    try {
      opened.push(connections.use(await RawHttpConnection.open(gateway.port)));
    } catch (error) {
      // The listener is closed, maybe between the connection and the look at it.
      const { ConnectionRefused, ConnectionReset, NotConnected } = Deno.errors;
      if (![ConnectionRefused, ConnectionReset, NotConnected].some((Gone) => error instanceof Gone)) {
        throw error;
      }
      break;
    }
  }
  await gateway.waitForLine(NO_CONNECTION);
  return opened;
}

async function post(connection: RawHttpConnection, path: string) {
  await connection.write(formatRequest("POST", path, { body: "{}" }));
  return await connection.readResponse();
}

Deno.test("without a free descriptor, journal, outputs and reloads go on, and connections wait", async () => {
  await using directory = await TempDir.create();
  const webhooks = join(directory.path, "webhooks.json");
  const files = { module: "save_to_disk", "module-config": { path: join(directory.path, "events") } };
  await Deno.writeTextFile(webhooks, JSON.stringify({ durable: { ...files, accept: "durable" } }));
  await using gateway = await GatewayProcess.start({ cwd: directory.path, through: with150Descriptors });
  await using connections = new AsyncDisposableStack();
  const open = async () => connections.use(await RawHttpConnection.open(gateway.port));
  const [durable, direct] = [await open(), await open()];
  // A request has been answered on each: the server has taken them.
  for (const kept of [durable, direct]) {
    await kept.write(formatRequest("GET", "/livez"));
    assertEquals((await kept.readResponse()).status, 200);
  }
  await useUp(gateway, connections);

  const accepted = await post(durable, "/webhook/durable");
  assertEquals([accepted.status, accepted.headers.get("connection")], [200, "close"]);
  await eventually(async () =>
    (await Array.fromAsync(Deno.readDir(join(directory.path, "events")))).length === 1
  );

  await Deno.writeTextFile(webhooks, JSON.stringify({ direct: files, durable: files }));
  await gateway.waitForLine(/Configuration files read: changed entries: 2/);
  assertEquals((await post(direct, "/webhook/direct")).status, 200);

  await connections.disposeAsync();
  await gateway.waitForLine(/New connections are taken again/);
  const answer = await fetch(`${gateway.url}/webhook/direct`, { method: "POST", body: "{}" });
  assertEquals([answer.status, await answer.json().then(({ message }) => message)], [200, "Event accepted"]);
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  assertEquals(/^cwm_accept_failures_total (\d+)$/m.exec(metrics)?.[1], "1");
  assertEquals(/^process_max_fds (\d+)$/m.exec(metrics)?.[1], "150");
});

/** A server alone, with so few descriptors, whose former servers keep their connections for half a second. */
function startServerAlone(): Promise<GatewayProcess> {
  return GatewayProcess.start({
    program: "tests/support/lasting_server_program.ts",
    args: ["500"],
    through: ["prlimit", "--nofile=100:100"],
  });
}

Deno.test("connections that say nothing cannot keep others out: an upstream server closes its own", async () => {
  await using server = await startServerAlone();
  await using connections = new AsyncDisposableStack();
  const [silent] = await useUp(server, connections);
  assertEquals(await silent!.readToEnd(), new Uint8Array());
  await server.waitForLine(/New connections are taken again/);
  const answer = await fetch(server.url, { method: "POST", body: "{}" });
  assertEquals([answer.status, await answer.text()], [200, "{}"]);
});

Deno.test("a former server waits for the bodies on their way to it before it closes its connections", async () => {
  await using server = await startServerAlone();
  await using connections = new AsyncDisposableStack();
  const slow = connections.use(await RawHttpConnection.open(server.port));
  const [head, rest] = splitAt(formatRequest("POST", "/", { body: "slow but sure" }), -4);
  await slow.write(head);
  await server.waitForLine(/A body is on its way/);
  const [silent] = await useUp(server, connections);
  await server.waitForLine(/A former server waits for bodies/);
  await slow.write(rest);
  const answer = await slow.readResponse();
  assertEquals([answer.status, answer.text], [200, "slow but sure"]);
  assertEquals(await silent!.readToEnd(), new Uint8Array());
});

function splitAt(
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  return [bytes.subarray(0, at), bytes.subarray(at)];
}
