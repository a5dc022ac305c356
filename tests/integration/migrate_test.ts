import { assert, assertEquals, assertMatch, assertNotMatch, assertRejects } from "@std/assert";
import { describeKey } from "../../src/event/names.ts";
import { type ConfigStore, MigrationError } from "../../src/migrate/configuration.ts";
import { EtcdStore } from "../../src/migrate/stores/etcd_store.ts";
import { FileStore } from "../../src/migrate/stores/file_store.ts";
import { type MigrationPlan, planMigration } from "../../src/migrate/migration.ts";
import { outputModules } from "../../src/modules/registry.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { eventually } from "../support/eventually.ts";
import { cwm, lastLine } from "../support/etcd/command.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { TempDir } from "../support/temp_dir.ts";

const PREFIX = "/cwm/";
const TO_ETCD = ["migrate", "--from", "file", "--to", "etcd"] as const;
const TO_FILE = ["migrate", "--from", "etcd", "--to", "file"] as const;

function webhooks(count: number, extra: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Array.from(
      { length: count },
      (_, index) => [`hook-${String(index).padStart(4, "0")}`, { module: "log", ...extra }],
    ),
  );
}

function storesOf(dir: TempDir, endpoint: string): { readonly files: FileStore; readonly etcd: EtcdStore } {
  return {
    files: new FileStore(
      { webhooks: dir.file("webhooks.json"), connections: dir.file("connections.json"), named: [] },
      "default",
    ),
    etcd: new EtcdStore({ endpoints: [endpoint], prefix: PREFIX }, {
      namespace: "default",
      connections: true,
    }),
  };
}

function plan(source: ConfigStore, target: ConfigStore): Promise<MigrationPlan> {
  return planMigration(source, target, {
    compile: { environment: {}, modules: outputModules },
    prune: false,
  });
}

Deno.test("300 webhooks are written to etcd in three transactions, and a second run changes nothing", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", webhooks(300));
  const before = await server.gateway.revision();
  const first = await cwm(TO_ETCD, dir, server.endpoint);
  assertEquals([first.status, lastLine(first)], [0, "Done: 300 written, 0 removed"]);
  assertMatch(first.stderr, /^128 of 300 keys\n256 of 300 keys\n300 of 300 keys$/);
  assertEquals(await server.gateway.revision(), before + 3);
  assertEquals(
    (await server.gateway.read(PREFIX)).get("/cwm/default/webhooks/hook-0299")?.value,
    '{"module":"log"}',
  );

  const second = await cwm(TO_ETCD, dir, server.endpoint);
  assertEquals([second.status, lastLine(second)], [0, "Nothing to do"]);
  assertEquals(await server.gateway.revision(), before + 3);
});

Deno.test("a migration to etcd and back gives the same files, digit by digit", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const webhooksText = `{
  "a": {
    "module": "log",
    "_id": 12345678901234567890,
    "authorization": "Bearer {$TOKEN:none}",
    "x-note": "\\u00e9 é",
    "_empty": {},
    "_2": 1.0,
    "_10": 1e400
  }
}
`;
  const connectionsText =
    '{\n  "redis": {\n    "type": "redis-rq",\n    "host": "localhost",\n    "password": "{$REDIS_PASSWORD:none}"\n  }\n}\n';
  await dir.writeText("webhooks.json", webhooksText);
  await dir.writeText("connections.json", connectionsText);
  assertEquals((await cwm([...TO_ETCD, "--connections"], dir, server.endpoint)).status, 0);
  await using other = await TempDir.create();
  const back = await cwm([...TO_FILE, "--connections"], other, server.endpoint);
  assertEquals([back.status, back.stderr.split("\n").at(-1)], [0, "2 of 2 keys"]);
  assertEquals(await Deno.readTextFile(other.file("webhooks.json")), webhooksText);
  assertEquals(await Deno.readTextFile(other.file("connections.json")), connectionsText);
  assertEquals(lastLine(await cwm([...TO_FILE, "--connections"], other, server.endpoint)), "Nothing to do");
});

Deno.test("a dry run prints the difference by names and paths, and writes nothing", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const etcd = server.gateway;
  await etcd.putJson("/cwm/team-a/webhooks/same", { module: "log" });
  await etcd.putJson("/cwm/team-a/webhooks/changed", { module: "log", authorization: "Bearer HUNTER1" });
  await etcd.putJson("/cwm/team-a/webhooks/extra", { module: "log" });
  await etcd.putJson("/cwm/team-b/webhooks/other", { module: "log" });
  await dir.writeJson("webhooks.json", {
    same: { module: "log" },
    changed: { module: "log", authorization: "Bearer HUNTER2" },
    added: { module: "log", authorization: "Bearer HUNTER3" },
  });
  const before = await etcd.revision();
  const run = await cwm([...TO_ETCD, "--dry-run", "--prune", "--namespace=team-a"], dir, server.endpoint);
  assertEquals(run.status, 0);
  assertEquals(run.stdout.split("\n").slice(3), [
    "added    webhook team-a/added",
    "changed  webhook team-a/changed: authorization",
    "extra    webhook team-a/extra",
    "1 added, 1 changed, 1 same, 1 extra",
    "Dry run: nothing was written, 3 changes to make",
  ]);
  assertEquals(await etcd.revision(), before);
  assertNotMatch(run.stdout + run.stderr, /HUNTER/);
});

Deno.test("pruning removes what is extra in the namespace, and no connection that others may use", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const etcd = server.gateway;
  await etcd.putJson("/cwm/default/webhooks/extra", { module: "log" });
  await etcd.putJson("/cwm/team-b/webhooks/other", { module: "log" });
  await etcd.putJson("/cwm/global/connections/extra", { type: "redis-rq", host: "localhost" });
  await etcd.put("/cwm/default/webhooks/not an id", "{}");
  await dir.writeJson("webhooks.json", { a: { module: "log" } });
  await dir.writeJson("connections.json", { redis: { type: "redis-rq", host: "localhost" } });
  const shared = await cwm([...TO_ETCD, "--prune", "--connections"], dir, server.endpoint);
  assertEquals(lastLine(shared), "Done: 2 written, 1 removed");
  assertMatch(
    shared.stdout,
    /^kept {5}connection extra: Connections are shared, and namespace team-b may use it$/m,
  );
  assertEquals([...(await etcd.read(PREFIX)).keys()], [
    "/cwm/default/webhooks/a",
    "/cwm/default/webhooks/not an id",
    "/cwm/global/connections/extra",
    "/cwm/global/connections/redis",
    "/cwm/team-b/webhooks/other",
  ]);

  await etcd.delete("/cwm/team-b/webhooks/other");
  const alone = await cwm([...TO_ETCD, "--prune", "--connections"], dir, server.endpoint);
  assertEquals(lastLine(alone), "Done: 0 written, 1 removed");
});

Deno.test("invalid values are listed with key, path and reason, and nothing is written", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", {
    good: { module: "log", authorization: "Bearer {$NOT_SET}" },
    typo: { module: "log", hmca: { secret: "HUNTER2" } },
    huge: { module: "log", _note: "x".repeat(1.5 * 1024 * 1024) },
  });
  const run = await cwm(TO_ETCD, dir, server.endpoint);
  assertEquals(run.status, 1);
  assertMatch(
    run.stdout,
    /^warning {2}webhook default\/good: authorization: Environment variable NOT_SET is not set/m,
  );
  assertMatch(
    run.stdout,
    /^problem {2}webhook default\/typo: hmca: Key 'hmca' is not known: nearest is 'hmac'$/m,
  );
  assertMatch(run.stdout, /^problem {2}webhook default\/huge: The value needs a request of \d+ bytes/m);
  assertMatch(lastLine(run), /^2 problems: nothing was written/);
  assertNotMatch(run.stdout, /HUNTER/);
  assertEquals((await server.gateway.read(PREFIX)).size, 0);
});

Deno.test("invalid values in etcd stop a migration to files before anything is written", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  await server.gateway.putJson("/cwm/default/webhooks/good", { module: "log" });
  await server.gateway.put("/cwm/default/webhooks/bad", '{"module": "HUNTER2');
  await server.gateway.put("/cwm/default/webhooks/a/b", "{}");
  const run = await cwm(TO_FILE, dir, server.endpoint);
  assertEquals(run.status, 1);
  assertMatch(
    run.stdout,
    /^problem {2}webhook default\/bad: The value is not valid JSON: error at position \d+/m,
  );
  assertMatch(run.stdout, /^problem {2}\/cwm\/default\/webhooks\/a\/b: Expected/m);
  assertNotMatch(run.stdout, /HUNTER/);
  assertEquals([...Deno.readDirSync(dir.path)], []);
});

Deno.test("the largest value that is let through is one that etcd takes", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const { files, etcd } = storesOf(dir, server.endpoint);
  await using _ = etcd;
  const note = (length: number) => ({ a: { module: "log", _note: "x".repeat(length) } });
  let low = 0;
  let high = 2 * 1024 * 1024;
  await etcd.read();
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const text = JSON.stringify(note(middle).a);
    const key = { kind: "webhook", namespace: "default", id: "a" } as const;
    if (etcd.refuse({ key, value: { json: {} }, text }) === undefined) low = middle;
    else high = middle;
  }
  assert(low > 1.49 * 1024 * 1024);
  await dir.writeJson("webhooks.json", note(low));
  const { changes } = await plan(files, etcd);
  assertEquals((await etcd.write(changes, () => {})).written, 1);
});

Deno.test("an etcd that is killed half way stops the migration with one error; a second run ends it", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", webhooks(300));
  {
    const { files, etcd } = storesOf(dir, `http://${proxy.address}`);
    await using _ = etcd;
    const { changes } = await plan(files, etcd);
    let killed: Promise<void> | undefined;
    const error = await assertRejects(() =>
      etcd.write(changes, (done) => {
        assertEquals(done, 128);
        // Nothing more reaches etcd, and then it is gone.
        proxy.freeze("to_server");
        killed = server.kill().then(() => proxy.cut());
      }), MigrationError);
    await killed;
    assertEquals(error.code, "interrupted");
    assertMatch(
      error.message,
      /128 of 300 keys were written, and up to 128 more may have been\. Run the same command again/,
    );
  }
  await server.restart();
  assertEquals((await server.gateway.read(PREFIX)).size, 128);

  const { stdout } = await cwm(TO_ETCD, dir, server.endpoint);
  assertMatch(stdout, /^172 added, 0 changed, 128 same, 0 extra\nDone: 172 written, 0 removed/m);
  assertEquals((await server.gateway.read(PREFIX)).size, 300);
  assertEquals(lastLine(await cwm(TO_ETCD, dir, server.endpoint)), "Nothing to do");
});

Deno.test("a transaction whose answer was lost is found to be done by the second run", async () => {
  await using server = await EtcdServer.start();
  await using proxy = TcpProxy.start({ port: server.port });
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", webhooks(300));
  const { files, etcd } = storesOf(dir, `http://${proxy.address}`);
  await using _ = etcd;
  const { changes } = await plan(files, etcd);
  const revision = await server.gateway.revision();
  let cut: Promise<void> | undefined;
  await assertRejects(
    () =>
      etcd.write(changes, () => {
        proxy.freeze("to_client");
        cut = eventually(async () => await server.gateway.revision() === revision + 2).then(() =>
          proxy.cut()
        );
      }),
    MigrationError,
    "128 of 300 keys",
  );
  await cut;
  proxy.thaw();

  const second = storesOf(dir, `http://${proxy.address}`);
  await using _second = second.etcd;
  const { comparison } = await plan(second.files, second.etcd);
  assertEquals([comparison.same.length, comparison.added.length], [256, 44]);
});

Deno.test("a key that changes between reading and writing is left alone, and the others are written", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const gateway = server.gateway;
  for (const id of ["changed", "deleted", "overwritten"]) {
    await gateway.putJson(`/cwm/default/webhooks/${id}`, { module: "log" });
  }
  const wanted = { module: "log", enabled: false };
  await dir.writeJson("webhooks.json", {
    changed: wanted,
    created: wanted,
    deleted: wanted,
    overwritten: wanted,
    added: wanted,
  });
  const { files, etcd } = storesOf(dir, server.endpoint);
  await using _ = etcd;
  const { changes } = await plan(files, etcd);
  await gateway.putJson("/cwm/default/webhooks/changed", { module: "log", methods: ["PUT"] });
  await gateway.putJson("/cwm/default/webhooks/created", { module: "log" });
  await gateway.delete("/cwm/default/webhooks/deleted");
  const { written, conflicts } = await etcd.write(changes, () => {});
  assertEquals([written, conflicts.map(describeKey)], [2, [
    "webhook default/changed",
    "webhook default/created",
    "webhook default/deleted",
  ]]);
  const stored = await gateway.read(PREFIX);
  assertEquals(
    [...stored].map(([key, { value }]) => [key.split("/").at(-1), value]),
    [
      ["added", JSON.stringify(wanted)],
      ["changed", '{"module":"log","methods":["PUT"]}'],
      ["created", '{"module":"log"}'],
      ["overwritten", JSON.stringify(wanted)],
    ],
  );

  assertEquals(
    lastLine(await cwm(TO_ETCD, dir, server.endpoint)),
    "Done: 3 written, 0 removed",
  );
});

Deno.test("an etcd that cannot be reached is one clear error with status 1", async () => {
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", { a: { module: "log" } });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { status, stderr } = await cwm(TO_ETCD, dir, `http://127.0.0.1:${port}`);
  assertEquals(status, 1);
  assertMatch(stderr, new RegExp(`^Cannot reach etcd: .*127\\.0\\.0\\.1:${port}.*$`));
});

Deno.test("a second endpoint is used when the first one does not answer", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", { a: { module: "log" } });
  const proxy = TcpProxy.start({ port: server.port });
  await proxy[Symbol.asyncDispose]();
  const { status } = await cwm(TO_ETCD, dir, `http://${proxy.address},${server.endpoint}`);
  assertEquals([status, (await server.gateway.read(PREFIX)).size], [0, 1]);
});

Deno.test("a role for the prefix is enough to migrate, and one that may only read writes nothing", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  await server.ctl("role", "add", "writer");
  await server.ctl("role", "grant-permission", "--prefix=true", "writer", "readwrite", PREFIX);
  await server.ctl("user", "add", "writer:HUNTER2");
  await server.ctl("user", "grant-role", "writer", "writer");
  await server.enableAuth(PREFIX);
  await dir.writeJson("webhooks.json", webhooks(130));
  const as = (user: string, password: string, ...args: string[]) =>
    cwm([...TO_ETCD, ...args], dir, server.endpoint, { ETCD_USERNAME: user, ETCD_PASSWORD: password });

  const reader = await as("reader", "reader");
  assertEquals(reader.status, 1);
  assertMatch(
    reader.stderr,
    /^Cannot go on writing: .*permission denied.*\. 0 of 130 keys were written\. Run/,
  );
  const writer = await as("writer", "HUNTER2", "--prune");
  assertEquals([writer.status, lastLine(writer)], [0, "Done: 130 written, 0 removed"]);
  assertEquals(lastLine(await as("reader", "reader")), "Nothing to do");
  const stranger = await as("writer", "HUNTER3");
  assertEquals(stranger.status, 1);
  assertNotMatch(stranger.stderr + writer.stdout, /HUNTER/);
});

Deno.test("a migration over TLS with a client certificate reads and writes", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "DNS:localhost,IP:127.0.0.1");
  await certificates.issue("client", "DNS:client");
  await using server = await EtcdServer.start({ tls: { certificates, name: "server", clientAuth: true } });
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", { a: { module: "log" } });
  const tls = {
    ETCD_TLS_CA: certificates.ca,
    ETCD_TLS_CERT: certificates.certificateOf("client"),
    ETCD_TLS_KEY: certificates.keyOf("client"),
  };
  const first = await cwm(TO_ETCD, dir, server.endpoint, tls);
  assertEquals([first.status, lastLine(first)], [0, "Done: 1 written, 0 removed"]);
  assertEquals(lastLine(await cwm(TO_ETCD, dir, server.endpoint, tls)), "Nothing to do");
});

Deno.test("a wrong use of cwm migrate ends with status 2 and touches nothing", async () => {
  await using dir = await TempDir.create();
  for (const args of [[], ["--from", "file", "--to", "file"], [...TO_ETCD.slice(1), "--namespace", "a/b"]]) {
    const { status, stderr } = await cwm(["migrate", ...args], dir, "http://127.0.0.1:1");
    assertEquals(status, 2);
    assertMatch(stderr, /cwm migrate --help/);
  }
});
