import { assertEquals } from "@std/assert";
import { escapeUnsafe, flattenJson, quoteJson } from "../../../src/observability/safe_text.ts";

const UNSAFE = {
  "a newline": "\n",
  "a carriage return": "\r",
  "a NUL": "\0",
  "an escape sequence": "\x1b[2J",
  "DEL": "\x7f",
  "a C1 control": "\x9b31m",
  "a line separator": "\u2028",
  "a paragraph separator": "\u2029",
  "a right-to-left override": "\u202e",
  "a bidirectional isolate": "\u2066",
  "a right-to-left mark": "\u200f",
  "an Arabic letter mark": "\u061c",
  "a byte order mark": "\ufeff",
};

for (const [name, text] of Object.entries(UNSAFE)) {
  Deno.test(`quoting escapes ${name} and keeps its meaning`, () => {
    const quoted = quoteJson(`a${text}b`);
    assertEquals(quoted.includes(text), false);
    assertEquals(quoted.includes(text.slice(0, 1)), false);
    assertEquals(JSON.parse(quoted), `a${text}b`);
  });
}

Deno.test("quoting leaves letters of all scripts as they are", () => {
  for (const text of ["plain", "Grüße", "日本語", "👩‍👩‍👧", ""]) assertEquals(quoteJson(text), `"${text}"`);
});

Deno.test("quoting escapes quotes, backslashes and lone surrogates", () => {
  assertEquals(quoteJson('say "hi" \\ \ud800'), '"say \\"hi\\" \\\\ \\ud800"');
});

Deno.test("escaping writes unsafe characters as JSON escapes", () => {
  assertEquals(escapeUnsafe("a\nb\x7fc\u202ed"), "a\\u000ab\\u007fc\\u202ed");
});

Deno.test("flattening puts a document on one line without touching its numbers and keys", () => {
  assertEquals(
    flattenJson('{\r\n\t"id": 12345678901234567890,\n  "price": 1.10,\n  "id": "\u2028"\n}'),
    '{   "id": 12345678901234567890,   "price": 1.10,   "id": "\\u2028" }',
  );
});
