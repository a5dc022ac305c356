import { assert, assertEquals } from "@std/assert";
import { ADMIN_TOKEN, Teams } from "../support/access/teams.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { type LoggedRecord, RecordedLog } from "../support/recorded_log.ts";

async function audited(log: RecordedLog, action: string): Promise<LoggedRecord[]> {
  return (await log.records()).filter((record) =>
    record["category"] === "cwm.audit" && String(record["action"]).startsWith(action)
  );
}

const shown = ({ action, key, paths }: LoggedRecord) => [action, key, ...paths === undefined ? [] : [paths]];

Deno.test("each change of files is one line with its paths, the first load one for all", async () => {
  await using log = RecordedLog.start("info");
  const secret = "a-secret-of-a-sender";
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", authorization: "Bearer first" }, b: { module: "log" } },
  });
  const first = await audited(log, "config_");
  assertEquals(first.map(({ action, applied, refused }) => [action, applied, refused]), [[
    "config_loaded",
    2,
    0,
  ]]);
  await gateway.writeWebhooks({
    a: { module: "log", authorization: `Bearer ${secret}`, retry: { max_attempts: 1 } },
    b: { module: secret },
    c: { module: "log" },
  });
  await gateway.reload();
  await gateway.writeWebhooks({ a: { module: "log" } });
  await gateway.reload();
  const [, ...lines] = await audited(log, "config_");
  assertEquals(lines.map(shown), [
    ["config_applied", "webhook default/a", ["authorization", "retry.max_attempts"]],
    ["config_refused", "webhook default/b", ["module"]],
    ["config_applied", "webhook default/c"],
    ["config_applied", "webhook default/a", ["authorization", "retry.max_attempts"]],
    ["config_deleted", "webhook default/b"],
    ["config_deleted", "webhook default/c"],
  ]);
  for (const line of lines) assert(!JSON.stringify(line).includes(secret));
  const solved = (await log.records()).filter(({ message }) => String(message).includes("is solved"));
  assertEquals(solved, [], "A deletion solves nothing");
});

Deno.test("each change of etcd and each admin action is one line, with who and how many", async () => {
  await using log = RecordedLog.start("info");
  await using teams = await Teams.start();
  const put = async (key: string, value: unknown) =>
    void await teams.etcd.ctl("put", `/cwm/${key}`, JSON.stringify(value));
  await put("team-a/webhooks/new", { module: "log" });
  await put("team-a/webhooks/new", { module: "log", methods: ["PUT"] });
  await put("team-a/webhooks/new", { module: "no-such-module" });
  await teams.etcd.ctl("del", "/cwm/team-a/webhooks/new");
  await teams.etcd.ctl("del", "/cwm/global/connections/rabbit-of-team-b");
  await eventually(async () => assertEquals((await audited(log, "config_deleted")).length, 2));
  const [loaded, ...lines] = await audited(log, "config_");
  assertEquals([loaded!["applied"], loaded!["refused"]], [6, 2]);
  assertEquals(lines.map(shown), [
    ["config_applied", "webhook team-a/new"],
    ["config_applied", "webhook team-a/new", ["methods"]],
    ["config_refused", "webhook team-a/new", ["module", "methods"]],
    ["config_deleted", "webhook team-a/new"],
    ["config_deleted", "connection rabbit-of-team-b"],
  ]);
  const revisions = lines.map(({ revision }) => Number(revision));
  assertEquals(revisions, revisions.toSorted((a, b) => a - b));

  await teams.bury();
  await teams.get("operator-a", "/admin/dead-letters/drop?all=true", "POST");
  await teams.ask("viewer-a", "/admin/dead-letters/drop?all=true", { method: "POST" });
  await teams.gateway.request("/admin/stops/pause?webhook=team-b/orders", {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const actions = (await audited(log, "admin")).filter(({ action }) => action === "admin");
  assertEquals(
    actions.map(({ who, route, outcome, dropped, query }) => [who, route, outcome, dropped, query]),
    [
      ["operator-a", "POST /admin/dead-letters/drop", "ok", 1, { all: "true" }],
      ["viewer-a", "POST /admin/dead-letters/drop", "role_required", undefined, undefined],
      ["ADMIN_TOKEN", "POST /admin/stops/pause", "ok", undefined, { webhook: "team-b/orders" }],
    ],
  );
  for (const { client } of actions) assertEquals(client, "127.0.0.1");
});
