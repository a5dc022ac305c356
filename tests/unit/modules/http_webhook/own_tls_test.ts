import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import { httpWebhookConfigSchema } from "../../../../src/modules/http_webhook/config.ts";
import { OwnTls } from "../../../../src/modules/http_webhook/login/own_tls.ts";
import { TEST_CA, TEST_CERTIFICATE } from "../../../support/http/test_certificate.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { generateKeyPairSync } from "node:crypto";

const NEVER = new AbortController().signal;
const OTHER_KEY = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/** The problems of `module-config`. */
function problemsOf(config: Readonly<Record<string, unknown>>): readonly string[] {
  const { error } = httpWebhookConfigSchema.safeParse({ url: "https://orders.example", ...config });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

Deno.test("a certificate, key or authority that cannot be used is a problem, and is not shown", () => {
  const { cert, key } = TEST_CERTIFICATE;
  const client = (client_certificate: object) => problemsOf({ auth: { client_certificate } });
  assertEquals(client({ cert, key: `\n${key}\n` }), []);
  assertEquals(problemsOf({ ca: TEST_CA }), []);
  assertEquals(client({ cert: "/run/tls/tls.crt", key: "/run/tls/tls.key" }), []);
  assertEquals(client({ cert, key: OTHER_KEY }), [
    "auth.client_certificate.key: Not the key of the certificate",
  ]);
  const broken = "-----BEGIN CERTIFICATE-----\ns3cret\n-----END CERTIFICATE-----";
  assertEquals(client({ cert: broken, key: key.replace("PRIVATE", "PUBLIC") }), [
    "auth.client_certificate.cert: Not a certificate in PEM",
    "auth.client_certificate.key: Not a private key in PEM, or one with a password",
  ]);
  assertEquals(problemsOf({ ca: broken }), ["ca: Not a certificate in PEM"]);
  assertEquals(problemsOf({ url: "http://orders.example", auth: { client_certificate: { cert, key } } }), [
    "auth.client_certificate: Needs an address that begins with https",
  ]);
  assertEquals(client({ cert }).length, 1);
  const oauth2 = { token_url: "https://login.example", client_id: "c", client_secret: "s", ca: broken };
  assertEquals(problemsOf({ auth: { oauth2 } }), ["auth.oauth2.ca: Not a certificate in PEM"]);
  const header = { Authorization: "Bearer t" };
  assertEquals(problemsOf({ auth: { client_certificate: { cert, key } }, headers: header }), []);
});

Deno.test("files of certificates are read when they are needed, and what is wrong with them is said", async () => {
  await using directory = await TempDir.create();
  const cert = await directory.writeText("tls.crt", TEST_CERTIFICATE.cert);
  const key = directory.file("tls.key");
  const tls = new OwnTls({ ca: undefined, cert, key });
  const missing = await assertRejects(() => tls.load(NEVER), DeliveryError);
  assertEquals(missing.code, "output_unavailable");
  assertStringIncludes(missing.message, `${key}, the file of auth.client_certificate.key: NotFound`);
  await directory.writeText("tls.key", OTHER_KEY);
  await assertRejects(
    () => tls.load(NEVER),
    DeliveryError,
    "auth.client_certificate.key: Not the key of the certificate",
  );
  await directory.writeText("tls.key", TEST_CERTIFICATE.key);
  assertEquals(await tls.load(NEVER), TEST_CERTIFICATE);
});

Deno.test("connections with different certificates are kept apart, and equal ones are shared", () => {
  const { cert, key } = TEST_CERTIFICATE;
  const keys = [{ ca: undefined, cert, key }, { ca: TEST_CA, cert, key }, {
    ca: TEST_CA,
    cert: undefined,
    key: undefined,
  }]
    .map((sources) => new OwnTls(sources).key);
  assertEquals(new Set(keys).size, 3);
  assertEquals(new OwnTls({ ca: undefined, cert, key }).key, keys[0]);
  assert(!keys.some((each) => each.includes("BEGIN")));
});
