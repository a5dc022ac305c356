import { assert, assertEquals, assertRejects } from "@std/assert";
import { compileAuthenticator } from "../../../../src/auth/authenticator.ts";
import { headerAuth } from "../../../../src/auth/verifiers/header_auth.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { authenticate, requestWith } from "../../../contracts/verifier.ts";
import { findingsOf } from "../../../support/findings.ts";
import { formatRequest, RawHttpConnection } from "../../../support/http/raw_http.ts";
import { TestGateway } from "../../../support/gateway.ts";

const EMPTY = new Uint8Array();

function authenticatorOf(config: unknown) {
  return compileAuthenticator([headerAuth.compile(headerAuth.configSchema.parse(config))]);
}

function passes(config: unknown, headers: [string, string][]): Promise<boolean> {
  return authenticate(authenticatorOf(config), headers, EMPTY).then(() => true, (error) => {
    assert(error instanceof GatewayError);
    return false;
  });
}

Deno.test("header_auth compares exactly unless the configuration says otherwise", async () => {
  const presented: [string, string][] = [["x-api-key", "KEY-abc"]];
  assert(await passes({ api_key: "KEY-abc" }, presented));
  assert(!await passes({ api_key: "key-ABC" }, presented));
  assert(!await passes({ api_key: "key-ABC", case_sensitive: "true" }, presented));
  assert(await passes({ api_key: "key-ABC", case_sensitive: "False" }, presented));
});

Deno.test("header_auth refuses every change of a single bit of the key", async () => {
  const key = "Key 1,\u00e4";
  const sent = unescape(encodeURIComponent(key));
  assert(await passes({ api_key: key }, [["x-api-key", sent]]));
  for (let index = 0; index < sent.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = String.fromCharCode(sent.charCodeAt(index) ^ (1 << bit));
      if (/[\0\r\n]/.test(changed)) continue;
      const value = sent.slice(0, index) + changed + sent.slice(index + 1);
      assert(!await passes({ api_key: key }, [["x-api-key", value]]), value);
    }
  }
});

Deno.test("header_auth ignores the case of letters outside of ASCII too, and of nothing else", async () => {
  const config = { api_key: "GR\u00dcN", case_sensitive: false };
  assert(await passes(config, [["x-api-key", unescape(encodeURIComponent("gr\u00fcn"))]]));
  assert(!await passes(config, [["x-api-key", unescape(encodeURIComponent("gr\u00f9n"))]]));
});

Deno.test("header_auth of which the key has bytes outside of ASCII takes them in UTF-8 from the wire", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", header_auth: { api_key: "gr\u00fcn", header_name: "x-key" } } },
  });
  const statusOf = async (headers: Record<string, string>) => {
    await using connection = await RawHttpConnection.open(gateway.port);
    await connection.write(formatRequest("POST", "/webhook/a", { body: "{}", headers }));
    return (await connection.readResponse()).status;
  };
  assertEquals(await statusOf({ "X-Key": "gr\u00fcn" }), 200);
  assertEquals(await statusOf({ "X-Key": "grun" }), 401);
  // Twice, in whatever case: a proxy and the gateway might each take another one.
  assertEquals(await statusOf({ "X-Key": "gr\u00fcn", "x-key": "gr\u00fcn" }), 401);
  assertEquals(await statusOf({ "X-Key": "gr\u00fcn", "x-key": "wrong" }), 401);
});

Deno.test("header_auth says of a missing header whose name proxies drop that one may have dropped it", async () => {
  const admitting = async () =>
    await authenticatorOf({ api_key: "k", header_name: "X_Key" }).admit(requestWith([]));
  const { cause } = await assertRejects(admitting, GatewayError);
  assert(String(cause).includes("underscores_in_headers"));
});

Deno.test("header_auth without a key or with a wrong name is a problem, and what weakens it a warning", async () => {
  const api_key = "one-secret-of-the-tests";
  const wrong: Record<string, unknown> = {
    empty: { api_key: "" },
    blank: { api_key: " \t" },
    missing: { header_name: "X-Key" },
    line_end: { api_key: `${api_key}\n` },
    name: { api_key, header_name: "X Key" },
    blank_name: { api_key, header_name: " " },
    unknown: { api_key, parameter_name: "k" },
    truth: { api_key, case_sensitive: "maybe" },
    nothing: {},
  };
  const webhooks = Object.fromEntries(
    Object.entries({ ...wrong, weak: { api_key, case_sensitive: false, header_name: "X.Key" } })
      .map(([id, value]) => [id, { module: "log", header_auth: value }]),
  );
  const { problems, warnings } = await findingsOf({ webhooks });
  assertEquals(Object.keys(problems).sort(), Object.keys(wrong).map((id) => `webhook default/${id}`).sort());
  assertEquals(Object.keys(warnings), ["webhook default/weak"]);
  assertEquals(warnings["webhook default/weak"]?.map((text) => text.split(":", 1)[0]), [
    "header_auth.header_name",
    "header_auth.case_sensitive",
  ]);
  assert(!JSON.stringify([problems, warnings]).includes(api_key));
});
