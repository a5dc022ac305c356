/** What a policy keeps from being served, and what becomes of that when it changes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PolicedManager } from "../../../support/policed_manager.ts";

const SECRETS = { TEAM_A_KEY: "a-key-of-team-a", TEAM_B_KEY: "a-key-of-team-b" };

function sending(url: string, beside: Record<string, unknown> = {}): unknown {
  return { module: "http_webhook", "module-config": { url, ...beside } };
}

/** Which of the webhooks a policy permits in the namespace `team-a`, by their ids. */
async function permitted(
  policy: unknown,
  webhooks: Readonly<Record<string, unknown>>,
  connections: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  await using config = new PolicedManager(SECRETS);
  await config.policy(policy);
  for (const [name, value] of Object.entries(connections)) await config.connection(name, value);
  for (const [id, value] of Object.entries(webhooks)) config.put(`team-a/${id}`, value);
  await config.manager.settled();
  for (const id of Object.keys(webhooks)) {
    const problems = config.problems(`team-a/${id}`);
    const isForbidden = problems.length > 0;
    assert(problems.every(({ code }) => code === "policy_forbids"), JSON.stringify(problems));
    assertEquals(config.isServed(`team-a/${id}`), !isForbidden, id);
  }
  return config.served.map((path) => path.slice("team-a/".length));
}

function forTeams(rule: unknown): unknown {
  return { namespaces: { "team-*": rule } };
}

Deno.test("a policy says which variables a namespace may read, before any of them is looked up", async () => {
  const secret = (name: string) => ({ module: "log", authorization: `Bearer {$${name}}` });
  const policy = forTeams({ variables: ["TEAM_A_*"] });
  const webhooks = { own: secret("TEAM_A_KEY"), other: secret("TEAM_B_KEY"), absent: secret("NO_SUCH:x") };
  assertEquals(await permitted(policy, webhooks), ["own"]);
});

Deno.test("a forbidden webhook names the rule and the key, and nothing that could be a secret", async () => {
  await using config = new PolicedManager(SECRETS);
  await config.policy(forTeams({ variables: ["TEAM_A_*"] }));
  await config.webhook("team-a/x", sending("https://x.example", { headers: { "x-key": "{$TEAM_B_KEY}" } }));
  const [problem] = config.problems("team-a/x");
  assertEquals([problem?.code, problem?.path], ["policy_forbids", "module-config.headers.x-key"]);
  assertStringIncludes(problem!.message, "Rule 'team-*' of the policy does not permit this variable");
  assertStringIncludes(problem!.message, "'variables'");
  assert(!JSON.stringify(problem).includes(SECRETS.TEAM_B_KEY));
});

Deno.test("hosts are permitted by name, port and network, and private ones by what names them", async () => {
  const policy = forTeams({
    destinations: { hosts: ["*.team.example", "exact.example:8443"], networks: ["10.1.0.0/16"] },
  });
  const webhooks = {
    below: sending("https://hooks.team.example/x"),
    shouted: sending("https://HOOKS.TEAM.EXAMPLE./x"),
    ported: sending("https://exact.example:8443"),
    other_port: sending("https://exact.example"),
    look_alike: sending("https://team.example.evil.example"),
    suffix: sending("https://evilteam.example"),
    user_info: sending("https://other.example/?x=.team.example"),
    inside: sending("http://10.1.2.3", { allowed_hosts: ["10.1.2.3"] }),
    outside: sending("http://10.2.2.3", { allowed_hosts: ["10.2.2.3"] }),
    resolved: sending("http://any.example", { allowed_hosts: ["10.1.5.0/24"] }),
    resolved_wider: sending("http://any.example", { allowed_hosts: ["10.0.0.0/8"] }),
    private_by_star: sending("http://h.team.example", { allowed_hosts: ["h.team.example"] }),
    private_by_name: sending("https://exact.example:8443", { allowed_hosts: ["exact.example:8443"] }),
    both: sending("https://hooks.team.example", { allowed_hosts: ["hooks.team.example", "0.0.0.0/0"] }),
  };
  assertEquals(await permitted(policy, webhooks), [
    "below",
    "inside",
    "ported",
    "private_by_name",
    "resolved",
    "shouted",
  ]);
});

Deno.test("every host that a webhook has the gateway ask is judged, whatever asks it", async () => {
  const policy = forTeams({ destinations: { hosts: ["*.team.example"] } });
  const good = "https://ok.team.example";
  const bad = "https://elsewhere.example";
  const webhooks = {
    target: { module: "http_webhook", "module-config": { targets: [good, bad] } },
    token: sending(good, { auth: { oauth2: { token_url: bad, client_id: "i", client_secret: "s" } } }),
    proxy: sending(good, { proxy: "http://elsewhere.example:3128" }),
    jwks: { module: "log", jwt: { jwks_url: bad } },
    introspection: { module: "log", oauth2: { introspection_endpoint: bad } },
    recaptcha: { module: "log", recaptcha: { secret_key: "k" } },
    websocket: {
      module: "websocket",
      "module-config": { url: "wss://elsewhere.example", unconfirmed: true },
    },
    zeromq: {
      module: "zeromq",
      "module-config": { endpoint: "tcp://elsewhere.example:5555", socket_type: "REQ" },
    },
    chain: { chain: ["log", { module: "http_webhook", "module-config": { url: bad } }] },
    own: { module: "redis_publish", redis: { host: "elsewhere.example", channel: "c" } },
    good_chain: { chain: ["log", { module: "http_webhook", "module-config": { url: good } }] },
    good_own: { module: "redis_publish", redis: { host: "redis.team.example", channel: "c" } },
    good_jwks: { module: "log", jwt: { jwks_url: `${good}/keys` } },
  };
  assertEquals(await permitted(policy, webhooks), ["good_chain", "good_jwks", "good_own"]);
});

Deno.test("what an event says of a destination is permitted by a star alone", async () => {
  const policy = forTeams({
    destinations: { topics: ["team/a/*", "fixed"], exchanges: ["own/*"], subjects: ["{namespace}.*"] },
  });
  const mqtt = (topic: string) => ({ module: "mqtt", connection: "m", "module-config": { topic } });
  const rabbit = (exchange: string, routing_key: unknown) => ({
    module: "rabbitmq",
    connection: "r",
    "module-config": { exchange, routing_key },
  });
  const nats = (subject: string) => ({ module: "nats", connection: "n", "module-config": { subject } });
  const webhooks = {
    m_below: mqtt("team/a/{/room}"),
    m_fixed: mqtt("fixed"),
    m_any: mqtt("{/topic}"),
    m_half: mqtt("team/{/which}/x"),
    r_key: rabbit("own", { json_pointer: "/key" }),
    r_other: rabbit("theirs", "x"),
    r_exchange: rabbit("{/exchange}", "x"),
    n_own: nats("{namespace}.orders"),
    n_literal: nats("team-a.orders.{/x}"),
    n_other: nats("team-b.orders"),
  };
  const connections = {
    m: { type: "mqtt", host: "h" },
    r: { type: "rabbitmq", host: "h" },
    n: { type: "nats", servers: "h" },
  };
  const served = await permitted(policy, webhooks, connections);
  assertEquals(served, ["m_below", "m_fixed", "n_literal", "n_own", "r_key"]);
});

Deno.test("connections are permitted by name; where no rule names them, by where they lead", async () => {
  const kafka = (connection?: string) => ({
    module: "kafka",
    "module-config": { topic: "t" },
    ...(connection === undefined ? {} : { connection }),
  });
  const connections = {
    "team-a-kafka": { type: "kafka", bootstrap_servers: "kafka.shared.example:9092" },
    "team-b-kafka": { type: "kafka", bootstrap_servers: ["k1.team.example:9092", "k2.team.example:9092"] },
  };
  const webhooks = { own: kafka("team-a-kafka"), other: kafka("team-b-kafka") };
  const byName = forTeams({
    connections: ["{namespace}-*"],
    destinations: { hosts: ["*.team.example"], topics: ["t"] },
  });
  assertEquals(await permitted(byName, webhooks, connections), ["own"]);
  const byHost = forTeams({ destinations: { hosts: ["*.team.example"] } });
  assertEquals(await permitted(byHost, webhooks, connections), ["other"]);
  // The only one of its type is chosen without a name.
  const { "team-b-kafka": neighbours } = connections;
  assertEquals(await permitted(byName, { unnamed: kafka() }, { "team-b-kafka": neighbours }), []);
});

Deno.test("every rule that matches restricts, and with deny what none of them names is closed", async () => {
  const webhooks = {
    log: { module: "log", authorization: "Bearer a-secret-of-ours" },
    open: { module: "log" },
    http: sending("https://ok.example"),
    disk: { module: "save_to_disk", "module-config": { base_dir: "/data/team-a/x" }, auth: "none" },
  };
  const ceiling = {
    "*": { modules: ["log", "save_to_disk"] },
    "team-*": { modules: ["log", "http_webhook"] },
  };
  assertEquals(await permitted({ namespaces: ceiling }, webhooks), ["log", "open"]);
  assertEquals(await permitted({ default: "deny", namespaces: { "other-*": {} } }, webhooks), []);
  const open = { default: "deny", namespaces: { "team-a": { modules: ["*"] } } };
  assertEquals(await permitted(open, webhooks), ["log"]);
  const wide = {
    default: "deny",
    namespaces: {
      "team-a": { modules: ["*"], base_dir: ["/data/{namespace}"], authentication: {}, destinations: {} },
    },
  };
  // An empty `authentication` asks for nothing, and says nothing either.
  assertEquals(await permitted(wide, webhooks), ["log"]);
});

Deno.test("directories are those that a rule names and all below them, whatever path leads there", async () => {
  const policy = forTeams({ base_dir: ["/data/{namespace}", "/shared/*/out"] });
  const disk = (base_dir: string, path?: string) => ({
    module: "save_to_disk",
    "module-config": { base_dir, ...(path === undefined ? {} : { path }) },
  });
  const webhooks = {
    own: disk("/data/team-a"),
    below: disk("/data/team-a/x", "y"),
    star: disk("/shared/2026/out/x"),
    other: disk("/data/team-b"),
    up: disk("/data/team-a/../team-b"),
    look_alike: disk("/data/team-ab"),
    above: disk("/data", "team-a"),
    deeper_star: disk("/shared/a/b/out"),
  };
  assertEquals(await permitted(policy, webhooks), ["below", "own", "star"]);
});

Deno.test("files of certificates and keys that a webhook names are judged as those of references are", async () => {
  const policy = forTeams({ files: ["/certs/{namespace}", "own"] });
  const login = (key: string) =>
    sending("https://x.example", { auth: { client_certificate: { cert: "/certs/team-a/tls.pem", key } } });
  const webhooks = {
    own: login("/certs/team-a/tls.key"),
    theirs: login("/certs/team-b/tls.key"),
    written: sending("https://x.example", { ca: "/certs/team-b/ca.pem" }),
    websocket: {
      module: "websocket",
      "module-config": { url: "wss://x.example", unconfirmed: true, tls: { ca: "/certs/team-b/ca.pem" } },
    },
    redis: {
      module: "redis_publish",
      redis: { host: "h", channel: "c", tls: { ca: "/certs/team-b/ca.pem" } },
    },
  };
  assertEquals(await permitted(policy, webhooks), ["own"]);
});

Deno.test("a rule may ask for authentication, and for certain methods of it", async () => {
  const webhooks = {
    none: { module: "log", auth: "none" },
    silent: { module: "log" },
    hmac: {
      module: "log",
      hmac: { secret: "a-secret-of-ours", header: "X-Signature", algorithm: "sha256" },
    },
    bearer: { module: "log", authorization: "Bearer a-secret-of-ours" },
    address: { module: "log", ip_whitelist: ["203.0.113.7"] },
  };
  assertEquals(await permitted(forTeams({ authentication: { required: true } }), webhooks), [
    "address",
    "bearer",
    "hmac",
  ]);
  assertEquals(await permitted(forTeams({ authentication: { methods: ["hmac", "jwt"] } }), webhooks), [
    "hmac",
  ]);
});

Deno.test("a changed policy is applied to what is served, and what it permits again comes back", async () => {
  await using config = new PolicedManager(SECRETS);
  await config.policy({});
  await config.webhook("team-a/x", sending("https://x.example"));
  await config.webhook("team-b/x", sending("https://x.example"));
  assertEquals(config.served, ["team-a/x", "team-b/x"]);
  const hosts = (...names: string[]) => ({ namespaces: { "team-a": { destinations: { hosts: names } } } });
  await config.policy(hosts("other.example"));
  assertEquals([config.served, config.codes("team-a/x")], [["team-b/x"], [
    "module-config.url: policy_forbids",
  ]]);
  // What came while it was forbidden is there, too, once it is permitted.
  await config.webhook("team-a/new", sending("https://x.example"));
  assertEquals(config.isServed("team-a/new"), false);
  await config.policy(hosts("x.example"));
  assertEquals(config.served, ["team-a/new", "team-a/x", "team-b/x"]);
  assertEquals([config.codes("team-a/x"), config.codes("team-a/new")], [[], []]);
});

Deno.test("a value that the policy forbids leaves the one before in service, if that is permitted", async () => {
  await using config = new PolicedManager(SECRETS);
  const hosts = (...names: string[]) => forTeams({ destinations: { hosts: names } });
  await config.policy(hosts("good.example"));
  await config.webhook("team-a/x", sending("https://good.example"));
  await config.webhook("team-a/x", sending("https://bad.example"));
  assertEquals(config.isServed("team-a/x"), true);
  assertEquals(config.problems("team-a/x").map(({ serving }) => serving), ["last_good"]);
  await config.policy(hosts("nobody.example"));
  assertEquals(config.isServed("team-a/x"), false);
  assertEquals(config.problems("team-a/x").map(({ serving }) => serving), ["nothing"]);
  await config.policy(hosts("good.example"));
  assertEquals([config.isServed("team-a/x"), config.problems("team-a/x")[0]?.serving], [true, "last_good"]);
  await config.policy(hosts("bad.example"));
  assertEquals([config.isServed("team-a/x"), config.problems("team-a/x")], [true, []]);
  await config.deleteWebhook("team-a/x");
  await config.policy(hosts("*"));
  assertEquals(config.served, []);
});

Deno.test("a connection that leads elsewhere takes webhooks that may not follow out of service", async () => {
  await using config = new PolicedManager();
  await config.policy(forTeams({ destinations: { hosts: ["*.team.example"], topics: ["t"] } }));
  const brokers = (name: string) => ({ type: "kafka", bootstrap_servers: `${name}:9092` });
  await config.connection("k", brokers("k.team.example"));
  await config.webhook("team-a/x", { module: "kafka", connection: "k", "module-config": { topic: "t" } });
  assertEquals(config.isServed("team-a/x"), true);
  await config.connection("k", brokers("k.elsewhere.example"));
  assertEquals([config.isServed("team-a/x"), config.codes("team-a/x")], [false, [
    "connection: policy_forbids",
  ]]);
  await config.connection("k", brokers("k.team.example"));
  assertEquals([config.isServed("team-a/x"), config.codes("team-a/x")], [true, []]);
});

Deno.test("a policy that is bad or deleted leaves the last good one in force", async () => {
  await using config = new PolicedManager();
  const served = () => config.served;
  await config.policy(forTeams({ modules: ["log"] }));
  await config.webhook("team-a/x", { module: "log" });
  await config.webhook("team-a/y", sending("https://x.example"));
  const bad = ["{", "[]", { namespacs: {} }, { namespaces: { "team-*": { module: ["log"] } } }, {
    namespaces: { "team-*": { limits: { rate: "fast" } } },
  }, { namespaces: { "team a": {} } }];
  for (const policy of bad) {
    await config.policy(policy);
    assertEquals(served(), ["team-a/x"]);
    assertEquals(config.manager.catalog.problemsOf("policy").map(({ serving }) => serving), ["last_good"]);
  }
  await config.deletePolicy();
  assertEquals(served(), ["team-a/x"]);
  assertEquals(config.manager.catalog.problemsOf("policy").map(({ code }) => code), ["policy_missing"]);
  await config.policy({});
  assertEquals([served(), config.manager.catalog.problemsOf("policy")], [["team-a/x", "team-a/y"], []]);
});

Deno.test("a policy that was never good closes a start, and nothing that is served without one", async () => {
  await using starting = new PolicedManager();
  await starting.policy("{");
  await starting.webhook("team-a/x", { module: "log" });
  assertEquals([starting.served, starting.manager.policy.isClosed], [[], true]);
  await starting.policy({});
  assertEquals([starting.served, starting.manager.policy.isClosed], [["team-a/x"], false]);

  await using running = new PolicedManager();
  await running.webhook("team-a/x", { module: "log" });
  await running.policy("{");
  assertEquals([running.served, running.manager.policy.isClosed], [["team-a/x"], false]);
});

Deno.test("several namespaces without a policy are one warning", async () => {
  await using config = new PolicedManager();
  const warnings = () => [...config.manager.catalog.warnings()].map(({ code }) => code);
  await config.webhook("team-a/x", { module: "log" });
  assertEquals(warnings(), []);
  await config.webhook("team-b/x", { module: "log" });
  await config.webhook("team-c/x", { module: "log" });
  assertEquals(warnings(), ["policy_unset"]);
  await config.policy({});
  assertEquals(warnings(), []);
});

Deno.test("a forbidden webhook claims no channel, and gets it back where it was first", async () => {
  await using config = new PolicedManager();
  const connect = (channel_token: string) => ({
    module: "webhook_connect",
    "module-config": { channel: "team-b-inbox", channel_token },
  });
  const policy = { namespaces: { "*": { destinations: { channels: ["{namespace}-*"] } } } };
  await config.policy(policy);
  await config.webhook("team-a/thief", connect("a-token-of-a-thief"), 1);
  await config.webhook("team-b/inbox", connect("a-token-of-the-owner"), 2);
  assertEquals(config.served, ["team-b/inbox"]);
  await config.policy({});
  assertEquals(config.served, ["team-a/thief"]);
  assertEquals(config.codes("team-b/inbox"), ["module-config.channel_token: channel_taken"]);
  await config.policy(policy);
  assertEquals(config.served, ["team-b/inbox"]);
});

Deno.test("a thousand webhooks take nothing from those that were there, in whatever order they come", async () => {
  await using config = new PolicedManager();
  const open = { module: "log" };
  await config.policy({ namespaces: { "team-a": { limits: { webhooks: 3 } } } });
  await config.webhook("team-b/x", open, 1);
  // As a list brings them: by their names, and not by their age.
  for (let id = 0; id < 1000; id++) config.put(`team-a/flood${id}`, open, 100 + id);
  for (const [id, created] of [["z", 5], ["y", 3]] as const) config.put(`team-a/${id}`, open, created);
  await config.manager.settled();
  assertEquals(config.served, ["team-a/flood0", "team-a/y", "team-a/z", "team-b/x"]);
  assertEquals(config.codes("team-a/flood7"), [": policy_forbids"]);
  await config.deleteWebhook("team-a/z");
  assertEquals(config.served, ["team-a/flood0", "team-a/flood1", "team-a/y", "team-b/x"]);
  // What is changed keeps its place.
  await config.webhook("team-a/flood1", { ...open, methods: ["PUT"] }, 101);
  assertEquals(config.isServed("team-a/flood1"), true);
  await config.policy({ namespaces: { "team-a": { limits: { webhooks: 1 } } } });
  assertEquals(config.served, ["team-a/y", "team-b/x"]);
  await config.policy({});
  assertEquals(config.served.length, 1002);
  assertEquals(config.codes("team-a/flood7"), []);
});
