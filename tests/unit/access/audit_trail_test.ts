import { assertEquals } from "@std/assert";
import { AuditTrail } from "../../../src/access/audit_trail.ts";
import { logger } from "../../../src/observability/logging.ts";
import { TestGateway } from "../../support/gateway.ts";
import { ADMIN_TOKEN, Teams } from "../../support/access/teams.ts";

Deno.test("the last 500 lines of the audit are kept, the newest first, with bounded texts and lists", () => {
  const trail = new AuditTrail(logger("audit"));
  for (let number = 0; number < 600; number++) trail.info("{number}", { number });
  trail.warning("Refused", { key: "k".repeat(2_000), paths: Array(100).fill("path"), revision: "7" });
  const lines = trail.newestFirst;
  assertEquals([lines.length, lines[1]!.properties["number"], lines.at(-1)!.properties["number"]], [
    500,
    599,
    101,
  ]);
  const [{ isRefused, properties }] = lines as [typeof lines[0] & object];
  assertEquals([isRefused, properties["revision"]], [true, "7"]);
  assertEquals([String(properties["key"]).length, (properties["paths"] as string[]).length], [500, 20]);
});

Deno.test("an admin is told who has changed what, and a team what concerns its namespaces", async () => {
  await using teams = await Teams.start();
  await teams.get("boss", "/admin/stops/pause?webhook=team-b/jobs", "POST");
  interface Change {
    readonly action: string;
    readonly who?: string;
    readonly key?: string;
  }
  const changes = async (who: string) =>
    (await teams.get<{ changes: Change[] }>(who, "/admin/changes")).changes;
  const all = await changes("boss");
  assertEquals(all.filter(({ action, who }) => action === "admin" && who === "boss").length, 1);
  const seen = await changes("viewer-a");
  assertEquals(seen.filter(({ who, key }) => who === "boss" || key?.includes("team-b") === true), []);
});

Deno.test("a changed webhook is among the changes, by the paths that differ and never by values", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log" } },
    environment: { ADMIN_TOKEN, CONFIG_POLL_MS: "100" },
  });
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  await gateway.writeWebhooks({ orders: { module: "log", authorization: "Bearer a-secret-of-somebody" } });
  await gateway.request("/admin/reload", { method: "POST", headers });
  const { text } = await gateway.request("/admin/changes", { headers });
  const { changes } = JSON.parse(text) as { changes: { action: string; key?: string; paths?: string[] }[] };
  const [changed] = changes.filter(({ action }) => action === "config_applied");
  assertEquals([changed?.key, changed?.paths], ["webhook default/orders", ["authorization"]]);
  assertEquals(text.includes("a-secret-of-somebody"), false);
});
