/** Tokens that other software has signed. */

import { assertEquals } from "@std/assert";
import jsonwebtoken from "jsonwebtoken";
import { TestGateway } from "../support/gateway.ts";
import { ecKey, edKey, inAnHour, longEnough, part, rsaKey, type TestKey } from "../support/jose/tokens.ts";
import { DEBIAN_PYTHON, runPython } from "../support/python.ts";
import { TempDir } from "../support/temp_dir.ts";

const SECRET = longEnough("shared with the issuer");
const RSA = rsaKey();

/** Every algorithm with a key for it: a shared secret, or a pair. */
const KEYS: Readonly<Record<string, string | TestKey>> = {
  HS256: SECRET,
  HS384: SECRET,
  HS512: SECRET,
  RS256: RSA,
  RS384: RSA,
  RS512: RSA,
  PS256: RSA,
  PS384: RSA,
  PS512: RSA,
  ES256: ecKey(),
  ES384: ecKey("P-384"),
  ES512: ecKey("P-521"),
  EdDSA: edKey(),
};

const ALGORITHMS = Object.keys(KEYS);

function claims(): Record<string, unknown> {
  return {
    iss: "https://issuer.test",
    aud: ["orders", "refunds"],
    sub: "Łódź",
    iat: inAnHour() - 3_700,
    exp: inAnHour(),
  };
}

function privatePem(algorithm: string): string {
  const key = KEYS[algorithm]!;
  return typeof key === "string" ? key : key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function publicPem(algorithm: string): string {
  const key = KEYS[algorithm]!;
  return typeof key === "string" ? key : key.pem;
}

/** Sends each token to the webhook of its algorithm, and to all others. */
async function assertEachPassesAlone(tokens: Readonly<Record<string, string>>): Promise<void> {
  const webhooks = Object.fromEntries(ALGORITHMS.map((algorithm) => {
    const jwt = {
      secret: publicPem(algorithm),
      algorithm,
      issuer: "https://issuer.test",
      audience: "orders",
    };
    return [algorithm, { module: "log", jwt }];
  }));
  await using gateway = await TestGateway.start({ webhooks });
  for (const [algorithm, token] of Object.entries(tokens)) {
    for (const webhook of ALGORITHMS) {
      const { status } = await gateway.post(`/webhook/${webhook}`, "{}", {
        authorization: `Bearer ${token}`,
      });
      assertEquals(status, webhook === algorithm ? 200 : 401, `a token with ${algorithm} at ${webhook}`);
    }
  }
}

Deno.test("tokens that jsonwebtoken signs pass where their algorithm is configured, and nowhere else", async () => {
  const signed = ALGORITHMS.filter((algorithm) => algorithm !== "EdDSA").map((algorithm) => {
    const options = { algorithm: algorithm as "HS256", keyid: "key-1" };
    return [algorithm, jsonwebtoken.sign(claims(), privatePem(algorithm), options)];
  });
  await assertEachPassesAlone(Object.fromEntries(signed));
});

Deno.test("tokens that PyJWT signs pass where their algorithm is configured, and nowhere else", async () => {
  const orders = ALGORITHMS.map((algorithm) => ({ algorithm, key: privatePem(algorithm), claims: claims() }));
  const tokens = JSON.parse(await runPython("jose/python_tokens.py", JSON.stringify(orders), DEBIAN_PYTHON));
  await assertEachPassesAlone(
    Object.fromEntries(ALGORITHMS.map((algorithm, index) => [algorithm, tokens[index]])),
  );
});

Deno.test("tokens that openssl signs pass where their algorithm is configured, and nowhere else", async () => {
  await using directory = await TempDir.create();
  const ways: Readonly<Record<string, (key: string, text: string) => readonly string[]>> = {
    HS256: (_key, text) => ["dgst", "-sha256", "-mac", "HMAC", "-macopt", `key:${SECRET}`, "-binary", text],
    RS256: (key, text) => ["dgst", "-sha256", "-sign", key, text],
    PS256: (key, text) => [
      ...[
        "dgst",
        "-sha256",
        "-sign",
        key,
        "-sigopt",
        "rsa_padding_mode:pss",
        "-sigopt",
        "rsa_pss_saltlen:32",
      ],
      text,
    ],
    EdDSA: (key, text) => ["pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", text],
  };
  const tokens: Record<string, string> = {};
  for (const [algorithm, way] of Object.entries(ways)) {
    const text = `${part({ alg: algorithm })}.${part(claims())}`;
    const files = [directory.file(`${algorithm}.pem`), directory.file(`${algorithm}.txt`)] as const;
    await Deno.writeTextFile(files[0], privatePem(algorithm));
    await Deno.writeTextFile(files[1], text);
    tokens[algorithm] = `${text}.${
      (await openssl(way(...files))).toBase64({ alphabet: "base64url", omitPadding: true })
    }`;
  }
  await assertEachPassesAlone(tokens);
});

async function openssl(args: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", { args: [...args] }).output();
  if (!success) throw new Error(`openssl failed: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}
