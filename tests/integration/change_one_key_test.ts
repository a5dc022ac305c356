import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { change, type Dialogue } from "../../src/cli/change/command.ts";
import type { ChangeCommand } from "../../src/cli/change/help.ts";
import { StartupError } from "../../src/errors.ts";
import { loadSettings } from "../../src/settings/load.ts";
import type { Settings } from "../../src/settings/settings.ts";
import { EtcdPlace } from "../../src/migrate/single/etcd_place.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";

const PREFIX = "/cwm/";
const ORDERS = `${PREFIX}team-a/webhooks/orders`;
const PASSWORDS = { GATEWAY_PASSWORD: "gw", TEAM_A_PASSWORD: "ta", PLATFORM_PASSWORD: "pf" };

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as the command line does; nobody can be asked. */
async function cwm(
  [command = "", ...args]: readonly string[],
  endpoint: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const env = { CONFIG_BACKEND: "etcd", ETCD_ENDPOINTS: endpoint, ...more };
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const dialogue: Dialogue = {
    print: (line) => void stdout.push(line),
    printError: (line) => void stderr.push(line),
    confirm: undefined,
  };
  let status: number;
  try {
    status = await change(command as ChangeCommand, args, () => settingsOf(env), env, dialogue);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    status = error.exitStatus;
    stderr.push(...error.problems);
  }
  return { status, stdout: stdout.join("\n"), stderr: stderr.join("\n") };
}

function settingsOf(env: Readonly<Record<string, string>>): Settings {
  return loadSettings(env, { logIsTerminal: false });
}

function as(user: string, password: string): Record<string, string> {
  return { ETCD_OPERATOR_USERNAME: user, ETCD_OPERATOR_PASSWORD: password };
}

/** The commands of the page for roles, as they stand there. */
async function rolesOfPage(): Promise<string> {
  const page = await Deno.readTextFile(`${REPOSITORY}/src/config/ETCD.md`);
  const commands = /<!-- roles -->\s+```bash\n(.*?)```/s.exec(page)?.[1];
  assert(commands !== undefined);
  return commands;
}

Deno.test("the roles of the page suffice for gateway, team and platform, and allow no more", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const { success, stderr } = await new Deno.Command("bash", {
    args: ["-e", "-c", await rolesOfPage()],
    env: { ...PASSWORDS, ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: server.endpoint },
    stdout: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  await server.ctl("user", "add", "root:root");
  await server.ctl("user", "grant-role", "root", "root");
  await server.setAuth(true);
  const run = (args: readonly string[], env: Record<string, string>) => cwm(args, server.endpoint, env);
  const team = as("team-a", "ta");
  const values = ["--set", "type=kafka", "--set", "bootstrap_servers=localhost:9092"];
  const kafka = await run(["put", "connections/kafka_main", ...values, "--yes"], as("platform", "pf"));
  assertEquals([kafka.status, kafka.stdout.split("\n").at(-1)], [0, "Written: revision 2"]);

  // The team: its own webhooks, with a connection that exists.
  await dir.writeText(
    "orders.json",
    '{\n  "_by": "team a",\n  "module": "kafka",\n  "connection": "kafka_main",\n  "module-config": {"topic": "t"}\n}',
  );
  const put = await run(["put", "team-a/orders", dir.file("orders.json"), "--yes"], team);
  assertEquals([put.status, put.stderr], [0, ""]);
  assertEquals(
    (await run(["get", "team-a/orders"], team)).stdout,
    await Deno.readTextFile(dir.file("orders.json")),
  );
  const missing = await run(["put", "team-a/orders", "--set", "connection=nope", "--yes"], team);
  assertEquals(missing.status, 1);
  assertStringIncludes(
    missing.stdout,
    "Connection 'nope' does not exist or is not valid (connection_unresolved)",
  );
  for (
    const [key, edit] of [["team-b/orders", "module=log"], ["connections/kafka_main", "client_id=x"]] as const
  ) {
    const foreign = await run(["put", key, "--set", edit, "--yes"], team);
    assertEquals(foreign.status, 1);
    assertMatch(foreign.stderr + foreign.stdout, /permission denied/);
  }
  assertEquals((await run(["history", "team-a/orders"], team)).status, 0);

  // The gateway's user is never taken, and may not write.
  const gateway = { ETCD_USERNAME: "cwm-gateway", ETCD_PASSWORD: "gw" };
  const env = { CONFIG_BACKEND: "etcd", ETCD_ENDPOINTS: server.endpoint, ...gateway };
  const lines: string[] = [];
  await check(settingsOf(env), env, { probe: false, print: (line) => void lines.push(line) });
  assertEquals(lines.at(-1), "0 problems in 1 webhook and 1 connection");
  const anonymous = await run(["get", "team-a/orders"], gateway);
  assertEquals([anonymous.status, anonymous.stdout], [1, ""]);
  const change = ["put", "team-a/orders", "--set", "enabled=false", "--yes"];
  const readOnly = await run(change, as("cwm-gateway", "gw"));
  assertEquals(readOnly.status, 1);
  assertMatch(readOnly.stderr, /permission denied.*nothing was written.*\(unwritable\)/);
});

Deno.test("a change in etcd is shown without secrets, listed, and rolled back to the compaction", async () => {
  await using server = await EtcdServer.start();
  const run = (...args: readonly string[]) => cwm(args, server.endpoint);
  const etcd = server.gateway;
  await server.ctl("put", ORDERS, '{"module":"log","n_":0}');
  await server.ctl("put", ORDERS, '{"module": "log", "hmac": {"header": "X-S", "secret": "hunter2"}}');
  const compactedAt = await etcd.revision();
  await server.ctl("compaction", String(compactedAt));
  await server.ctl("del", ORDERS);

  const history = await run("history", "team-a/orders");
  assertEquals(history.status, 0);
  assertMatch(
    history.stdout,
    new RegExp(`^${compactedAt}  written\n${compactedAt + 1}  deleted  \\(now\\)$`, "m"),
  );
  assertStringIncludes(history.stdout, `compacted its history up to revision ${compactedAt}`);
  assertNotMatch(history.stdout, /hunter/);

  const dry = await run("rollback", "team-a/orders", "--dry-run");
  assertEquals(dry.status, 0);
  assertNotMatch(dry.stdout, /hunter/);
  assertEquals((await run("rollback", "team-a/orders")).status, 2);
  assertEquals((await etcd.read(PREFIX)).has(ORDERS), false);
  const back = await run("rollback", "team-a/orders", "--yes");
  assertEquals([back.status, back.stdout.split("\n").at(-1)], [0, `Written: revision ${compactedAt + 2}`]);
  assertEquals(
    (await etcd.read(PREFIX)).get(ORDERS)?.value,
    '{"module": "log", "hmac": {"header": "X-S", "secret": "hunter2"}}',
  );
  const gone = await run("rollback", "team-a/orders", "--to", "1", "--yes");
  assertEquals(gone.status, 1);
  assertStringIncludes(gone.stderr, `There is no version 1. etcd has compacted its history`);
});

Deno.test("a key that somebody else has written meanwhile is left alone, made or deleted too", async () => {
  await using server = await EtcdServer.start();
  const settings = { endpoints: [server.endpoint], prefix: PREFIX };
  await using place = new EtcdPlace(settings, { kind: "webhook", namespace: "team-a", id: "orders" });
  const nothing = await place.read();
  assertEquals(nothing, undefined);
  await server.ctl("put", ORDERS, '{"module":"log"}');
  const made = await place.write('{"module":"kafka"}', nothing);
  assert("conflict" in made);
  assertEquals(made.conflict?.text, '{"module":"log"}');
  const seen = await place.read();
  const results = await Promise.all([1, 2, 3].map((n) => place.write(`{"x-n":${n}}`, seen)));
  assertEquals(results.filter((result) => "done" in result).length, 1);
  const again = await place.read();
  await server.ctl("del", ORDERS);
  assertEquals(await place.write("{}", again), { conflict: undefined });
  assertEquals((await server.gateway.read(PREFIX)).size, 0);
  // Every state is in the history, the deletion last.
  const { versions, reach } = await place.history();
  assertEquals(versions.map(({ text }) => text !== undefined), [true, true, false]);
  assertStringIncludes(reach, "compacted nothing");
});
