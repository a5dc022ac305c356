import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import { RELAY_ADMIN_TOKEN, RelayWorld } from "../support/relay/world.ts";

interface ConnectorRow {
  readonly id: string;
  readonly name: string;
  readonly channel: string;
  readonly address: string;
  readonly transport: string;
  readonly connected: boolean;
  readonly since: string;
  readonly window: number;
  readonly in_flight: number;
  readonly acknowledged_at: string | null;
}

Deno.test("an operator sees who takes a channel's events, and ends a connection, which comes again", async () => {
  await using world = await RelayWorld.start();
  const ask = async (path: string, method = "GET") => {
    const headers = { authorization: `Bearer ${RELAY_ADMIN_TOKEN}` };
    const { status, text } = await world.gateway.request(path, { method, headers });
    return { status, json: JSON.parse(text) };
  };
  const list = async (query = "") =>
    (await ask(`/admin/connectors${query}`)).json.connectors as readonly ConnectorRow[];
  assertEquals(await list(), []);
  await using connector = await world.connector();
  await connector.connected();
  const [first] = await list();
  assert(first !== undefined);
  assertEquals([first.name, first.channel, first.address], ["test", "inbox", "127.0.0.1"]);
  assertEquals([first.transport, first.connected, first.acknowledged_at], ["websocket", true, null]);
  assert(first.window > 0);
  await world.send(3);
  await world.empty();
  const [after] = await list("?channel=inbox");
  assert(Date.parse(after!.acknowledged_at!) >= Date.parse(first.since));
  assertEquals(await list("?channel=another"), []);

  const run = async (...args: string[]) => {
    await using program = spawnProgram({
      args: ["connectors", ...args],
      env: { PORT: String(world.gateway.port), ADMIN_TOKEN: RELAY_ADMIN_TOKEN },
      cwd: world.directory.path,
    });
    const { code } = await program.exited;
    return { code, text: program.output };
  };
  const listed = await run("list", "--channel", "inbox");
  assertEquals(listed.code, 0);
  assertMatch(
    listed.text,
    /\(test\): channel inbox, connected since 20\S+ from 127\.0\.0\.1 by websocket, holds 0 of/,
  );
  assertEquals((await run("end", first.id)).code, 0);
  await eventually(async () => {
    const rows = await list();
    assertEquals(rows.map(({ name, connected }) => [name, connected]), [["test", true]]);
    assert(rows[0]!.id !== first.id);
  }, { timeoutMs: 60_000 });
  await world.send(2, { from: 3 });
  await world.empty();
  assertEquals(world.received(), [0, 1, 2, 3, 4]);

  assertEquals((await ask(`/admin/connectors/end?id=${first.id}`, "POST")).status, 404);
  assertEquals((await run("end", first.id)).code, 1);
  for (const args of [[], ["start"], ["end"], ["list", "more"]]) assertEquals((await run(...args)).code, 2);
});
