import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { compileAuthenticator, RefusalError } from "../../../../src/auth/authenticator.ts";
import { jwt } from "../../../../src/auth/verifiers/jwt.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { authenticate } from "../../../contracts/verifier.ts";
import { TestGateway } from "../../../support/gateway.ts";
import { ecKey, edKey, hmacToken, inAnHour, keyToken, part, rsaKey } from "../../../support/jose/tokens.ts";

const SECRET = "a-secret-that-is-long-enough-for-HS256";
const RSA = rsaKey();
const EC = ecKey();
const ED = edKey();
const OTHER_ED = edKey();

type Config = Readonly<Record<string, unknown>>;

/** What a webhook says to a value of the Authorization header: nothing, or the operator's reason and the error. */
async function answerTo(config: Config, authorization: string): Promise<[string, GatewayError] | undefined> {
  const authenticator = compileAuthenticator([jwt.compile(jwt.configSchema.parse(config))]);
  try {
    await authenticate(authenticator, [["authorization", authorization]], new Uint8Array());
    return undefined;
  } catch (error) {
    assert(error instanceof GatewayError && error.cause instanceof RefusalError);
    return [error.cause.message, error];
  }
}

async function assertPasses(config: Config, token: string): Promise<void> {
  assertEquals(await answerTo(config, `Bearer ${token}`), undefined);
}

async function assertRefused(config: Config, token: string, reason: string): Promise<void> {
  const [given, error] = await answerTo(config, `Bearer ${token}`) ?? ["it passed"];
  assertStringIncludes(given, reason);
  assertEquals(error?.headers?.["WWW-Authenticate"], 'Bearer realm="webhook", error="invalid_token"');
  assertEquals([error?.code, error?.message], ["unauthorized", "The request is not authenticated"]);
}

/** What is wrong with a configuration, by its keys. */
function problemsOf(config: Config): Record<string, string> {
  const { error } = jwt.configSchema.safeParse(config);
  return Object.fromEntries((error?.issues ?? []).map(({ path, message }) => [path.join("."), message]));
}

function claims(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { sub: "shop", exp: inAnHour(), ...more };
}

for (
  const [algorithm, key] of [
    ["RS256", RSA],
    ["RS384", RSA],
    ["RS512", RSA],
    ["PS256", RSA],
    ["PS384", RSA],
    ["PS512", RSA],
    ["ES256", EC],
    ["ES384", ecKey("P-384")],
    ["ES512", ecKey("P-521")],
    ["EdDSA", edKey()],
    ["Ed25519", edKey()],
  ] as const
) {
  Deno.test(`jwt lets a token in that is signed with the private key of ${algorithm}, and no other`, async () => {
    const config = { secret: key.pem, algorithm };
    const token = keyToken(key, algorithm, claims());
    for (const _ of ["checked", "remembered"]) await assertPasses(config, token);
    const changed = keyToken(key, algorithm, claims({ sub: "thief" })).split(".");
    const [head, , signature] = token.split(".");
    await assertRefused(config, `${head}.${changed[1]}.${signature}`, "signature does not match");
    await assertRefused(config, `${token.slice(0, -20)}AAAA`, "signature does not match");
    await assertRefused(config, `${head}.${changed[1]}.AA`, "signature does not match");
  });
}

Deno.test("jwt takes algorithms in any case, and public keys whose line ends are written as \\n", async () => {
  const config = { secret: `${RSA.pem.trim().replaceAll("\n", "\\n")}`, algorithm: "rs256" };
  await assertPasses(config, keyToken(RSA, "RS256", claims()));
  await assertPasses({ secret: `${ED.pem}\n`, algorithm: "eddsa" }, keyToken(ED, "EdDSA", claims()));
});

Deno.test("jwt takes several public keys at once", async () => {
  const config = { secret: [RSA.pem, rsaKey().pem], algorithm: "RS256" };
  await assertPasses(config, keyToken(RSA, "RS256", claims()));
});

for (
  const [what, keys, tokenWith] of [
    [
      "shared secrets",
      [SECRET, `${SECRET}!`],
      (position: number) => hmacToken(SECRET + "!".repeat(position), claims()),
    ],
    [
      "public keys",
      [ED.pem, OTHER_ED.pem],
      (position: number) => keyToken(position === 0 ? ED : OTHER_ED, "EdDSA", claims()),
    ],
  ] as const
) {
  Deno.test(`jwt counts which of several ${what} a token has, each time that it comes`, async () => {
    const algorithm = what === "public keys" ? "EdDSA" : "HS256";
    await using gateway = await TestGateway.start({
      webhooks: { a: { module: "log", jwt: { secret: keys, algorithm } } },
    });
    for (const position of [0, 1]) {
      const authorization = `Bearer ${tokenWith(position)}`;
      for (let sent = 0; sent < 3 + position; sent++) {
        assertEquals((await gateway.post("/webhook/a", "{}", { authorization })).status, 200);
      }
    }
    const { text } = await gateway.request("/metrics");
    const counts = [...text.matchAll(/^cwm_secret_matches_total\{.*secret="(.*)"\} (\d+)$/gm)];
    assertEquals(counts.map(([, secret, count]) => [secret, count]), [["jwt.secret.0", "3"], [
      "jwt.secret.1",
      "4",
    ]]);
  });
}

Deno.test("jwt refuses a token that says it is not signed, in any spelling", async () => {
  for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
    const signed = `${part({ alg })}.${part(claims())}`;
    await assertRefused({ secret: SECRET }, `${signed}.`, "three parts");
    await assertRefused({ secret: SECRET }, signed, "three parts");
    await assertRefused({ secret: SECRET }, `${signed}.AAAA`, "another algorithm");
    await assertRefused({ secret: SECRET }, hmacToken(SECRET, claims(), { alg }), "another algorithm");
  }
});

Deno.test("jwt refuses a token that is signed with the public key as a shared secret", async () => {
  const config = { secret: RSA.pem, algorithm: "RS256" };
  for (const secret of [RSA.pem, RSA.pem.trim(), `${RSA.pem}\n`]) {
    await assertRefused(config, hmacToken(secret, claims()), "another algorithm");
    await assertRefused(config, hmacToken(secret, claims(), { alg: "RS256" }), "signature does not match");
  }
});

Deno.test("jwt refuses a good signature of another algorithm with the very same key", async () => {
  await assertRefused(
    { secret: RSA.pem, algorithm: "RS256" },
    keyToken(RSA, "PS256", claims()),
    "another algorithm",
  );
  await assertRefused(
    { secret: RSA.pem, algorithm: "RS256" },
    keyToken(RSA, "RS512", claims()),
    "another algorithm",
  );
  await assertRefused({ secret: SECRET }, hmacToken(SECRET, claims(), { alg: "HS512" }), "another algorithm");
  await assertRefused({ secret: SECRET }, hmacToken(SECRET, claims(), { alg: "hs256" }), "another algorithm");
});

Deno.test("jwt takes no key out of a token, and none from where a token points to", async () => {
  const thief = ecKey();
  const jwk = thief.publicKey.export({ format: "jwk" });
  const config = { secret: EC.pem, algorithm: "ES256" };
  for (
    const header of [
      { jwk },
      { jku: "http://127.0.0.1:1/keys" },
      { x5u: "http://127.0.0.1:1/keys" },
      { x5c: ["MIIB"] },
      { kid: "../../../dev/null" },
      { kid: "' UNION SELECT 'key" },
      { kid: "file:///etc/hostname" },
    ]
  ) await assertRefused(config, keyToken(thief, "ES256", claims(), header), "signature does not match");
});

Deno.test("jwt ignores the name of the key where the keys have none", async () => {
  await assertPasses(
    { secret: SECRET },
    hmacToken(SECRET, claims(), { alg: "HS256", kid: "../../dev/null" }),
  );
});

Deno.test("jwt refuses headers that it does not understand or that are ambiguous", async () => {
  const refused: Record<string, string> = {
    '{"alg":"HS256","crit":["exp"],"exp":1}': "critical extensions",
    '{"alg":"HS256","crit":[]}': "critical extensions",
    '{"alg":"HS256","b64":false}': "'b64'",
    '{"alg":"HS256","alg":"none"}': "twice",
    '{"alg":"none","\\u0061lg":"HS256"}': "twice",
    '{"alg":["HS256"]}': "names no algorithm",
    '{"typ":"JWT"}': "names no algorithm",
    '{"alg":"HS256","kid":7}': "names no key",
    '{"alg":"HS256","kid":{"$ne":""}}': "names no key",
    '["HS256"]': "not a JSON object",
    '"HS256"': "not a JSON object",
    "null": "not a JSON object",
    "{": "not a JSON object",
  };
  for (const [header, reason] of Object.entries(refused)) {
    await assertRefused({ secret: SECRET }, hmacToken(SECRET, claims(), header), reason);
  }
});

Deno.test("jwt refuses claims that are not an object in UTF-8", async () => {
  for (const text of ["[]", "null", '"a"', "1", "", "{"]) {
    const reason = text === "" ? "three parts" : "claims are not a JSON object";
    await assertRefused({ secret: SECRET }, hmacToken(SECRET, text), reason);
  }
  const signed = `${part({ alg: "HS256" })}.${
    new Uint8Array([0x7b, 0xff, 0x7d]).toBase64({ alphabet: "base64url" })
  }`;
  await assertRefused({ secret: SECRET }, `${signed}.AAAA`, "claims are not a JSON object");
  await assertPasses({ secret: SECRET, issuer: "Łódź" }, hmacToken(SECRET, claims({ iss: "Łódź" })));
});

Deno.test("jwt refuses what base64url does not allow, and what is not the one way to write it", async () => {
  const token = hmacToken(SECRET, claims());
  for (
    const other of [
      `${token}=`,
      `${token}==`,
      ` ${token}`.trimEnd() + " x",
      token.replace(".", "=."),
      `${token}.`,
      `.${token}`,
    ]
  ) await assertRefused({ secret: SECRET }, other, "three parts");
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(token.at(-1)!);
  await assertRefused(
    { secret: SECRET },
    token.slice(0, -1) + alphabet[last ^ 1],
    "signature does not match",
  );
});

Deno.test("jwt refuses a token of more than 16 KiB", async () => {
  const long = hmacToken(SECRET, claims({ data: "x".repeat(16_000) }));
  await assertRefused({ secret: SECRET }, long, "longer than 16384 characters");
  await assertPasses({ secret: SECRET }, hmacToken(SECRET, claims({ data: "x".repeat(8_000) })));
});

Deno.test("jwt refuses a token without 'exp' or with one that has passed, unless verify_exp is false", async () => {
  const now = Math.floor(Date.now() / 1000);
  const refused: [unknown, string][] = [
    [undefined, "no 'exp'"],
    [now - 1, "expired"],
    [0, "expired"],
    [-1, "expired"],
    [null, "'exp' is not a time"],
    [String(inAnHour()), "'exp' is not a time"],
    [true, "'exp' is not a time"],
    [[inAnHour()], "'exp' is not a time"],
  ];
  for (const [exp, reason] of refused) {
    const token = hmacToken(SECRET, { sub: "shop", exp });
    await assertRefused({ secret: SECRET }, token, reason);
    await assertPasses({ secret: SECRET, verify_exp: "False" }, token);
  }
  await assertRefused({ secret: SECRET }, hmacToken(SECRET, '{"exp":1e999}'), "'exp' is not a time");
});

Deno.test("jwt refuses a token that is not valid yet, or was issued in the future", async () => {
  const soon = Math.floor(Date.now() / 1000) + 100;
  await assertRefused({ secret: SECRET }, hmacToken(SECRET, claims({ nbf: soon })), "not valid yet");
  await assertRefused({ secret: SECRET }, hmacToken(SECRET, claims({ iat: soon })), "issued in the future");
  await assertRefused({ secret: SECRET }, hmacToken(SECRET, claims({ nbf: "0" })), "'nbf' is not a time");
  await assertRefused({ secret: SECRET }, hmacToken(SECRET, claims({ iat: null })), "'iat' is not a time");
});

Deno.test("jwt allows clocks to differ by as many seconds as leeway says", async () => {
  const now = Math.floor(Date.now() / 1000);
  const config = { secret: SECRET, leeway: "200" };
  await assertPasses(config, hmacToken(SECRET, { exp: now - 100, nbf: now + 100, iat: now + 100 }));
  await assertRefused(config, hmacToken(SECRET, { exp: now - 300 }), "expired");
  await assertRefused(config, hmacToken(SECRET, claims({ nbf: now + 300 })), "not valid yet");
});

Deno.test("jwt asks for one of the configured issuers", async () => {
  for (const issuer of ["https://a.test", ["https://a.test", "https://b.test"]]) {
    const config = { secret: SECRET, issuer };
    await assertPasses(config, hmacToken(SECRET, claims({ iss: "https://a.test" })));
    await assertRefused(config, hmacToken(SECRET, claims()), "no 'iss'");
    for (const iss of ["https://a.test/", "https://A.test", ["https://a.test"], null, {}]) {
      await assertRefused(config, hmacToken(SECRET, claims({ iss })), "another issuer");
    }
  }
});

Deno.test("jwt asks for one of the configured audiences, and refuses any when none is configured", async () => {
  const config = { secret: SECRET, audience: ["orders", "refunds"] };
  for (const aud of ["orders", ["other", "refunds"]]) {
    await assertPasses(config, hmacToken(SECRET, claims({ aud })));
  }
  await assertRefused(config, hmacToken(SECRET, claims()), "no 'aud'");
  for (const aud of ["Orders", [], ["other"], [["orders"]], null, { orders: 1 }]) {
    await assertRefused(config, hmacToken(SECRET, claims({ aud })), "another audience");
  }
  await assertRefused(
    { secret: SECRET },
    hmacToken(SECRET, claims({ aud: "orders" })),
    "no 'audience' is configured",
  );
});

Deno.test("jwt without credentials answers with a challenge that says nothing of an error", async () => {
  for (const authorization of ["", "Basic c2hvcDpzaG9w", "Bearer", "Bearer\t", "Token abc", "Bearerabc"]) {
    const [, error] = await answerTo({ secret: SECRET }, authorization) ?? [];
    assertEquals(error?.headers?.["WWW-Authenticate"], 'Bearer realm="webhook"');
  }
});

Deno.test("jwt takes the scheme in any case, and more than one space behind it", async () => {
  const token = hmacToken(SECRET, claims());
  for (const authorization of [`bearer ${token}`, `BEARER   ${token}`]) {
    assertEquals(await answerTo({ secret: SECRET }, authorization), undefined);
  }
});

for (
  const [algorithm, config, token] of [
    ["HS256", { secret: SECRET }, hmacToken(SECRET, claims())],
    ["EdDSA", { secret: ED.pem, algorithm: "EdDSA" }, keyToken(ED, "EdDSA", claims())],
  ] as const
) {
  Deno.test(`jwt refuses a token with ${algorithm} of which any single bit is changed`, async () => {
    const authenticator = compileAuthenticator([jwt.compile(jwt.configSchema.parse(config))]);
    const send = (text: string) =>
      authenticate(authenticator, [["authorization", `Bearer ${text}`]], new Uint8Array());
    await send(token);
    for (let index = 0; index < token.length; index++) {
      for (let bit = 1; bit < 128; bit *= 2) {
        const changed = String.fromCharCode(token.charCodeAt(index) ^ bit);
        // What no header can hold never gets here.
        if (/[\0\r\n]/.test(changed)) continue;
        const text = token.slice(0, index) + changed + token.slice(index + 1);
        assertEquals((await assertRejects(() => send(text), GatewayError)).code, "unauthorized");
      }
    }
    await send(token);
  });
}

Deno.test("jwt does not take keys that the algorithm cannot be trusted with, and does not show them", () => {
  const weak = rsaKey(1024);
  const privatePem = EC.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const cases: [Config, string][] = [
    [{ secret: "too-short" }, "Shorter than the 32 bytes"],
    [{ secret: "x".repeat(47), algorithm: "HS384" }, "Shorter than the 48 bytes"],
    [{ secret: "x".repeat(63), algorithm: "HS512" }, "Shorter than the 64 bytes"],
    [{ secret: RSA.pem }, "This is a public key"],
    [{ secret: `ssh-rsa ${"A".repeat(100)}` }, "This is a public key"],
    [{ secret: JSON.stringify(RSA.publicKey.export({ format: "jwk" })) }, "This is a public key"],
    [{ secret: SECRET, algorithm: "RS256" }, "needs a public key in PEM"],
    [{ secret: privatePem, algorithm: "ES256" }, "This is a private key"],
    [{ secret: weak.pem, algorithm: "RS256" }, "2048 bits"],
    [{ secret: EC.pem, algorithm: "RS256" }, "another type of key"],
    [{ secret: EC.pem, algorithm: "ES384" }, "another curve"],
    [{ secret: RSA.pem, algorithm: "EdDSA" }, "another type of key"],
    [{ secret: RSA.pem.replace("MIIB", "????"), algorithm: "RS256" }, "Not a public key"],
    [{ secret: [SECRET, "too-short"] }, "Shorter than"],
  ];
  for (const [config, reason] of cases) {
    const problem = problemsOf(config)["secret"] ?? "it was taken";
    assertStringIncludes(problem, reason);
    for (const secret of [config["secret"]].flat() as string[]) assert(!problem.includes(secret.trim()));
  }
});

Deno.test("jwt takes 'none' and names of no algorithm for what they are", () => {
  for (const algorithm of ["none", "HS1", "RS128", "ES256K", "", "toString"]) {
    assertEquals(Object.keys(problemsOf({ secret: SECRET, algorithm })), ["algorithm"]);
  }
});

Deno.test("jwt takes a secret or the address of keys, and an address of the public internet by https", () => {
  const url = "https://login.example.com/keys";
  const cases: [Config, string, string][] = [
    [{}, "secret", "Expected 'secret' or 'jwks_url'"],
    [{ secret: SECRET, jwks_url: url }, "jwks_url", "either"],
    [{ jwks_url: url, algorithm: "HS256" }, "algorithm", "no shared secrets"],
    [{ jwks_url: "http://login.example.com/keys" }, "jwks_url", "https:"],
    [{ jwks_url: "http://127.0.0.1/keys" }, "jwks_url", "allowed_hosts"],
    [{ jwks_url: "https://169.254.169.254/keys" }, "jwks_url", "allowed_hosts"],
    [{ jwks_url: "https://[::ffff:10.0.0.1]/keys" }, "jwks_url", "allowed_hosts"],
    [{ jwks_url: "https://localhost/keys" }, "jwks_url", "allowed_hosts"],
    [{ jwks_url: "file:///etc/keys" }, "jwks_url", "http"],
    [{ jwks_url: "https://user:pa55word@example.com" }, "jwks_url", "User name and password"],
    [{ jwks_url: url, allowed_hosts: ["a b"] }, "allowed_hosts.0", "Not a host name"],
  ];
  for (const [config, key, reason] of cases) {
    const problems = problemsOf(config);
    assertEquals(Object.keys(problems), [key]);
    assertStringIncludes(problems[key]!, reason);
    assert(!problems[key]!.includes("pa55word"));
  }
  assertEquals(problemsOf({ jwks_url: url }), {});
  assertEquals(problemsOf({ jwks_url: "http://idp.internal/keys", allowed_hosts: ["idp.internal"] }), {});
});

Deno.test("jwt does not take an empty issuer or audience for none at all", () => {
  for (const key of ["issuer", "audience"]) {
    for (const value of ["", [], [""], null, 1]) {
      assert(
        Object.keys(problemsOf({ secret: SECRET, [key]: value }))[0]?.startsWith(key),
        `${key} ${value}`,
      );
    }
  }
});

Deno.test("jwt gives notice of tokens that never expire, and of those that the Python service took", () => {
  const noticesOf = (config: Config) => jwt.notices!(jwt.configSchema.parse(config)).map(({ path }) => path);
  assertEquals(noticesOf({ secret: SECRET, audience: "orders" }), []);
  assertEquals(noticesOf({ secret: SECRET, verify_exp: false }), ["verify_exp", "audience"]);
});
