import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Introspection } from "../../../../src/auth/oauth2/introspection.ts";
import { AuthServers } from "../../../../src/auth/servers/auth_servers.ts";
import { ServerUnavailableError } from "../../../../src/auth/servers/unavailable.ts";
import { DestinationPolicy, parseAllowedHost } from "../../../../src/io/destination_policy.ts";
import { eventually } from "../../../support/eventually.ts";
import { TestIssuer } from "../../../support/jose/issuer.ts";

const SECOND = 1_000;

/** An issuer, and what a gateway knows of its tokens on a clock that stands still. */
async function introspectionWorld({ ttl = 30, timeoutMs = 5_000 } = {}) {
  await using resources = new AsyncDisposableStack();
  const issuer = resources.use(await TestIssuer.start());
  const servers = resources.use(new AuthServers({ timeoutMs }));
  const endpoint = {
    protocol: "http:",
    hostname: "127.0.0.1",
    port: Number(new URL(issuer.url).port),
    path: "/ask",
    policy: new DestinationPolicy([parseAllowedHost("127.0.0.1")!]),
  } as const;
  let now = 1_000_000 * SECOND;
  const tokens = resources.use(new Introspection({ endpoint, client: undefined, ttl }, servers, () => now));
  const kept = resources.move();
  return {
    issuer,
    now: () => now / SECOND,
    pass: (seconds: number) => void (now += seconds * SECOND),
    isActive: async (token: string) => await tokens.claimsOf(token, () => "192.0.2.1") !== undefined,
    /** What is known without asking; `undefined` when it is asked. */
    known: (token: string) => {
      const claims = tokens.claimsOf(token, () => "192.0.2.1");
      if (claims instanceof Promise) return claims.then(() => "was asked", () => "was asked");
      return claims === undefined ? "inactive" : "active";
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

Deno.test("an answer is good for its time, and is asked for again after it", async () => {
  await using world = await introspectionWorld();
  world.issuer.grant("token");
  assert(await world.isActive("token"));
  world.pass(19.9);
  assertEquals(world.known("token"), "active");
  world.issuer.revoke("token");
  world.pass(10.1);
  assert(!await world.isActive("token"));
  assertEquals(world.issuer.requests.length, 2);
});

Deno.test("a token in use is asked about again in the background, before its answer ends", async () => {
  await using world = await introspectionWorld();
  world.issuer.grant("token");
  await world.isActive("token");
  world.pass(21);
  assertEquals([world.known("token"), world.known("token")], ["active", "active"]);
  await world.issuer.waitForRequests(2);
  world.pass(20);
  // The answer of the first request has ended by now.
  await eventually(() => assertEquals(world.known("token"), "active"));
  assertEquals(world.issuer.requests.length, 2);
});

Deno.test("a token that was revoked is found out about in the background too", async () => {
  await using world = await introspectionWorld();
  world.issuer.grant("token");
  await world.isActive("token");
  world.issuer.revoke("token");
  world.pass(21);
  assertEquals(world.known("token"), "active");
  await eventually(() => assertEquals(world.known("token"), "inactive"));
});

Deno.test("an answer is never good for longer than the token", async () => {
  await using world = await introspectionWorld();
  world.issuer.grant("token", { exp: world.now() + 5 });
  assert(await world.isActive("token"));
  world.pass(3);
  assertEquals(world.known("token"), "active");
  world.issuer.revoke("token");
  world.pass(2);
  assertEquals(await world.known("token"), "was asked");
});

Deno.test("that a token is not good is remembered for ten seconds", async () => {
  await using world = await introspectionWorld();
  assert(!await world.isActive("token"));
  world.issuer.grant("token");
  world.pass(9.9);
  assertEquals(world.known("token"), "inactive");
  world.pass(0.1);
  assert(await world.isActive("token"));
});

Deno.test("what is not good is remembered apart from what is, a token at a time", async () => {
  await using world = await introspectionWorld({ ttl: 300 });
  world.issuer.grant("good");
  assert(await world.isActive("good"));
  await Promise.all(Array.from({ length: 200 }, (_, index) => world.isActive(`made up ${index}`)));
  assertEquals(world.known("good"), "active");
  assertEquals(world.known("made up 199"), "inactive");
  assertEquals(world.issuer.requests.length, 201);
});

Deno.test("while the issuer hangs, known tokens pass, and of unknown ones no more than 256 wait", async () => {
  await using world = await introspectionWorld({ timeoutMs: 500 });
  world.issuer.grant("good");
  assert(await world.isActive("good"));
  world.issuer.fail("hang");
  const reasons = await Promise.all(Array.from({ length: 400 }, async (_, index) => {
    const { message } = await assertRejects(() => world.isActive(`made up ${index}`), ServerUnavailableError);
    assertEquals(world.known("good"), "active");
    return message;
  }));
  assertEquals(reasons.filter((reason) => reason.endsWith("has too many calls waiting")).length, 80);
  assertEquals(reasons.filter((reason) => reason.endsWith("did not answer in time")).length, 320);
});

Deno.test("unknown tokens, however many wait, do not hold up the renewal of a known one", async () => {
  await using world = await introspectionWorld();
  world.issuer.grant("good");
  assert(await world.isActive("good"));
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  world.issuer.fail({ status: 200, body: '{"active":true}', after: held });
  const unknown = Array.from({ length: 100 }, (_, index) => world.isActive(`made up ${index}`));
  await world.issuer.waitForRequests(65);
  world.issuer.recover();
  world.pass(21);
  assertEquals(world.known("good"), "active");
  await world.issuer.waitForRequests(66);
  assertStringIncludes(world.issuer.requests[65]!.text, "token=good");
  letGo();
  await Promise.all(unknown);
});

Deno.test("an issuer that fails while a token is renewed changes nothing before the answer ends", async () => {
  await using world = await introspectionWorld();
  world.issuer.grant("good");
  assert(await world.isActive("good"));
  world.issuer.fail({ status: 500 });
  world.pass(25);
  assertEquals(world.known("good"), "active");
  await world.issuer.waitForRequests(2);
  await eventually(() => assertEquals(world.known("good"), "active"));
  world.pass(5);
  await assertRejects(() => world.isActive("good"), ServerUnavailableError);
});
