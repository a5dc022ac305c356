import { assert, assertEquals, assertNotEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import {
  isSensitiveName,
  mayHoldSensitiveName,
  NOT_SEARCHED,
  redactJson,
  redactJsonText,
  redactText,
} from "../../../src/observability/redaction.ts";

const SENSITIVE = [
  "password",
  "Password",
  "user_password_hash",
  "passwd",
  "pwd",
  "passphrase",
  "client_secret",
  "clientSecret",
  "token",
  "X-Gitlab-Token",
  "access_token",
  "accessToken",
  "refresh-token",
  "api_key",
  "api-key",
  "apikey",
  "apiKey",
  "X-Api-Key",
  "authorization",
  "Proxy-Authorization",
  "authorisation",
  "auth",
  "x-auth-user",
  "authenticated",
  "credentials",
  "private_key",
  "privateKey",
  "session",
  "sessionId",
  "Cookie",
  "set-cookie",
  "ssn",
  "user_ssn",
  "userSsn",
  "employeeSSN",
  "credit_card",
  "creditCardNumber",
  "database_url",
  "DATABASE-URL",
  "db_url",
  "connection_string",
  "connectionString",
  "conn_string",
  "X-Hub-Signature-256",
  "stripe-signature",
  "x-shopify-hmac-sha256",
];

const HARMLESS = [
  "id",
  "name",
  "author",
  "authors",
  "authority",
  "businessName",
  "business_name",
  "className",
  "class_node",
  "key",
  "content-type",
  "url",
  "connection",
  "private",
  "pass",
  "database",
];

for (const name of SENSITIVE) {
  Deno.test(`redaction treats the name ${name} as sensitive in every format`, () => {
    assert(isSensitiveName(name));
    const json = JSON.stringify({ before: 1, [name]: "hunter2", after: 2 });
    assert(mayHoldSensitiveName(json));
    assertEquals(JSON.parse(redactJsonText(json)), { before: 1, [name]: "[REDACTED]", after: 2 });
    assertEquals(redactJson({ [name]: { deep: "hunter2" } }), { [name]: "[REDACTED]" });
    for (const text of [`a=1&${name}=hunter2&b=2`, `${name}: hunter2\nb: 2`, `<${name}>hunter2</${name}>`]) {
      assertNotMatch(redactText(text), /hunter2/);
    }
  });
}

for (const name of HARMLESS) {
  Deno.test(`redaction leaves the value of the name ${name} alone`, () => {
    assertEquals(isSensitiveName(name), false);
    const json = JSON.stringify({ [name]: "value" });
    assertEquals(mayHoldSensitiveName(json), false);
    assertEquals(redactJsonText(json), json);
    assertEquals(redactText(`${name}=value`), `${name}=value`);
  });
}

Deno.test("redaction of JSON text replaces values of every kind and leaves everything else as it was", () => {
  const cases: readonly [json: string, redacted: string][] = [
    ['{"token":"a\\"b\\\\","x":1}', '{"token":"[REDACTED]","x":1}'],
    ['{"token":12.5e3,"x":1}', '{"token":"[REDACTED]","x":1}'],
    ['{"token":null}', '{"token":"[REDACTED]"}'],
    ['{"token": true }', '{"token": "[REDACTED]" }'],
    ['{"token"\n:\t[1,[2,{"a":"]"}],3] ,"x":1}', '{"token"\n:\t"[REDACTED]" ,"x":1}'],
    ['{"token":{"a":{"b":"}\\"}"}},"x":1}', '{"token":"[REDACTED]","x":1}'],
    ['{"token":{},"secret":[]}', '{"token":"[REDACTED]","secret":"[REDACTED]"}'],
    ['[{"a":[{"token":1},{"token":2}]}]', '[{"a":[{"token":"[REDACTED]"},{"token":"[REDACTED]"}]}]'],
    [
      '{"id":12345678901234567890,"pwd":1,"id":1.10}',
      '{"id":12345678901234567890,"pwd":"[REDACTED]","id":1.10}',
    ],
    ['{"a":"token","b":["password","x"]}', '{"a":"token","b":["password","x"]}'],
    ['{"a":"\\"token\\":1"}', '{"a":"\\"token\\":1"}'],
    ['"token"', '"token"'],
    ["[]", "[]"],
  ];
  for (const [json, redacted] of cases) assertEquals(redactJsonText(json), redacted);
});

Deno.test("redaction of JSON text sees through escapes in names", () => {
  for (
    const name of [
      "p\\u0061ssword",
      "\\u0070\\u0061\\u0073\\u0073\\u0077\\u006f\\u0072\\u0064",
      "api\\/key",
      "api\\nkey",
    ]
  ) {
    const json = `{"${name}":"hunter2"}`;
    assert(mayHoldSensitiveName(json));
    assertEquals(redactJsonText(json), `{"${name}":"[REDACTED]"}`);
  }
});

Deno.test("redaction of JSON text that breaks off leaves no part of a secret", () => {
  const json =
    '{"a":{"password":"hunter2","x":1},"credentials":{"user":"hunter2","list":["hunter2"]},"token":42}';
  for (let length = 0; length <= json.length; length++) {
    const redacted = redactJsonText(json.slice(0, length));
    assertNotMatch(redacted, /hun|42/);
  }
});

Deno.test("redaction of JSON text copes with any nesting", () => {
  const nested = "[".repeat(100_000) + "]".repeat(100_000);
  assertEquals(redactJsonText(`{"token":${nested},"x":${nested}}`), `{"token":"[REDACTED]","x":${nested}}`);
});

Deno.test("redaction of a value copies it and leaves the original alone", () => {
  const value = { list: [{ token: "hunter2", n: 1 }], nothing: null };
  assertEquals(redactJson(value), { list: [{ token: "[REDACTED]", n: 1 }], nothing: null });
  assertEquals(value.list[0]?.token, "hunter2");
});

Deno.test("redaction of a value keeps a key named __proto__ a key", () => {
  const redacted = redactJson(JSON.parse('{"__proto__":{"token":"hunter2"},"a":1}'));
  assertEquals(JSON.stringify(redacted), '{"__proto__":{"token":"[REDACTED]"},"a":1}');
});

Deno.test("redaction of a value shows nothing that is nested too deep to be searched", () => {
  let value: unknown = { token: "hunter2" };
  for (let depth = 0; depth < 100_000; depth++) value = [value];
  const json = JSON.stringify(redactJson(value));
  assertStringIncludes(json, NOT_SEARCHED);
  assertNotMatch(json, /hunter2/);
});

Deno.test("redaction of a value ends when objects refer to each other", () => {
  const parent: Record<string, unknown> = {};
  parent["children"] = Array.from({ length: 10 }, () => ({ parent, sibling: parent, token: "hunter2" }));
  const json = JSON.stringify(redactJson(parent));
  assertStringIncludes(json, NOT_SEARCHED);
  assertNotMatch(json, /hunter2/);
});

Deno.test("redaction of text replaces the values of the formats that webhooks come in", () => {
  const cases: readonly [text: string, redacted: string][] = [
    ["user=a&password=hunter2&x=1", "user=a&password=[REDACTED]&x=1"],
    ["user=a&p%61ssword=hunter2", "user=a&password=[REDACTED]"],
    ["Authorization: Bearer abc.def\r\nx: 1", "Authorization: [REDACTED]\r\nx: 1"],
    ["Cookie: a=b; c=d\nx: 1", "Cookie: [REDACTED]\nx: 1"],
    ['{"id":1,"token":"x y"}\n{"id":2}', '{"id":1,"token":[REDACTED]}\n{"id":2}'],
    ['{"id":1,"t\\u006fken":"x y"}\n', '{"id":1,"token":[REDACTED]}\n'],
    ["{'secret': 'x y', a: 1}", "{'secret': [REDACTED], a: 1}"],
    [
      "<a><wsse:Password Type='x'>hunter2</wsse:Password></a>",
      "<a><wsse:Password Type='x'>[REDACTED]</wsse:Password></a>",
    ],
    [
      'Content-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--b',
      'Content-Disposition: form-data; name="password"\r\n\r\n[REDACTED]\r\n--b',
    ],
    ["no secrets, 100%25 plain", "no secrets, 100%25 plain"],
    ["", ""],
  ];
  for (const [text, redacted] of cases) assertEquals(redactText(text), redacted);
});

Deno.test("redaction of text ends soon for hostile text", () => {
  // Each of these makes a regular expression with unbounded repetitions run for minutes.
  for (const part of ["a", "token", "token ", 'token="', "token<", "pass-", "token   ", "-_", "%61"]) {
    const text = part.repeat(Math.ceil(100_000 / part.length));
    assertNotEquals(redactText(text), undefined);
  }
});
