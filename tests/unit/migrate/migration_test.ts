import { assertEquals } from "@std/assert";
import { FileStore } from "../../../src/migrate/stores/file_store.ts";
import { type MigrationPlan, planMigration } from "../../../src/migrate/migration.ts";
import { describeKey } from "../../../src/event/names.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { TempDir } from "../../support/temp_dir.ts";

type Files = Readonly<Record<"webhooks" | "connections", unknown>>;

/** Plans a migration between two pairs of files: what is planned does not depend on where values stand. */
async function plan(source: Files, target: Files, { prune = false } = {}): Promise<MigrationPlan> {
  await using dir = await TempDir.create();
  const [from, to] = await Promise.all(
    [source, target].map(async (files, index) =>
      new FileStore({
        webhooks: await dir.writeJson(`webhooks-${index}.json`, files.webhooks),
        connections: await dir.writeJson(`connections-${index}.json`, files.connections),
        named: [],
      }, "default")
    ),
  );
  return await planMigration(from!, to!, { compile: { environment: {}, modules: outputModules }, prune });
}

function describeChanges({ changes }: MigrationPlan): string[] {
  return changes.map(({ key, text }) => `${text === undefined ? "remove" : "put"} ${describeKey(key)}`);
}

const LOG = { module: "log" };
const REDIS = { type: "redis-rq", host: "localhost" };

Deno.test("a plan for sides that agree has no changes", async () => {
  const files = { webhooks: { a: LOG }, connections: { redis: REDIS } };
  const { changes, comparison } = await plan(files, files, { prune: true });
  assertEquals([changes, comparison.same.length], [[], 2]);
});

Deno.test("extra values stay unless they are to be pruned", async () => {
  const source = { webhooks: { a: LOG }, connections: { redis: REDIS } };
  const target = { webhooks: { a: LOG, b: LOG }, connections: { redis: REDIS, kafka: REDIS } };
  assertEquals(describeChanges(await plan(source, target)), []);
  assertEquals(describeChanges(await plan(source, target, { prune: true })), [
    "remove webhook default/b",
    "remove connection kafka",
  ]);
});

Deno.test("pruning never removes all webhooks or all connections for want of any at the source", async () => {
  const target = { webhooks: { a: LOG }, connections: { redis: REDIS } };
  const { changes, kept, warnings } = await plan({ webhooks: {}, connections: {} }, target, { prune: true });
  assertEquals(changes, []);
  assertEquals(kept.map(({ subject }) => subject), ["webhook default/a", "connection redis"]);
  assertEquals(warnings.map(({ message }) => message), ["It holds no webhooks"]);
});

Deno.test("one invalid value keeps all others from being written", async () => {
  const source = { webhooks: { a: LOG, b: { module: "lgo" }, "c d": LOG }, connections: { redis: {} } };
  const { changes, problems } = await plan(source, { webhooks: {}, connections: {} });
  assertEquals(changes, []);
  assertEquals(problems.map(({ subject, path }) => [subject.split("/").at(-1), path]), [
    [`webhooks-0.json: "c d"`, ""],
    ["connection redis", "type"],
    ["b", "module"],
  ]);
});

Deno.test("an entry does not take the place of a remark at the target", async () => {
  const source = { webhooks: { a: LOG, "x-hook": LOG, description: LOG }, connections: { "x-redis": REDIS } };
  const target = { webhooks: { "x-hook": "why", description: "ours" }, connections: { "x-redis": {} } };
  const { problems, changes } = await plan(source, target);
  assertEquals(problems.map(({ subject }) => subject), [
    "connection x-redis",
    "webhook default/x-hook",
    "webhook default/description",
  ]);
  assertEquals(changes, []);
});

Deno.test("pruning keeps what the source has a remark in the place of", async () => {
  const source = {
    webhooks: { a: LOG, "x-hook": { modul: "log" } },
    connections: { redis: REDIS, "x-old": 1 },
  };
  const target = { webhooks: { "x-hook": LOG, b: LOG }, connections: { "x-old": REDIS, kafka: REDIS } };
  const { kept, ...planned } = await plan(source, target, { prune: true });
  assertEquals(kept.map(({ subject }) => subject), ["connection x-old", "webhook default/x-hook"]);
  assertEquals(describeChanges({ kept, ...planned }), [
    "put connection redis",
    "put webhook default/a",
    "remove webhook default/b",
    "remove connection kafka",
  ]);
});

Deno.test("names at the target that are no keys of the gateway are listed and kept", async () => {
  const { kept, changes } = await plan(
    { webhooks: { a: LOG }, connections: {} },
    { webhooks: { "not an id": 1, _remark: 2, a: LOG }, connections: {} },
    { prune: true },
  );
  assertEquals([kept.length, changes], [1, []]);
});
