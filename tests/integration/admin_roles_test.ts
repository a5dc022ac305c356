import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { Callers } from "../../src/access/callers.ts";
import { Caller, ROLES } from "../../src/access/caller.ts";
import { ClientAddressResolver } from "../../src/auth/client_address.ts";
import { adminRoutes, type AdminSource } from "../../src/http/routes/admin.ts";
import { AdminGuard } from "../../src/http/routes/access/guard.ts";
import { logger } from "../../src/observability/logging.ts";
import { Metrics } from "../../src/observability/metrics.ts";
import { ADMIN_TOKEN, Teams, tokenOf } from "../support/access/teams.ts";
import { eventually } from "../support/eventually.ts";
import { errorCode } from "../support/gateway.ts";

/** What each route needs. A route that is not here fails the first test: think of what it may show, and to whom. */
const NEEDED: Readonly<Record<string, string>> = {
  "GET /admin/config": "viewer",
  "GET /admin/connections": "viewer",
  "GET /admin/stats": "viewer",
  "GET /admin/status": "viewer",
  "GET /admin/stops": "viewer",
  "GET /admin/webhooks": "viewer",
  "GET /admin/webhooks/": "viewer",
  "POST /admin/filter": "viewer",
  "GET /admin/journal": "viewer",
  "GET /admin/handshakes": "viewer",
  "GET /admin/dead-letters": "viewer",
  "GET /admin/dead-letters/show": "viewer",
  "GET /admin/events": "viewer",
  "POST /admin/events/drop": "operator",
  "GET /admin/requests": "viewer",
  "GET /admin/changes": "viewer",
  "GET /admin/tail": "viewer",
  "GET /admin/connectors": "viewer",
  "POST /admin/connectors/end": "operator",
  "POST /admin/stops/pause": "operator",
  "POST /admin/stops/resume": "operator",
  "POST /admin/handshakes/open": "operator",
  "POST /admin/handshakes/show": "operator",
  "POST /admin/handshakes/forget": "operator",
  "POST /admin/dead-letters/replay": "operator",
  "POST /admin/dead-letters/drop": "operator",
  "POST /admin/events/replay": "operator",
  "POST /admin/events/retry": "operator",
  "POST /admin/send": "operator",
  "POST /admin/reload": "admin",
  "POST /admin/journal/hold": "admin",
  "POST /admin/journal/release": "admin",
  "POST /admin/journal/salvage": "admin",
};

/** The roles as the routes declare them. */
function declared(): Record<string, string | undefined> {
  const { guard } = new AdminGuard({
    callers: new Callers(ADMIN_TOKEN, false),
    clientAddress: new ClientAddressResolver([]),
    metrics: new Metrics(),
    audit: logger("audit"),
  });
  // Nothing of the source but its guard is looked at before a request comes.
  const routes = adminRoutes({ guard } as unknown as AdminSource);
  return Object.fromEntries(
    routes.flatMap(({ path, methods }) =>
      Object.entries(methods).map(([method, { role }]) => [`${method} ${path}`, role])
    ),
  );
}

Deno.test("every admin route declares its role, and answers nobody who has a lesser one", async () => {
  assertEquals(declared(), NEEDED);
  await using teams = await Teams.start();
  const callers = {
    "viewer-a": new Caller("viewer-a", "viewer", ["team-a"]),
    "operator-a": new Caller("operator-a", "operator", ["team-a"]),
    boss: new Caller("boss", "admin", ["*"]),
  };
  for (const [route, role] of Object.entries(NEEDED)) {
    const [method = "", path = ""] = route.split(" ");
    const none = await teams.gateway.request(path, { method });
    assertEquals([none.status, errorCode(none)], [401, "unauthorized"], route);
    for (const [name, caller] of Object.entries(callers)) {
      // A tail that may be read has no end: a question that is wrong shows as well that it may.
      const query = path === "/admin/tail" ? "?refused=no" : "";
      const answer = await teams.ask(name, path + query, { method });
      const what = `${name} ${route}: ${answer.text}`;
      if (caller.has(ROLES.find((each) => each === role)!)) {
        assert(![401, 403].includes(answer.status), what);
      } else {
        assertEquals([answer.status, errorCode(answer)], [403, "role_required"], what);
        assertStringIncludes(answer.text, `'${role}'`, what);
      }
    }
  }
});

Deno.test("a viewer sees nothing of another team on any route, and all that is its own", async () => {
  await using teams = await Teams.start();
  const ids = await teams.bury();
  await teams.get("boss", "/admin/stops/pause?webhook=team-a/jobs", "POST");
  await teams.get("boss", "/admin/stops/pause?webhook=team-b/jobs", "POST");
  await eventually(async () => {
    const { counts } = await teams.get<{ counts: { impaired: number } }>("boss", "/admin/status");
    assertEquals(counts.impaired, 4, "broken webhooks and dead letters");
  });
  const reads = Object.entries(NEEDED).filter(([route, role]) =>
    role === "viewer" && route.startsWith("GET ")
  );
  for (const [route] of reads) {
    const path = route.slice("GET ".length);
    if (path === "/admin/tail") continue; // It has no end: see the test below.
    const queries: Record<string, string[]> = {
      "/admin/webhooks/": ["team-b/orders", "team-b/missing"],
      "/admin/handshakes": ["?webhook=team-b/orders", "?webhook=team-b/missing"],
      "/admin/dead-letters": ["", "?namespace=team-b", `?id=${ids["team-b"]}`, "?webhook=orders", "?limit=1"],
      "/admin/dead-letters/show": [`?id=${ids["team-b"]}`],
      "/admin/events": [
        "",
        "?namespace=team-b",
        "?webhook=team-b/orders",
        `?id=${ids["team-b"]}`,
        "?contents=true",
      ],
    };
    for (const query of queries[path] ?? [""]) {
      const { text } = await teams.ask("viewer-a", path + query);
      assertNotMatch(text.replaceAll(ids["team-b"], "its id"), /team-b/, `${path}${query}`);
      const isSecret = !["/admin/dead-letters", "/admin/events"].includes(path);
      if (query.includes("team-b") && isSecret) assertStringIncludes(text, "webhook_not_found", path);
    }
  }
  assertEquals(await seenBy(teams, "viewer-a"), own("team-a", ids["team-a"]));
  assertEquals(await seenBy(teams, "viewer-b"), own("team-b", ids["team-b"]));
  const all = await seenBy(teams, "viewer-all");
  assertEquals(all.webhooks, 6);
  assertEquals(all.letters, [ids["team-a"], ids["team-b"]]);
});

Deno.test("a viewer who follows requests is told of those to its own namespaces alone", async () => {
  await using teams = await Teams.start();
  const headers = { authorization: `Bearer ${tokenOf("viewer-a")}` };
  const response = await fetch(teams.gateway.url("/admin/tail"), { headers });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (const team of ["team-b", "team-a"]) await teams.gateway.post(`/webhook/${team}/nothing`, "{}");
  let text = "";
  while (!text.includes("data: ")) text += (await reader.read()).value;
  await reader.cancel();
  assertStringIncludes(text, '"namespace":"team-a","webhook":"nothing"');
  assertNotMatch(text, /team-b/);
});

/** What the lists show. */
async function seenBy(teams: Teams, who: string) {
  const config = await teams.get<{ webhooks: number; keys: unknown; problems: { key: string }[] }>(
    who,
    "/admin/config",
  );
  const { connections } = await teams.get<{ connections: { name: string }[] }>(who, "/admin/connections");
  const { webhooks: stopped } = await teams.get<{ webhooks: { namespace: string }[] }>(who, "/admin/stops");
  const { dead_letters } = await teams.get<{ dead_letters: { id: string }[] }>(who, "/admin/dead-letters");
  const { events } = await teams.get<{ events: { id: string }[] }>(who, "/admin/events?order=oldest");
  const status = await teams.get<{ troubles: { part: string; name: string; kind: string }[] }>(
    who,
    "/admin/status",
  );
  return {
    webhooks: config.webhooks,
    keys: config.keys,
    problems: config.problems.map(({ key }) => key),
    connections: connections.map(({ name }) => name),
    stopped: stopped.map(({ namespace }) => namespace),
    letters: dead_letters.map(({ id }) => id),
    events: events.map(({ id }) => id),
    troubles: status.troubles.map(({ part, name, kind }) => `${part} ${name} ${kind}`).toSorted(),
    stats: Object.keys(await teams.get<Record<string, unknown>>(who, "/admin/stats")),
    journal: Object.keys(await teams.get<Record<string, unknown>>(who, "/admin/journal")),
  };
}

function own(team: string, letter: string) {
  return {
    webhooks: 3,
    keys: { ok: 3, stale: 0, invalid: 1 },
    problems: [`webhook ${team}/broken`],
    connections: [`rabbit-of-${team}`],
    stopped: [team],
    letters: [letter],
    events: [letter],
    troubles: [
      `configuration webhook ${team}/broken refused`,
      `webhook ${team}/jobs paused`,
      `webhook ${team}/orders dead_letters`,
    ],
    stats: ["uptime_seconds", "webhooks", "connections"],
    journal: ["webhooks"],
  };
}

Deno.test("an operator acts within its namespaces alone, also where it says all", async () => {
  await using teams = await Teams.start();
  const ids = await teams.bury();
  const post = (path: string) => teams.ask("operator-a", path, { method: "POST" });
  for (
    const path of [
      "/admin/stops/pause?webhook=team-b/orders",
      "/admin/stops/resume?webhook=team-b/orders",
      "/admin/handshakes/open?webhook=team-b/orders&seconds=60",
      "/admin/handshakes/show?webhook=team-b/orders",
      "/admin/handshakes/forget?webhook=team-b/orders",
      "/admin/events/replay?all=true&to=team-b/orders",
    ]
  ) {
    const answer = await post(path);
    assertEquals([answer.status, errorCode(answer)], [404, "webhook_not_found"], path);
  }
  const asked = { webhook: "team-b/orders", body: {} };
  const filter = await teams.ask("operator-a", "/admin/filter", {
    method: "POST",
    body: JSON.stringify(asked),
  });
  assertEquals([filter.status, errorCode(filter)], [404, "webhook_not_found"]);

  for (const query of ["namespace=team-b", `id=${ids["team-b"]}`]) {
    assertEquals(JSON.parse((await post(`/admin/dead-letters/drop?${query}`)).text), { dropped: 0 }, query);
    assertEquals(
      JSON.parse((await post(`/admin/dead-letters/replay?${query}`)).text),
      { replayed: 0 },
      query,
    );
  }
  const retried = JSON.parse((await post("/admin/events/retry?namespace=team-b")).text);
  assertEquals(retried, { webhooks: 0, events: 0 });
  const replay = JSON.parse((await post("/admin/events/replay?namespace=team-b")).text);
  assertEquals([replay.replayed, replay.skipped], [0, 0]);
  assertEquals(JSON.parse((await post("/admin/dead-letters/drop?all=true")).text), { dropped: 1 });
  const { dead_letters: left } = await teams.get<{ dead_letters: { id: string }[] }>(
    "boss",
    "/admin/dead-letters",
  );
  assertEquals(left.map(({ id }) => id), [ids["team-b"]]);

  assertEquals((await post("/admin/stops/pause?webhook=team-a/orders")).status, 200);
  await eventually(async () =>
    assertEquals((await teams.get<{ webhooks: unknown[] }>("boss", "/admin/stops")).webhooks.length, 1)
  );
});

Deno.test("metrics ask for their token, and show a viewer the series of its namespaces alone", async () => {
  const METRICS_TOKEN = "a-token-for-prometheus";
  await using teams = await Teams.start({ METRICS_TOKEN });
  const scrape = (token: string) =>
    teams.gateway.request("/metrics", { headers: { authorization: `Bearer ${token}` } });
  assertEquals((await teams.gateway.request("/metrics")).status, 401);
  assertEquals((await scrape("another-token-of-nobody")).status, 401);
  const all = await scrape(METRICS_TOKEN);
  for (const name of ["team-a", "team-b", "cwm_build_info", "process_resident_memory_bytes"]) {
    assertStringIncludes(all.text, name);
  }
  assertStringIncludes((await scrape(ADMIN_TOKEN)).text, "cwm_build_info");
  assertStringIncludes((await teams.ask("boss", "/metrics")).text, "cwm_build_info");
  const { status, text } = await teams.ask("viewer-a", "/metrics");
  assertEquals(status, 200);
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert(series.length > 0);
  for (const line of series) assertStringIncludes(line, 'namespace="team-a"');
  const heads = new Set(text.match(/(?<=^# TYPE )\S+/gm));
  for (const head of heads) assert(series.some((line) => line.startsWith(head)), head);
  // The token of metrics is none of the admin routes.
  assertEquals(
    (await teams.gateway.request("/admin/config", { headers: { authorization: `Bearer ${METRICS_TOKEN}` } }))
      .status,
    401,
  );
});
