import { assert, assertEquals } from "@std/assert";
import { compileAuthenticator } from "../../../../src/auth/authenticator.ts";
import { queryAuth } from "../../../../src/auth/verifiers/query_auth.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { requestWith } from "../../../contracts/verifier.ts";
import { findingsOf } from "../../../support/findings.ts";
import { TestGateway } from "../../../support/gateway.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

function passes(config: unknown, query: string): boolean {
  const authenticator = compileAuthenticator([queryAuth.compile(queryAuth.configSchema.parse(config))]);
  const request = { ...requestWith([]), url: `http://localhost/webhook/a${query}` };
  try {
    authenticator.admit(request);
    return true;
  } catch (error) {
    assert(error instanceof GatewayError && error.code === "unauthorized", String(error));
    return false;
  }
}

Deno.test("query_auth decodes a value once, as the URL standard does", () => {
  const config = { api_key: "a b+c%20" };
  for (const query of ["?api_key=a+b%2Bc%2520", "?api_key=a%20b%2bc%2520&", "?x=1&api%5Fkey=a+b%2Bc%2520"]) {
    assert(passes(config, query), query);
  }
  for (const query of ["?api_key=a+b+c%2520", "?api_key=a+b%2Bc%20", "?api_key=a%2520b%2Bc%2520"]) {
    assert(!passes(config, query), query);
  }
  assert(passes({ api_key: "gr\u00fcn" }, "?api_key=gr%C3%BCn"));
  assert(!passes({ api_key: "gr\u00fcn" }, "?api_key=gr%FCn"));
});

Deno.test("query_auth agrees with URLSearchParams about which parameters there are", () => {
  const parts = [
    "api_key=k",
    "api_key",
    "api%5Fkey=k",
    "api_key=",
    "?api_key=k",
    "api_keys=k",
    "",
    "=k",
    "API_KEY=k",
  ];
  const queries = parts.flatMap((first) => parts.flatMap((second) => [first, `${first}&${second}`]));
  for (const query of queries) {
    const given = new URL(`http://localhost/?${query}`).searchParams.getAll("api_key");
    assertEquals(passes({ api_key: "k" }, `?${query}`), given.length === 1 && given[0] === "k", query);
  }
});

Deno.test("query_auth takes nothing out of what was sent", () => {
  const config = { api_key: "key" };
  for (const value of ["k%00ey", "%0Akey", "key%0D", "key%20", "%EF%BB%BFkey", "key#key", "key;key"]) {
    assert(!passes(config, `?api_key=${value}`), value);
  }
  assert(!passes(config, `?api_key=${"k".repeat(100_000)}`));
  assert(!passes(config, `?${"api_key=key&".repeat(10_000)}`));
});

Deno.test("query_auth refuses a parameter that is sent twice, however it is spelled", () => {
  const config = { api_key: "key" };
  for (const other of ["api_key=key", "api_key=wrong", "api_key", "api%5fkey=key", "%61pi_key="]) {
    assert(!passes(config, `?api_key=key&${other}`), other);
    assert(!passes(config, `?${other}&api_key=key`), other);
  }
});

Deno.test("query_auth refuses every change of a single bit of the key", () => {
  const key = "Key-1_b";
  for (let index = 0; index < key.length; index++) {
    for (let bit = 0; bit < 7; bit++) {
      const changed = String.fromCharCode(key.charCodeAt(index) ^ (1 << bit));
      const value = key.slice(0, index) + changed + key.slice(index + 1);
      assert(!passes({ api_key: key }, `?${new URLSearchParams({ api_key: value })}`), value);
    }
  }
});

Deno.test("query_auth without a key or with a wrong name is a problem, and ignoring case a warning", async () => {
  const api_key = "one-secret-of-the-tests";
  const wrong: Record<string, unknown> = {
    empty: { api_key: "" },
    blank: { api_key: "  " },
    missing: { parameter_name: "key" },
    name: { api_key, parameter_name: "a b" },
    long_name: { api_key, parameter_name: "a".repeat(101) },
    unknown: { api_key, header_name: "X-Key" },
    list: [api_key],
    nothing: {},
  };
  const webhooks = Object.fromEntries(
    Object.entries({ ...wrong, weak: { api_key, case_sensitive: "false" } })
      .map(([id, value]) => [id, { module: "log", query_auth: value }]),
  );
  const { problems, warnings } = await findingsOf({ webhooks });
  assertEquals(Object.keys(problems).sort(), Object.keys(wrong).map((id) => `webhook default/${id}`).sort());
  assertEquals(Object.keys(warnings), ["webhook default/weak"]);
  assert(!JSON.stringify([problems, warnings]).includes(api_key));
});

Deno.test("the value of a parameter, right or wrong, is in no log, metric, event, answer or page", async () => {
  await using log = RecordedLog.start("debug");
  const api_key = "right-key-of-the-tests";
  const ADMIN_TOKEN = "an-admin-token-of-the-tests";
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", query_auth: { api_key } } },
    environment: { ADMIN_TOKEN },
  });
  const shown: unknown[] = [];
  const see = ({ status, headers, text }: { status: number; headers: Headers; text: string }) => {
    shown.push([...headers], text);
    return status;
  };
  const post = async (query: string, body = "{}") =>
    see(await gateway.post(`/webhook/a?api_key=${query}`, body));
  assertEquals(await post(api_key), 200);
  assertEquals(await post("wrong-key-of-the-tests"), 401);
  assertEquals(await post(`${api_key}&api_key=${api_key}`), 401);
  assertEquals(await post(api_key, "{"), 400);
  assertEquals(see(await gateway.request(`/webhook/a?api_key=${api_key}`)), 405);
  assertEquals(see(await gateway.post(`/webhook/b?api_key=${api_key}`, "{}")), 404);
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  for (const path of ["/metrics", "/admin/config", "/admin/webhooks/default/a"]) {
    assertEquals(see(await gateway.request(path, { headers })), 200);
  }
  shown.push(await gateway.output(), await log.records());
  assert(!JSON.stringify(shown).includes("key-of-the-tests"), "A key is shown");
});
