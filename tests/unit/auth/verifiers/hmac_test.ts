import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { compileAuthenticator } from "../../../../src/auth/authenticator.ts";
import { hmac } from "../../../../src/auth/verifiers/hmac.ts";
import { authenticate } from "../../../contracts/verifier.ts";

function passes(
  config: unknown,
  headers: [string, string][],
  body: Uint8Array<ArrayBuffer> | string,
): Promise<boolean> {
  const authenticator = compileAuthenticator([hmac.compile(hmac.configSchema.parse(config))]);
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return authenticate(authenticator, headers, bytes).then(() => true, () => false);
}

Deno.test("hmac reads the body", () => {
  assert(compileAuthenticator([hmac.compile(hmac.configSchema.parse({ secret: "s" }))]).readsBody);
});

Deno.test("hmac verifies the example that GitHub publishes", async () => {
  const config = { secret: "It's a Secret to Everybody", header: "X-Hub-Signature-256" };
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  assert(await passes(config, [["X-Hub-Signature-256", signature]], "Hello, World!"));
  assert(!await passes(config, [["X-Hub-Signature-256", signature]], "Hello, World"));
});

Deno.test("hmac takes upper-case hexadecimal and unpadded base64, with and without the algorithm", async () => {
  for (const algorithm of ["sha256", "sha1", "sha512"] as const) {
    const digest = createHmac(algorithm, "secret").update("body").digest();
    const writings = [digest.toString("hex"), digest.toString("hex").toUpperCase()];
    writings.push(digest.toString("base64"), digest.toString("base64").replace(/=+$/, ""));
    for (const writing of writings) {
      for (const value of [writing, `${algorithm}=${writing}`]) {
        const taken = await passes({ secret: "secret", algorithm }, [["x-hmac-signature", value]], "body");
        assert(taken, `refused ${value}`);
      }
    }
  }
});

Deno.test("hmac refuses what resembles a signature but is none", async () => {
  const digest = createHmac("sha256", "secret").update("body").digest();
  const hex = digest.toString("hex");
  const base64 = digest.toString("base64");
  const refused = [
    `sha1=${hex}`,
    `SHA256=${hex}`,
    `sha256=sha256=${hex}`,
    `sha256= ${hex}`,
    `sha256=`,
    `0x${hex}`,
    `"${hex}"`,
    `${hex};`,
    `${hex} ${hex}`,
    createHmac("sha1", "secret").update("body").digest("hex"),
    createHmac("sha512", "secret").update("body").digest("hex"),
    Buffer.from(hex).toString("base64"),
    base64.replace(/=$/, "A"),
    `${base64}=`,
    `=${base64.slice(0, -1)}`,
  ];
  for (const value of refused) {
    assert(!await passes({ secret: "secret" }, [["x-hmac-signature", value]], "body"), `took ${value}`);
  }
});

Deno.test("hmac takes the standard base64 alphabet only, and only the canonical last character", async () => {
  for (let counter = 0; counter < 100; counter++) {
    const body = `body ${counter}`;
    const digest = createHmac("sha256", "secret").update(body).digest();
    const base64 = digest.toString("base64");
    const urlSafe = digest.toString("base64url");
    assert(await passes({ secret: "secret" }, [["x-hmac-signature", base64]], body));
    const isSame = urlSafe === base64.slice(0, -1);
    assertEquals(await passes({ secret: "secret" }, [["x-hmac-signature", urlSafe]], body), isSame);
    // The last character holds two bits that no byte uses: setting them must not give a second signature.
    const last = String.fromCharCode(base64.charCodeAt(42) + 1);
    const twin = `${base64.slice(0, 42)}${last}=`;
    if (!Buffer.from(twin, "base64").equals(digest)) continue;
    assert(!await passes({ secret: "secret" }, [["x-hmac-signature", twin]], body), `took ${twin}`);
  }
});

Deno.test("hmac takes one encoding only where the configuration names it", async () => {
  const digest = createHmac("sha256", "secret").update("body").digest();
  for (const encoding of ["hex", "base64"] as const) {
    for (const written of ["hex", "base64"] as const) {
      const headers: [string, string][] = [["x-hmac-signature", digest.toString(written)]];
      assertEquals(await passes({ secret: "secret", encoding }, headers, "body"), encoding === written);
    }
  }
});

Deno.test("hmac verifies bytes that are not text", async () => {
  const body = Uint8Array.from({ length: 256 }, (_, index) => index);
  const signature = createHmac("sha256", "secret").update(body).digest("hex");
  assert(await passes({ secret: "secret" }, [["x-hmac-signature", signature]], body));
});

Deno.test("hmac takes the name of an algorithm in any case, and the prefix in lower case", async () => {
  for (const algorithm of ["SHA256", "Sha512", "sha1"]) {
    const signature = createHmac(algorithm.toLowerCase(), "secret").update("body").digest("hex");
    const body = new TextEncoder().encode("body");
    const header = `${algorithm.toLowerCase()}=${signature}`;
    assert(await passes({ secret: "secret", algorithm }, [["x-hmac-signature", header]], body), algorithm);
    assert(!await passes({ secret: "other", algorithm }, [["x-hmac-signature", header]], body), algorithm);
  }
});

Deno.test("hmac does not take configuration that could not work", () => {
  const refused = [
    { secret: "s", algorithm: "md5" },
    { secret: "s", algorithm: "SHA-256" },
    { secret: "s", encoding: "base64url" },
    { secret: "s", header: "" },
    { secret: "s", header: "two words" },
    { secret: "s", header: "x-signature:" },
    { secret: 1 },
  ];
  for (const config of refused) {
    assert(!hmac.configSchema.safeParse(config).success, `took ${JSON.stringify(config)}`);
  }
});
