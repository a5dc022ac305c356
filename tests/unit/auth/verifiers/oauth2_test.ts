import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { oauth2 } from "../../../../src/auth/verifiers/oauth2.ts";
import { type Answer, errorCode, TestGateway } from "../../../support/gateway.ts";
import { TestIssuer } from "../../../support/jose/issuer.ts";
import { hmacToken, inAnHour, keyToken, longEnough, rsaKey } from "../../../support/jose/tokens.ts";

const SECRET = longEnough("the-secret-of-the-issuer");

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

type Config = Readonly<Record<string, unknown>>;

/** A gateway whose webhook `a` asks an issuer, and what senders send to it. */
async function askingWorld(config: Config = {}, more: readonly string[] = []) {
  await using resources = new AsyncDisposableStack();
  const issuer = resources.use(await TestIssuer.start());
  const oauth2 = { introspection_endpoint: `${issuer.url}/ask`, allowed_hosts: ["127.0.0.1"], ...config };
  const webhooks = Object.fromEntries(["a", ...more].map((id) => [id, { module: "log", oauth2 }]));
  const gateway = resources.use(await TestGateway.start({ webhooks, environment: { ADMIN_TOKEN } }));
  const kept = resources.move();
  return {
    issuer,
    gateway,
    send: (token: string, webhook = "a") =>
      gateway.post(`/webhook/${webhook}`, "{}", { authorization: `Bearer ${token}` }),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

function assertRefused(answer: Answer, status: 401 | 403, challenge: string): void {
  assertEquals([answer.status, answer.headers.get("www-authenticate")], [status, challenge]);
  assertEquals(errorCode(answer), status === 401 ? "unauthorized" : "forbidden");
}

const INVALID = 'Bearer realm="webhook", error="invalid_token"';

function problemsOf(config: Config): Record<string, string> {
  const { error } = oauth2.configSchema.safeParse(config);
  return Object.fromEntries((error?.issues ?? []).map(({ path, message }) => [path.join("."), message]));
}

function noticesOf(config: Config): readonly string[] {
  return oauth2.notices!(oauth2.configSchema.parse(config)).map(({ path }) => path);
}

Deno.test("oauth2 asks the issuer as RFC 7662 says, and lets an active token in", async () => {
  await using world = await askingWorld({ client_id: "gate:way", client_secret: "pass word+" });
  world.issuer.grant("good-token");
  assertEquals((await world.send("good-token")).status, 200);
  const [request] = world.issuer.requests;
  assertEquals([request!.method, request!.target], ["POST", "/ask"]);
  assertEquals(request!.headers.get("content-type"), "application/x-www-form-urlencoded");
  assertEquals(request!.headers.get("accept"), "application/json");
  assertEquals(request!.text, "token=good-token&token_type_hint=access_token");
  const credentials = request!.headers.get("authorization")!.replace("Basic ", "");
  assertEquals(Buffer.from(credentials, "base64").toString(), "gate%3Away:pass+word%2B");
});

Deno.test("oauth2 refuses a token that is not active with invalid_token", async () => {
  await using world = await askingWorld();
  assertRefused(await world.send("other-token"), 401, INVALID);
});

Deno.test("oauth2 remembers answers, of all webhooks that ask as the same client together", async () => {
  await using world = await askingWorld({}, ["b"]);
  world.issuer.grant("good-token");
  for (const webhook of ["a", "b", "a"]) assertEquals((await world.send("good-token", webhook)).status, 200);
  for (const webhook of ["a", "b", "a"]) assertRefused(await world.send("bad-token", webhook), 401, INVALID);
  assertEquals(world.issuer.requests.length, 2);
});

Deno.test("oauth2 asks once about a token, however many requests wait for the answer", async () => {
  await using world = await askingWorld();
  world.issuer.grant("good-token");
  const answers = await Promise.all(Array.from({ length: 20 }, () => world.send("good-token")));
  assertEquals(answers.map(({ status }) => status), Array(20).fill(200));
  assertEquals(world.issuer.requests.length, 1);
});

Deno.test("oauth2 asks about every request with a cache_ttl of 0", async () => {
  await using world = await askingWorld({ cache_ttl: "0" });
  world.issuer.grant("good-token");
  assertEquals((await world.send("good-token")).status, 200);
  world.issuer.revoke("good-token");
  assertRefused(await world.send("good-token"), 401, INVALID);
});

Deno.test("oauth2 asks nobody about what has not the form of a token", async () => {
  await using world = await askingWorld();
  for (const token of ["a b", "a,b", "tok\u00e9n", "a=b", '"a"', "x".repeat(16_385)]) {
    assertRefused(await world.send(token), 401, INVALID);
  }
  const missing = await world.gateway.post("/webhook/a", "{}");
  assertRefused(missing, 401, 'Bearer realm="webhook"');
  assertEquals(world.issuer.requests.length, 0);
});

Deno.test("oauth2 asks nobody about a request that another method refuses by its head", async () => {
  await using issuer = await TestIssuer.start();
  issuer.grant("good-token");
  const oauth2 = { introspection_endpoint: issuer.url, allowed_hosts: ["127.0.0.1"] };
  const webhook = { module: "log", oauth2, hmac: { secret: "a-secret" }, header_auth: { api_key: "a-key" } };
  await using gateway = await TestGateway.start({ webhooks: { a: webhook } });
  const headers = { authorization: "Bearer good-token" };
  assertEquals((await gateway.post("/webhook/a", "{}", headers)).status, 401);
  assertEquals((await gateway.post("/webhook/a", "{}", { ...headers, "x-api-key": "a-key" })).status, 401);
  assertEquals(issuer.requests.length, 0);
  const signed = { ...headers, "x-api-key": "a-key", "x-hmac-signature": "0".repeat(64) };
  assertEquals((await gateway.post("/webhook/a", "{}", signed)).status, 401);
  assertEquals(issuer.requests.length, 1);
});

Deno.test("oauth2 asks for all required scopes, and answers 403 without one of them", async () => {
  await using world = await askingWorld({ required_scope: ["crates:write", "crates:read"] });
  const claims: readonly [string, object, 200 | 403][] = [
    ["1", { scope: "crates:read other crates:write" }, 200],
    ["2", { scope: ["crates:read", "crates:write"] }, 200],
    ["3", { scp: ["crates:read", "crates:write"] }, 200],
    ["4", { scope: "crates:read", scp: "crates:write" }, 200],
    ["5", { scope: "crates:write" }, 403],
    ["6", { scope: "crates:writer crates:read" }, 403],
    ["7", {}, 403],
    ["8", { scope: null, scp: 7 }, 403],
    ["9", { scope: "crates:write,crates:read" }, 403],
    ["10", { scope: "CRATES:WRITE CRATES:READ" }, 403],
  ];
  for (const [token, given, status] of claims) {
    world.issuer.grant(token, given);
    const answer = await world.send(token);
    if (status === 200) assertEquals(answer.status, 200, token);
    else {
      const scope = 'scope="crates:write crates:read"';
      assertRefused(answer, 403, `Bearer realm="webhook", error="insufficient_scope", ${scope}`);
    }
  }
});

Deno.test("oauth2 checks what an answer says of time, issuer and audience", async () => {
  await using world = await askingWorld({ issuer: "https://login.test", audience: ["orders"] });
  const good = { iss: "https://login.test", aud: "orders" };
  const now = Math.floor(Date.now() / 1000);
  const cases: readonly [string, object, boolean][] = [
    ["1", good, true],
    ["2", { ...good, exp: inAnHour(), nbf: now - 10 }, true],
    ["3", { ...good, exp: now - 10 }, false],
    ["4", { ...good, exp: String(inAnHour()) }, false],
    ["5", { ...good, nbf: inAnHour() }, false],
    ["6", { aud: "orders" }, false],
    ["7", { ...good, iss: "https://other.test" }, false],
    ["8", { iss: "https://login.test" }, false],
    ["9", { ...good, aud: ["other"] }, false],
    ["10", { ...good, aud: ["other", "orders"] }, true],
  ];
  for (const [token, claims, passes] of cases) {
    world.issuer.grant(token, claims);
    const answer = await world.send(token);
    if (passes) assertEquals(answer.status, 200, token);
    else assertRefused(answer, 401, INVALID);
  }
});

Deno.test("oauth2 without an audience takes an answer that names one: the issuer has judged it", async () => {
  await using world = await askingWorld();
  world.issuer.grant("good-token", { aud: "somebody" });
  assertEquals((await world.send("good-token")).status, 200);
});

for (
  const [what, answer, reason] of [
    ["that breaks off", "drop", "cannot be asked"],
    ["that answers 500", { status: 500, body: "secret-detail" }, "answered 500"],
    ["that answers 404", { status: 404 }, "answered 404"],
    ["that sends elsewhere", { status: 307, headers: { location: "http://127.0.0.1:1/" } }, "answered 307"],
    ["that does not know the client", { status: 401 }, "see 'client_id' and 'client_secret'"],
    ["that answers no JSON", { status: 200, body: "<html>" }, "whether the token is active"],
    ["that answers null", { status: 200, body: "null" }, "whether the token is active"],
    ["that says nothing of active", { status: 200, body: "{}" }, "whether the token is active"],
    ["that says active in a text", { status: 200, body: '{"active":"true"}' }, "whether the token is active"],
    ["that answers without end", { status: 200, body: " ".repeat(300_000) }, "longer than 262144 bytes"],
  ] as const
) {
  Deno.test(`oauth2 answers 503 for an issuer ${what}, and the reason is the operator's`, async () => {
    await using world = await askingWorld();
    world.issuer.fail(answer);
    const { status, headers, text } = await world.send("secret-token");
    assertEquals([status, headers.get("retry-after"), headers.get("www-authenticate")], [503, "5", null]);
    assertEquals(errorCode({ text }), "authentication_unavailable");
    assert(!text.includes("127.0.0.1") && !text.includes("secret"), text);
    const refusals = await refusalsOf(world.gateway);
    assertStringIncludes(refusals, reason);
    assert(!refusals.includes("secret-token") && !refusals.includes("secret-detail"), refusals);
    world.issuer.recover();
    world.issuer.grant("secret-token");
    assertEquals((await world.send("secret-token")).status, 200);
  });
}

Deno.test("oauth2 asks no address that is not permitted, and no name that resolves to one", async () => {
  const config = { introspection_endpoint: "https://localhost.localdomain:1/ask" };
  await using gateway = await TestGateway.start({ webhooks: { a: { module: "log", oauth2: config } } });
  const answer = await gateway.post("/webhook/a", "{}", { authorization: "Bearer token" });
  assertEquals([answer.status, errorCode(answer)], [503, "authentication_unavailable"]);
});

Deno.test("oauth2 verifies signed tokens with a secret, as jwt does, and their scopes", async () => {
  const config = {
    jwt_secret: SECRET,
    jwt_algorithms: ["HS256"],
    issuer: "https://login.test",
    audience: "orders",
    required_scope: "orders:write orders:write",
  };
  await using gateway = await TestGateway.start({ webhooks: { a: { module: "log", oauth2: config } } });
  const send = (token: string) => gateway.post("/webhook/a", "{}", { authorization: `Bearer ${token}` });
  const claims = { iss: "https://login.test", aud: "orders", exp: inAnHour(), scope: "orders:write" };
  assertEquals((await send(hmacToken(SECRET, claims))).status, 200);
  assertRefused(await send(hmacToken(SECRET, { ...claims, aud: "refunds" })), 401, INVALID);
  assertRefused(await send(hmacToken(SECRET, { ...claims, exp: undefined })), 401, INVALID);
  assertRefused(await send(hmacToken(`${SECRET}!`, claims)), 401, INVALID);
  const withoutScope = await send(hmacToken(SECRET, { ...claims, scope: "orders:read" }));
  assertEquals([withoutScope.status, errorCode(withoutScope)], [403, "forbidden"]);
});

Deno.test("oauth2 never takes a public key for a shared secret, whatever algorithms are listed", async () => {
  const key = rsaKey();
  const config = { jwt_secret: key.pem, jwt_algorithms: ["HS256", "RS256", "PS256"] };
  await using gateway = await TestGateway.start({ webhooks: { a: { module: "log", oauth2: config } } });
  const send = (token: string) => gateway.post("/webhook/a", "{}", { authorization: `Bearer ${token}` });
  const claims = { exp: inAnHour() };
  assertEquals((await send(keyToken(key, "RS256", claims))).status, 200);
  assertEquals((await send(keyToken(key, "PS256", claims))).status, 200);
  for (const secret of [key.pem, key.pem.trim()]) {
    assertRefused(await send(hmacToken(secret, claims)), 401, INVALID);
  }
});

Deno.test("oauth2 verifies signed tokens with keys that the issuer publishes", async () => {
  await using issuer = await TestIssuer.start();
  const key = rsaKey();
  issuer.publish(key);
  const config = { jwks_url: issuer.url, allowed_hosts: ["127.0.0.1"], required_scope: ["a"] };
  await using gateway = await TestGateway.start({ webhooks: { a: { module: "log", oauth2: config } } });
  const send = (scope: string) => {
    const token = keyToken(key, "RS256", { exp: inAnHour(), scope }, { kid: "0", typ: "at+jwt" });
    return gateway.post("/webhook/a", "{}", { authorization: `Bearer ${token}` });
  };
  for (const _ of ["checked", "remembered"]) {
    assertEquals((await send("a b")).status, 200);
    assertEquals((await send("b")).status, 403);
  }
});

Deno.test("oauth2 does not take what would let anybody in, and says what is missing", () => {
  const endpoint = "https://login.example.com/introspect";
  const cases: [Config, string, string][] = [
    [{}, "introspection_endpoint", "Expected"],
    [{ validate_token: false }, "validate_token", "any token would be let in"],
    [{ introspection_endpoint: endpoint, validate_token: "False" }, "validate_token", "any token"],
    [{ introspection_endpoint: "http://login.example.com/" }, "introspection_endpoint", "https:"],
    [{ introspection_endpoint: "https://10.0.0.1/" }, "introspection_endpoint", "allowed_hosts"],
    [{ introspection_endpoint: endpoint, client_id: "a" }, "client_secret", "Expected with 'client_id'"],
    [{ introspection_endpoint: endpoint, client_secret: "a" }, "client_id", "Expected with"],
    [{ introspection_endpoint: endpoint, jwks_url: endpoint }, "jwks_url", "either"],
    [{ jwt_secret: SECRET, jwks_url: endpoint }, "jwks_url", "either"],
    [{ jwt_secret: "too-short" }, "jwt_secret", "Shorter than the 32 bytes"],
    [{ jwt_secret: SECRET, jwt_algorithms: ["RS256"] }, "jwt_secret", "public key in PEM"],
    [{ jwt_secret: rsaKey().pem, jwt_algorithms: ["HS256"] }, "jwt_secret", "This is a public key"],
    [{ jwt_secret: SECRET, jwt_algorithms: ["none"] }, "jwt_algorithms.0", "Invalid"],
    [{ jwks_url: endpoint, jwt_algorithms: ["HS256"] }, "jwt_algorithms", "no shared secrets"],
    [{ introspection_endpoint: endpoint, required_scope: ['a"b'] }, "required_scope.0", "Not a scope"],
    [{ introspection_endpoint: endpoint, token_type: "Bear er" }, "token_type", "Not a scheme"],
    [{ introspection_endpoint: endpoint, cache_ttl: 301 }, "cache_ttl", "Too big"],
  ];
  for (const [config, key, reason] of cases) {
    const problems = problemsOf(config);
    assertEquals(Object.keys(problems), [key], JSON.stringify(config));
    assertStringIncludes(problems[key]!, reason);
  }
});

Deno.test("oauth2 asks the issuer where a configuration of the Python service names a secret too", () => {
  const config = { introspection_endpoint: "https://login.example.com/introspect", jwt_secret: "short" };
  assertEquals(problemsOf(config), {});
  assertEquals(noticesOf(config), ["jwt_secret"]);
  assertEquals(noticesOf({ jwt_secret: SECRET }), ["audience"]);
});

/** What the operator reads of the last refusals of webhook `a`. */
async function refusalsOf(gateway: TestGateway): Promise<string> {
  const { text } = await gateway.request("/admin/webhooks/default/a", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return text;
}
