import { assertEquals, assertMatch, assertNotMatch, assertRejects } from "@std/assert";
import { migrate } from "../../src/cli/migrate.ts";
import { StartupError } from "../../src/errors.ts";
import { cwm, lastLine } from "../support/etcd/command.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { TempDir } from "../support/temp_dir.ts";

const PREFIX = "/cwm/";
const TO_ETCD = ["migrate", "--from", "file", "--to", "etcd"] as const;
const TO_FILE = ["migrate", "--from", "etcd", "--to", "file"] as const;

Deno.test("a migration leaves connections alone on both sides, unless they are asked for", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const etcd = server.gateway;
  await etcd.put("/cwm/global/connections/shared", '{"type":"redis-rq","host":"etcd"}');
  await etcd.put("/cwm/global/connections/bad", "not even JSON");
  const own = '{"shared": {"type": "redis-rq", "host": "file"}, "broken": }';
  await dir.writeText("connections.json", own);
  await dir.writeJson("webhooks.json", {
    a: { module: "kafka", connection: "shared", "module-config": { topic: "a" } },
  });
  const there = await cwm([...TO_ETCD, "--prune"], dir, server.endpoint);
  assertEquals([there.status, lastLine(there)], [0, "Done: 1 written, 0 removed"]);
  assertMatch(there.stdout, /^Connections are left alone: --connections carries them over, too$/m);
  assertNotMatch(there.stdout, /connections\.json|connection (shared|bad|broken)/);
  assertEquals(
    (await etcd.read(PREFIX)).get("/cwm/global/connections/shared")?.value,
    '{"type":"redis-rq","host":"etcd"}',
  );
  await etcd.putJson("/cwm/default/webhooks/b", { module: "log" });
  assertEquals(lastLine(await cwm(TO_FILE, dir, server.endpoint)), "Done: 1 written, 0 removed");
  assertEquals(await Deno.readTextFile(dir.file("connections.json")), own);
  assertEquals((await cwm([...TO_FILE, "--connections"], dir, server.endpoint)).status, 1);
});

Deno.test("all namespaces go into one file and back, and the policy stays where it is", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const etcd = server.gateway;
  const values = {
    "_own/webhooks/a": '{"module":"log","_id":12345678901234567890}',
    "global/connections/redis": '{"type":"redis-rq","host":"localhost","password":"{$REDIS_PASSWORD:none}"}',
    "global/webhooks/c": '{"module":"log"}',
    "team-a/webhooks/orders": '{"module":"log","authorization":"Bearer HUNTER1"}',
    "team-b/webhooks/orders": '{"module":"log","enabled":false}',
    "x-team/webhooks/b": '{"module":"log"}',
  };
  for (const [key, text] of Object.entries(values)) await etcd.put(PREFIX + key, text);
  await etcd.put("/cwm/global/policy", "{}");
  const all = ["--all-namespaces", "--backup", "all.json"] as const;
  const webhooksOnly = await cwm([...TO_FILE, ...all], dir, server.endpoint);
  assertEquals([webhooksOnly.status, lastLine(webhooksOnly)], [0, "Done: 5 written, 0 removed"]);
  const backup = await cwm([...TO_FILE, ...all, "--connections"], dir, server.endpoint);
  assertEquals([backup.status, lastLine(backup)], [0, "Done: 1 written, 0 removed"]);
  assertEquals(((await Deno.stat(dir.file("all.json"))).mode ?? 0) & 0o777, 0o600);
  const written = JSON.parse(await Deno.readTextFile(dir.file("all.json")));
  assertEquals(Object.keys(written).sort(), Object.keys(values).sort());
  assertEquals(
    lastLine(await cwm([...TO_FILE, ...all, "--connections"], dir, server.endpoint)),
    "Nothing to do",
  );

  // Somebody deletes, changes and adds.
  await etcd.delete("/cwm/team-a/webhooks/orders");
  await etcd.delete("/cwm/global/connections/redis");
  await etcd.putJson("/cwm/team-b/webhooks/orders", { module: "log" });
  await etcd.putJson("/cwm/team-c/webhooks/new", { module: "log" });
  const restored = await cwm([...TO_ETCD, ...all, "--connections", "--prune"], dir, server.endpoint);
  assertEquals([restored.status, lastLine(restored)], [0, "Done: 3 written, 1 removed"]);
  assertNotMatch(restored.stdout + backup.stdout, /HUNTER/);
  const expected: Record<string, string> = { ...values, "global/policy": "{}" };
  assertEquals(
    Object.fromEntries(
      [...await etcd.read(PREFIX)].map(([key, { value }]) => [key.slice(PREFIX.length), value]),
    ),
    expected,
  );
});

Deno.test("who may read and write one namespace's webhooks alone migrates these both ways", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  await server.gateway.putJson("/cwm/team-b/webhooks/other", { module: "log" });
  await server.gateway.putJson("/cwm/global/connections/shared", { type: "redis-rq", host: "localhost" });
  await server.ctl("role", "add", "team-a");
  await server.ctl(
    "role",
    "grant-permission",
    "--prefix=true",
    "team-a",
    "readwrite",
    "/cwm/team-a/webhooks/",
  );
  await server.ctl("user", "add", "team-a:pw");
  await server.ctl("user", "grant-role", "team-a", "team-a");
  await server.enableAuth(PREFIX);
  await dir.writeJson("webhooks.json", { a: { module: "log" }, b: { module: "log" } });
  await dir.writeJson("connections.json", { own: { type: "redis-rq", host: "localhost" } });
  const as = (args: readonly string[], ...more: string[]) =>
    cwm([...args, "--namespace", "team-a", ...more], dir, server.endpoint, {
      ETCD_USERNAME: "team-a",
      ETCD_PASSWORD: "pw",
    });

  assertEquals(lastLine(await as(TO_ETCD, "--prune")), "Done: 2 written, 0 removed");
  await dir.writeJson("webhooks.json", { a: { module: "log" } });
  assertEquals(lastLine(await as(TO_ETCD, "--prune")), "Done: 0 written, 1 removed");
  await Deno.remove(dir.file("webhooks.json"));
  assertEquals(lastLine(await as(TO_FILE)), "Done: 1 written, 0 removed");
  const asked = await as(TO_ETCD, "--connections");
  assertEquals(asked.status, 1);
  assertMatch(asked.stderr, /^Cannot read from etcd: .*permission denied/);
});

Deno.test("a backup is named wherever all namespaces are meant, and nowhere else", async () => {
  const wrong = [
    ["--all-namespaces"],
    ["--backup", "all.json"],
    ["--all-namespaces", "--backup", ""],
    ["--all-namespaces", "--backup", "all.json", "--namespace", "a"],
  ];
  const settings = () => {
    throw new TypeError("settings are not asked for");
  };
  for (const args of wrong) {
    const error = await assertRejects(
      () => migrate([...TO_ETCD.slice(1), ...args], settings, {}),
      StartupError,
    );
    assertEquals([error.code, error.exitStatus], ["usage", 2]);
  }
});
