import { assert, assertEquals } from "@std/assert";
import { parseReferences, type Reference } from "../../../../src/config/secrets/reference.ts";

function partsOf(text: string): readonly (string | Reference)[] {
  const parsed = parseReferences(text);
  assert("parts" in parsed, `${text}: ${"fault" in parsed ? parsed.fault : ""}`);
  return parsed.parts;
}

function variable(name: string, fallback?: string): Reference {
  return { source: "env", name, fallback };
}

Deno.test("a text is taken apart into literal parts and references", () => {
  assertEquals(partsOf("http://{$HOST}:{$PORT:80}/x"), [
    "http://",
    variable("HOST"),
    ":",
    variable("PORT", "80"),
    "/x",
  ]);
  assertEquals(partsOf("no reference"), ["no reference"]);
  assertEquals(partsOf("{$env:TOKEN}{$env:TOKEN:a:b}"), [variable("TOKEN"), variable("TOKEN", "a:b")]);
});

Deno.test("each source has its own form, and an optional default that may hold colons", () => {
  const forms: [string, Reference][] = [
    ["{$file:token}", { source: "file", path: "token", fallback: undefined }],
    ["{$file:/run/secrets/a@b+c~.pem:x:y}", {
      source: "file",
      path: "/run/secrets/a@b+c~.pem",
      fallback: "x:y",
    }],
    ["{$file:..data/token}", { source: "file", path: "..data/token", fallback: undefined }],
    ["{$vault:webhooks/auth#hmac}", {
      source: "vault",
      path: "webhooks/auth",
      field: "hmac",
      fallback: undefined,
    }],
    ["{$vault:a#b.c-d:}", { source: "vault", path: "a", field: "b.c-d", fallback: "" }],
  ];
  for (const [text, reference] of forms) assertEquals(partsOf(text), [reference], text);
});

Deno.test("variables may have the names of sources and of vault's in capitals", () => {
  assertEquals(partsOf("{$env}{$file}{$vault}"), [variable("env"), variable("file"), variable("vault")]);
  assertEquals(partsOf("{$ENV:production}"), [variable("ENV", "production")]);
  assertEquals(partsOf("{$VAULT:http://localhost}"), [variable("VAULT", "http://localhost")]);
});

const FAULTY = [
  "{$}",
  "{$",
  "{$TOKEN",
  "Bearer {$TOKEN",
  "{$TOKEN {$OTHER}",
  "{$MY-TOKEN}",
  "{$MY.TOKEN}",
  "{$1TOKEN}",
  "{$TOKEN }",
  "{$ TOKEN}",
  "{$TOKEN?}",
  "{$TÖKEN}",
  "{$:default}",
  "{$A:{$B}}",
  "{$A:{$B:x}}",
  "{$A:{}}",
  "{$A:a}b}",
  "{$A}}",
  "{$A}{}}",
  "{$env:}",
  "{$env:MY-TOKEN}",
  "{$env:A:{$B}}",
  "{$file:}",
  "{$file:..}",
  "{$file:../token}",
  "{$file:a/../../token}",
  "{$file:a/./b}",
  "{$file:a//b}",
  "{$file://a}",
  "{$file:a/}",
  "{$file:a b}",
  `{$file:${"a".repeat(514)}}`,
  "{$vault:}",
  "{$vault:path}",
  "{$vault:path#}",
  "{$vault:#field}",
  "{$vault:path:default}",
  "{$vault:/path#field}",
  "{$vault:path/#field}",
  "{$vault:a//b#field}",
  "{$vault:a/../b#field}",
  "{$vault:path#a/b}",
  "{$vault:path#a#b}",
  "{$vault:pa th#field}",
  `{$vault:${"a".repeat(513)}#field}`,
  `{$vault:path#${"a".repeat(129)}}`,
  `{$vault:path#field:${"a".repeat(1024)}}`,
  "{$VAULT:path#field}",
  "{$Vault:path#field:default}",
];

Deno.test("what begins like a reference and is none is a fault, which does not quote it", () => {
  for (const text of FAULTY) {
    assert("fault" in parseReferences(text), text);
  }
  for (
    const text of ["{$MY-TOKEN:pa55word}", "{$pa55word", "{$A:{$pa55word}}", "{$vault:pa55word:pa55word}"]
  ) {
    const parsed = parseReferences(text);
    assert("fault" in parsed && !parsed.fault.includes("pa55word"), text);
  }
});

Deno.test("braces that belong to the text around references are left alone", () => {
  assertEquals(partsOf(`}{"a": "{$A}"}`), [`}{"a": "`, variable("A"), `"}`]);
  assertEquals(partsOf("{{$A}}"), ["{", variable("A"), "}"]);
  assertEquals(partsOf("{$A}/{date}"), [variable("A"), "/{date}"]);
});
