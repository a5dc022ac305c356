import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FileStore } from "../../../../src/migrate/stores/file_store.ts";
import { MigrationError } from "../../../../src/migrate/configuration.ts";
import { TestGateway } from "../../../support/gateway.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

Deno.test("a gateway serves what is merged, and says in which file and line a problem is", async () => {
  await using log = RecordedLog.start("warning");
  await using dir = await TempDir.create();
  const base = await dir.writeText("base.json", '{"orders": {"module": "log"}, "old": {"module": "log"}}');
  const prod = await dir.writeText(
    "prod.json",
    '{"old": null,\n"new": {"module": "log"},\n"bad": {"module":\n"lgo"}}',
  );
  await using gateway = await TestGateway.start({
    environment: { WEBHOOKS_CONFIG_FILES: `${base},${prod}`, ADMIN_TOKEN },
  });
  const statuses = await Promise.all(
    ["orders", "old", "new", "bad"].map(async (id) => (await gateway.post(`/webhook/${id}`, "{}")).status),
  );
  assertEquals(statuses, [200, 404, 200, 503]);
  const admin = { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
  for (const path of ["/admin/config", "/admin/webhooks/default/bad"]) {
    const { problems } = JSON.parse((await gateway.request(path, admin)).text) as {
      problems: { place: string }[];
    };
    assertEquals(problems.map(({ place }) => place), [`${prod}:3`]);
  }
  assertStringIncludes(await log.text(), `webhook default/bad in ${prod}:3: Module 'lgo'`);
});

Deno.test("a migration carries over what is merged, and writes to no files that are merged", async () => {
  await using dir = await TempDir.create();
  const files = {
    webhooks: await dir.writeJson("base.json", { a: { module: "log" }, old: { module: "log" } }),
    connections: dir.file("connections.json"),
    overlays: {
      webhooks: [await dir.writeJson("prod.json", { a: { data_type: "blob" }, old: null })],
      connections: [],
    },
    named: ["webhooks"] as const,
  };
  await using store = new FileStore(files, "default");
  const { values } = await store.read("source");
  assertEquals(Array.from(values.values(), ({ text }) => text), ['{"module":"log","data_type":"blob"}']);
  await assertRejects(() => store.read("target"), MigrationError, "they are merged");
});
