import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { EtcdStore } from "../../src/migrate/stores/etcd_store.ts";
import { FileStore } from "../../src/migrate/stores/file_store.ts";
import { type MigrationPlan, planMigration } from "../../src/migrate/migration.ts";
import { outputModules } from "../../src/modules/registry.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const PREFIX = "/cwm/";
const RUNS = 25;
const LOG = { module: "log" };

type Members = Readonly<Record<string, unknown>>;

/** Names of all kinds, few enough that both sides often have the same. */
const NAMES = ["orders", "orders.v1", "x-hook", "x-other", "description", "_note", "//", "$schema"] as const;

/** Webhooks, and what is a remark wherever its name allows it. */
const VALUES = [LOG, { chain: ["log"] }, { ...LOG, description: "ours" }, "a remark"] as const;

/** A webhooks file without names that are neither. */
const file: fc.Arbitrary<Members> = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES)), { maxLength: 6 })
  .map((members) => Object.fromEntries(members.map(([name, value]) => [name, isPlain(name) ? LOG : value])));

const etcdEntries: fc.Arbitrary<Members> = fc
  .uniqueArray(fc.constantFrom("orders", "orders.v1", "x-hook", "x-other", "description"))
  .map((ids) => Object.fromEntries(ids.map((id, index) => [id, VALUES[index % 3]])));

/** Neither a remark nor a name that may be one. */
function isPlain(name: string): boolean {
  return name.startsWith("orders");
}

/** What a file says are webhooks. */
function webhooksIn(members: Members): Members {
  return Object.fromEntries(
    Object.entries(members).filter(([name, value]) => /^[a-z]/.test(name) && typeof value === "object"),
  );
}

function remarksIn(members: Members): Members {
  const webhooks = webhooksIn(members);
  return Object.fromEntries(Object.entries(members).filter(([name]) => !Object.hasOwn(webhooks, name)));
}

/** Both sides of a migration, in a namespace of its own. */
class Sides implements AsyncDisposable {
  private constructor(
    readonly server: EtcdServer,
    readonly directory: TempDir,
    readonly namespace: string,
  ) {}

  static async of(
    server: EtcdServer,
    namespace: string,
    webhooks: Members,
    entries: Members,
  ): Promise<Sides> {
    const sides = new Sides(server, await TempDir.create(), namespace);
    await sides.directory.writeJson("webhooks.json", webhooks);
    for (const [id, value] of Object.entries(entries)) {
      await server.gateway.putJson(`${PREFIX}${namespace}/webhooks/${id}`, value);
    }
    return sides;
  }

  /** Migrates as far as there are no problems. */
  async migrate(to: "file" | "etcd", prune: boolean): Promise<MigrationPlan> {
    const paths = { webhooks: "webhooks.json", connections: "connections.json" };
    const files = new FileStore({
      webhooks: this.directory.file(paths.webhooks),
      connections: this.directory.file(paths.connections),
      named: [],
    }, this.namespace);
    await using etcd = new EtcdStore({ endpoints: [this.server.endpoint], prefix: PREFIX }, {
      namespace: this.namespace,
      connections: true,
    });
    const [source, target] = to === "etcd" ? [files, etcd] : [etcd, files];
    const compile = { environment: {}, modules: outputModules };
    const plan = await planMigration(source, target, { compile, prune });
    if (plan.changes.length > 0) await target.write(plan.changes, () => {});
    return plan;
  }

  async file(): Promise<Members> {
    return JSON.parse(await Deno.readTextFile(this.directory.file("webhooks.json"))) as Members;
  }

  async etcd(): Promise<Members> {
    const prefix = `${PREFIX}${this.namespace}/webhooks/`;
    const stored = await this.server.gateway.read(prefix);
    return Object.fromEntries(
      [...stored].map(([key, { value }]) => [key.slice(prefix.length), JSON.parse(value)]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory[Symbol.asyncDispose]();
  }
}

Deno.test("whatever a file calls its webhooks, etcd has them afterwards, and loses none to a remark", async () => {
  await using server = await EtcdServer.start();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(file, etcdEntries, fc.boolean(), async (webhooks, entries, prune) => {
      await using sides = await Sides.of(server, `to-etcd-${++run}`, webhooks, entries);
      const { problems } = await sides.migrate("etcd", prune);
      assertEquals(problems, []);
      const stored = await sides.etcd();
      const wanted = webhooksIn(webhooks);
      for (const [id, value] of Object.entries(wanted)) assertEquals(stored[id], value, id);
      for (const id of Object.keys(entries)) {
        const mayGo = prune && !Object.hasOwn(webhooks, id) && Object.keys(wanted).length > 0;
        if (!mayGo) assertNotEquals(stored[id], undefined, id);
      }
      assertEquals((await sides.migrate("etcd", prune)).changes, []);
      assertEquals(await sides.file(), webhooks);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("whatever etcd calls its webhooks, a file has them then, or is refused for its remarks", async () => {
  await using server = await EtcdServer.start();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(file, etcdEntries, fc.boolean(), async (webhooks, entries, prune) => {
      await using sides = await Sides.of(server, `to-file-${++run}`, webhooks, entries);
      const remarks = remarksIn(webhooks);
      const { problems } = await sides.migrate("file", prune);
      const clashes = Object.keys(entries).filter((id) => Object.hasOwn(remarks, id));
      assertEquals(problems.map(({ subject }) => subject.split("/")[1]).sort(), clashes.sort());
      const written = await sides.file();
      if (clashes.length > 0) assertEquals(written, webhooks);
      else {
        for (const [id, value] of Object.entries(entries)) assertEquals(webhooksIn(written)[id], value, id);
        assertEquals(remarksIn(written), remarks);
        assertEquals((await sides.migrate("file", prune)).changes, []);
      }
      assertEquals(await sides.etcd(), entries);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("names that the other side cannot hold are listed one by one, and nothing is written", async () => {
  await using server = await EtcdServer.start();
  await using dir = await TempDir.create();
  const cwm = async (from: string, to: string) => {
    const env = { ETCD_ENDPOINTS: server.endpoint };
    await using program = spawnProgram({
      args: ["migrate", "--from", from, "--to", to, "--prune", "--connections"],
      cwd: dir.path,
      env,
    });
    const { code } = await program.exited;
    return { code, text: program.lines.map(({ text }) => text).join("\n") };
  };
  await dir.writeJson("webhooks.json", { "a b": LOG, "a..b": LOG, "x-ok": LOG, "x-note": "ours" });
  await server.gateway.putJson(`${PREFIX}default/webhooks/x-note`, LOG);
  const toEtcd = await cwm("file", "etcd");
  assertEquals(toEtcd.code, 1);
  assertMatch(toEtcd.text, /^problem .*webhooks\.json: "a b": A webhook id has 1 to 64 characters/m);
  assertMatch(toEtcd.text, /^problem .*webhooks\.json: "a\.\.b": A webhook id has 1 to 64 characters/m);
  assertMatch(toEtcd.text, /^2 problems: nothing was written/m);

  await server.gateway.putJson(`${PREFIX}default/webhooks/_note`, LOG);
  await server.gateway.putJson(`${PREFIX}default/webhooks/$schema`, LOG);
  const toFile = await cwm("etcd", "file");
  assertEquals(toFile.code, 1);
  assertMatch(toFile.text, /^problem .*\/cwm\/default\/webhooks\/_note: A webhook id has/m);
  assertMatch(toFile.text, /^problem .*\/cwm\/default\/webhooks\/\$schema: A webhook id has/m);
  assertMatch(toFile.text, /^problem .*webhook default\/x-note: The target has a remark of this name/m);
  assertEquals((await server.gateway.read(PREFIX)).size, 3);
});
