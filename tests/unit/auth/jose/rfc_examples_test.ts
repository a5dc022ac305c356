/** The examples of the standards of JOSE, by their sections. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign } from "node:crypto";
import type { AlgorithmName } from "../../../../src/auth/jose/algorithms.ts";
import {
  publicJwkOf,
  publicKeyCheck,
  refuseKey,
  refuseSecret,
  secretCheck,
} from "../../../../src/auth/jose/keys.ts";
import { readToken } from "../../../../src/auth/jose/token.ts";

const A1_SECRET = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

const CLAIMS =
  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const A1_TOKEN =
  `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`;

/** Examples that are signed with a private key. */
const PUBLIC_KEY_EXAMPLES: readonly {
  readonly name: string;
  readonly algorithm: AlgorithmName;
  readonly key: JsonWebKey;
  readonly token: string;
}[] = [
  {
    name: "RFC 7515, appendix A.2",
    algorithm: "RS256",
    key: {
      kty: "RSA",
      n: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR" +
        "T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQ" +
        "OS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8" +
        "q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
      e: "AQAB",
    },
    token:
      `eyJhbGciOiJSUzI1NiJ9.${CLAIMS}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AA` +
      "uHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArL" +
      "IARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeY" +
      "I2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
  },
  {
    name: "RFC 7515, appendix A.3",
    algorithm: "ES256",
    key: {
      kty: "EC",
      crv: "P-256",
      x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    },
    token:
      `eyJhbGciOiJFUzI1NiJ9.${CLAIMS}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApm` +
      "WQxfKTUJqPP3-Kg6NU1Q",
  },
  {
    name: "RFC 7515, appendix A.4",
    algorithm: "ES512",
    key: {
      kty: "EC",
      crv: "P-521",
      x: "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
      y: "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    },
    token:
      "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqw" +
      "qT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOX" +
      "olLzeO_Jn",
  },
  {
    name: "RFC 8037, appendix A.4",
    algorithm: "EdDSA",
    key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
    token:
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIb" +
      "QR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
  },
];

/** The signed text and the signature of a token, whatever its payload. */
function partsOf(token: string): [signed: string, signature: string] {
  const end = token.lastIndexOf(".");
  return [token.slice(0, end), token.slice(end + 1)];
}

function reported(token: string): string {
  const read = readToken(token);
  assert(typeof read === "string", "it was read");
  return read;
}

Deno.test("RFC 7515, appendix A.1, and RFC 7519, section 3.1: HS256 with a key of 64 bytes", () => {
  const token = readToken(A1_TOKEN);
  assert(typeof token === "object");
  assertEquals(token.header, { alg: "HS256", kid: undefined });
  assertEquals(token.claims, { iss: "joe", exp: 1_300_819_380, "http://example.com/is_root": true });
  const check = secretCheck("HS256", new Uint8Array(Buffer.from(A1_SECRET, "base64url")));
  assert(check(token.signed, token.signature));
  assert(!check(token.signed, partsOf(PUBLIC_KEY_EXAMPLES[1]!.token)[1]));
});

for (const { name, algorithm, key, token } of PUBLIC_KEY_EXAMPLES) {
  Deno.test(`${name}: ${algorithm} with the public key, and no bit of the signature is free`, () => {
    const publicKey = publicJwkOf(key)!;
    assertEquals(refuseKey(algorithm, publicKey), undefined);
    const check = publicKeyCheck(algorithm, publicKey);
    const [signed, signature] = partsOf(token);
    assert(check(signed, signature));
    assert(!check(`${signed.slice(0, -1)}B`, signature));
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet.indexOf(signature.at(-1)!);
    for (let bit = 1; bit < 64; bit *= 2) {
      assert(
        !check(signed, signature.slice(0, -1) + alphabet[last ^ bit]),
        `bit ${bit} of the last character`,
      );
    }
  });
}

Deno.test("RFC 7515, appendix A.5, and RFC 7519, section 6.1: an unsecured token is not a token", () => {
  for (const header of ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJub25lIn0"]) {
    assertStringIncludes(reported(`${header}.${CLAIMS}.`), "three parts");
    assertStringIncludes(reported(`${header}.${CLAIMS}`), "three parts");
  }
});

Deno.test("RFC 7515, appendices A.6 and A.7: JSON serialisations are not tokens", () => {
  assertStringIncludes(reported(`{"payload":"${CLAIMS}","signatures":[]}`), "three parts");
  assertStringIncludes(
    reported(`{"payload":"${CLAIMS}","protected":"eyJhbGciOiJFUzI1NiJ9","signature":"DtEh"}`),
    "three",
  );
});

Deno.test("RFC 7515, appendix E: a token with an extension that must be understood is refused", () => {
  const header =
    "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0";
  assertStringIncludes(reported(`${header}.RkFJTA.`), "three parts");
  assertStringIncludes(reported(`${header}.RkFJTA.AAAA`), "critical extensions");
});

Deno.test("RFC 7516, appendix A.1: an encrypted token is not a signed one", () => {
  assertStringIncludes(
    reported(
      "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo.48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvT",
    ),
    "three parts",
  );
});

Deno.test("RFC 7517, appendix A.1: public keys of a set are read, each for algorithms of its type", () => {
  const ec = publicJwkOf({
    kty: "EC",
    crv: "P-256",
    x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
  })!;
  const rsa = publicJwkOf({
    kty: "RSA",
    n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV" +
      "4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d" +
      "0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-" +
      "csFCur-kEgU8awapJzKnqDKgw",
    e: "AQAB",
  })!;
  assertEquals(refuseKey("ES256", ec), undefined);
  assertEquals(refuseKey("RS256", rsa), undefined);
  assertEquals(refuseKey("PS512", rsa), undefined);
  assertStringIncludes(refuseKey("ES384", ec)!, "another curve");
  assertStringIncludes(refuseKey("RS256", ec)!, "another type");
  assertStringIncludes(refuseKey("EdDSA", rsa)!, "another type");
});

Deno.test("RFC 7517, appendix A.3: a shared secret in a set is not a public key", () => {
  assertEquals(publicJwkOf({ kty: "oct", k: A1_SECRET }), undefined);
});

Deno.test("RFC 7518, section 3.2: a shared secret has as many bytes as the hash at least", () => {
  for (const [name, least] of [["HS256", 32], ["HS384", 48], ["HS512", 64]] as const) {
    assertStringIncludes(refuseSecret(name, "x".repeat(least - 1)) ?? "", `${least} bytes`);
    assertEquals([refuseSecret(name, "x".repeat(least)), refuseSecret(name, "ü".repeat(least / 2))], [
      undefined,
      undefined,
    ]);
  }
});

Deno.test("RFC 7518, sections 3.3 and 3.5: a key of RSA has 2,048 bits at least", () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  for (const name of ["RS256", "PS512"] as const) {
    assertStringIncludes(refuseKey(name, publicKey) ?? "", "2048 bits");
  }
});

Deno.test("RFC 7518, section 3.4: each algorithm has one curve, and a signature is R and S, not DER", () => {
  const curves = { ES256: "P-256", ES384: "P-384", ES512: "P-521" } as const;
  const names = ["ES256", "ES384", "ES512"] as const;
  for (const name of names) {
    const hash = `sha${name.slice(2)}`;
    const namedCurve = curves[name];
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
    assertEquals(names.filter((each) => refuseKey(each, publicKey) === undefined), [name]);
    const check = publicKeyCheck(name, publicKey);
    const signature = (dsaEncoding: "der" | "ieee-p1363") =>
      sign(hash, Buffer.from("a.b"), { key: privateKey, dsaEncoding }).toString("base64url");
    assertEquals([check("a.b", signature("ieee-p1363")), check("a.b", signature("der"))], [true, false]);
  }
});
