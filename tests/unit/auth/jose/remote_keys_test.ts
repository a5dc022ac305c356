import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { AlgorithmName } from "../../../../src/auth/jose/algorithms.ts";
import { RemoteKeys } from "../../../../src/auth/jose/remote_keys.ts";
import { readToken } from "../../../../src/auth/jose/token.ts";
import { AuthServers } from "../../../../src/auth/servers/auth_servers.ts";
import { ServerUnavailableError } from "../../../../src/auth/servers/unavailable.ts";
import { DestinationPolicy, parseAllowedHost } from "../../../../src/io/destination_policy.ts";
import { eventually } from "../../../support/eventually.ts";
import { HttpTarget } from "../../../support/http/target.ts";
import {
  ecKey,
  edKey,
  hmacToken,
  inAnHour,
  keyToken,
  rsaKey,
  type TestKey,
} from "../../../support/jose/tokens.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const OLD = ecKey();
const NEW = ecKey();
const RSA = rsaKey();

/** A key as a set shows it. */
function jwkOf(key: TestKey, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { ...key.publicKey.export({ format: "jwk" }), ...more };
}

function tokenOf(key: TestKey, kid: string | undefined, algorithm = "ES256"): string {
  return keyToken(key, algorithm, { exp: inAnHour() }, kid === undefined ? {} : { kid });
}

/** An issuer that publishes keys, and the keys as a gateway sees them on a clock that stands still. */
async function issuerWorld(algorithms?: readonly AlgorithmName[]) {
  await using resources = new AsyncDisposableStack();
  const target = resources.use(await HttpTarget.start());
  const servers = resources.use(new AuthServers({ timeoutMs: 500 }));
  const policy = new DestinationPolicy([parseAllowedHost("127.0.0.1")!]);
  const server = {
    protocol: "http:",
    hostname: "127.0.0.1",
    port: target.port,
    path: "/keys",
    policy,
  } as const;
  let now = 0;
  const keys = resources.use(new RemoteKeys({ server, algorithms }, servers, () => now));
  const kept = resources.move();
  return {
    target,
    keys,
    publish: (...jwks: readonly unknown[]) =>
      target.answer({ status: 200, body: JSON.stringify({ keys: jwks }) }),
    pass: (milliseconds: number) => void (now += milliseconds),
    async verify(token: string): Promise<string> {
      const read = readToken(token);
      assert(typeof read === "object");
      const { header, signed, signature } = read;
      return await keys.verify(header.alg, header.kid, signed, signature);
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

Deno.test("published keys are read once, however many requests wait for them", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD, { kid: "old" }), jwkOf(NEW, { kid: "new" }));
  const tokens = [tokenOf(OLD, "old"), tokenOf(NEW, "new"), tokenOf(OLD, undefined)];
  assertEquals(await Promise.all(tokens.map(issuer.verify)), ["good", "good", "good"]);
  assertEquals(await issuer.verify(tokenOf(NEW, "old")), "forged");
  assertEquals(issuer.target.requests.length, 1);
  assertEquals(issuer.target.requests[0]!.target, "/keys");
});

Deno.test("once keys are there, a signature is verified without a promise", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD, { kid: "old" }));
  await issuer.verify(tokenOf(OLD, "old"));
  const { header, signed, signature } = readToken(tokenOf(OLD, "old")) as Exclude<
    ReturnType<typeof readToken>,
    string
  >;
  assertEquals(issuer.keys.verify(header.alg, header.kid, signed, signature), "good");
});

Deno.test("a key that is new to the gateway is looked for, and its token passes", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD, { kid: "old" }));
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
  issuer.publish(jwkOf(OLD, { kid: "old" }), jwkOf(NEW, { kid: "new" }));
  issuer.pass(10 * SECOND);
  assertEquals(await issuer.verify(tokenOf(NEW, "new")), "good");
  assertEquals(issuer.target.requests.length, 2);
});

Deno.test("a token that names no key passes when its key was published a moment ago", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD));
  assertEquals(await issuer.verify(tokenOf(OLD, undefined)), "good");
  issuer.publish(jwkOf(NEW));
  issuer.pass(10 * SECOND);
  assertEquals(await issuer.verify(tokenOf(NEW, undefined)), "good");
  assertEquals(await issuer.verify(tokenOf(OLD, undefined)), "forged");
});

Deno.test("strangers who name keys that do not exist have the issuer asked every ten seconds at most", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD, { kid: "old" }));
  for (let index = 0; index < 1_000; index++) {
    assertEquals(
      await issuer.verify(tokenOf(NEW, `made up ${index}`).slice(0, -8) + "AAAAAAAA"),
      "unknown key",
    );
    issuer.pass(50);
  }
  // 50 seconds.
  assertEquals(issuer.target.requests.length, 5);
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
});

Deno.test("keys that were withdrawn are not good any more five minutes later", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD, { kid: "old" }));
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
  issuer.publish(jwkOf(NEW, { kid: "new" }));
  issuer.pass(5 * MINUTE + 1);
  const before = issuer.keys.current();
  await issuer.target.waitForRequests(2);
  await eventually(() => assert(issuer.keys.current() !== before));
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "unknown key");
  assertEquals(await issuer.verify(tokenOf(NEW, "new")), "good");
});

Deno.test("keys that have not changed are the same keys after they were read again", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD, { kid: "old" }));
  await issuer.verify(tokenOf(OLD, "old"));
  const before = issuer.keys.current();
  issuer.pass(10 * SECOND);
  assertEquals(await issuer.verify(tokenOf(NEW, "new")), "unknown key");
  assertEquals(issuer.target.requests.length, 2);
  assert(issuer.keys.current() === before);
});

Deno.test("while the issuer is down its keys are good for an hour, and then nobody can tell", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD, { kid: "old" }));
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
  issuer.target.answer({ status: 500 });
  issuer.pass(60 * MINUTE);
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
  await issuer.target.waitForRequests(2);
  issuer.pass(1);
  assertEquals(issuer.keys.current(), undefined);
  const error = await assertRejects(() => issuer.verify(tokenOf(OLD, "old")), ServerUnavailableError);
  assertStringIncludes(error.message, "answered 500 instead of its keys");
  issuer.publish(jwkOf(OLD, { kid: "old" }));
  issuer.pass(1 * SECOND);
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
});

Deno.test("while the issuer is down nobody can tell whether it has a key of an unknown name", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(jwkOf(OLD, { kid: "old" }));
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
  issuer.target.answer({ status: 500 });
  issuer.pass(10 * SECOND);
  for (let index = 0; index < 100; index++) {
    await assertRejects(() => issuer.verify(tokenOf(NEW, "new")), ServerUnavailableError);
  }
  assertEquals(issuer.target.requests.length, 2);
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
  assertEquals(await issuer.verify(tokenOf(NEW, "old")), "forged");
});

Deno.test("an issuer that never answered is asked once a second, and requests do not wait in between", async () => {
  await using issuer = await issuerWorld();
  issuer.target.answer({ status: 404 });
  for (let index = 0; index < 20; index++) {
    await assertRejects(() => issuer.verify(tokenOf(OLD, "old")), ServerUnavailableError);
    issuer.pass(100);
  }
  assertEquals(issuer.target.requests.length, 2);
});

Deno.test("more than 256 requests do not wait for an issuer that hangs", async () => {
  await using issuer = await issuerWorld();
  issuer.target.answer("hang");
  const token = tokenOf(OLD, "old");
  const reasons = await Promise.all(Array.from({ length: 300 }, async () => {
    return (await assertRejects(() => issuer.verify(token), ServerUnavailableError)).message;
  }));
  assertEquals(reasons.filter((reason) => reason.startsWith("Too many requests wait")).length, 44);
  assertEquals(reasons.filter((reason) => reason.endsWith("did not answer in time")).length, 256);
  assertEquals(issuer.target.requests.length, 1);
});

for (
  const [what, body] of Object.entries({
    "no JSON": "<html>",
    "no set": "[]",
    "null": "null",
    "an empty set": '{"keys":[]}',
    "secret keys": JSON.stringify({ keys: [{ kty: "oct", k: "c2VjcmV0", kid: "old", alg: "HS256" }] }),
    "keys for encryption": JSON.stringify({
      keys: [jwkOf(OLD, { use: "enc" }), jwkOf(OLD, { key_ops: ["sign"] })],
    }),
    "keys that are too weak": JSON.stringify({ keys: [jwkOf(rsaKey(1024))] }),
    "keys that are broken": '{"keys":[null,1,"a",{},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}',
  })
) {
  Deno.test(`an issuer that publishes ${what} publishes no keys`, async () => {
    await using issuer = await issuerWorld();
    issuer.target.answer({ status: 200, body });
    const error = await assertRejects(() => issuer.verify(tokenOf(OLD, "old")), ServerUnavailableError);
    assertStringIncludes(error.message, "no key that can be used");
  });
}

Deno.test("a published key is good for its own algorithm only", async () => {
  await using issuer = await issuerWorld();
  issuer.publish(
    jwkOf(RSA, { kid: "said", alg: "PS256" }),
    jwkOf(RSA, { kid: "unsaid" }),
    jwkOf(edKey(), { kid: "ed" }),
  );
  assertEquals(await issuer.verify(tokenOf(RSA, "said", "PS256")), "good");
  assertEquals(await issuer.verify(tokenOf(RSA, "said", "RS256")), "other algorithm");
  assertEquals(await issuer.verify(tokenOf(RSA, "unsaid", "RS256")), "good");
  assertEquals(await issuer.verify(tokenOf(RSA, "unsaid", "PS256")), "other algorithm");
  assertEquals(await issuer.verify(tokenOf(OLD, "ed", "ES256")), "other algorithm");
  for (const alg of ["HS256", "none"]) {
    const forged = hmacToken(RSA.pem, { exp: inAnHour() }, { alg, kid: "unsaid" });
    assertEquals(await issuer.verify(forged), "other algorithm");
  }
});

Deno.test("with a configured algorithm keys of another are not used", async () => {
  await using issuer = await issuerWorld(["PS256"]);
  issuer.publish(jwkOf(RSA, { kid: "a" }), jwkOf(RSA, { kid: "b", alg: "RS256" }), jwkOf(OLD, { kid: "c" }));
  assertEquals(await issuer.verify(tokenOf(RSA, "a", "PS256")), "good");
  assertEquals(await issuer.verify(tokenOf(RSA, "a", "RS256")), "other algorithm");
  assertEquals(await issuer.verify(tokenOf(RSA, "b", "RS256")), "unknown key");
  assertEquals(await issuer.verify(tokenOf(OLD, "c")), "unknown key");
});

Deno.test("members of a private key that was published by mistake are not looked at", async () => {
  await using issuer = await issuerWorld();
  issuer.publish({ ...OLD.privateKey.export({ format: "jwk" }), kid: "old" });
  assertEquals(await issuer.verify(tokenOf(OLD, "old")), "good");
});
