import { assertEquals, assertThrows } from "@std/assert";
import { EditError, memberText, removeAt, setAt } from "../../../../src/migrate/single/json_edit.ts";

const TEXT = `{
  "module": "log",   "_n": 1.0,
  "retry": {"max_attempts": 3},
  "list": [1, 2]
}`;

Deno.test("one value of a JSON text changes, and everything else stays as it is written", () => {
  assertEquals(
    setAt(TEXT, ["retry", "max_attempts"], "5"),
    TEXT.replace('"max_attempts": 3', '"max_attempts": 5'),
  );
  assertEquals(setAt(TEXT, ["list", "1"], "[ 7 ]"), TEXT.replace("[1, 2]", "[1, [ 7 ]]"));
  assertEquals(setAt(TEXT, ["list", "2"], "3"), TEXT.replace("[1, 2]", "[1, 2, 3]"));
  assertEquals(
    setAt(TEXT, ["hmac", "secret"], '"{$S}"'),
    TEXT.replace("[1, 2]", '[1, 2],\n  "hmac": {"secret": "{$S}"}'),
  );
  assertEquals(setAt("{ }", ["a"], "1"), '{"a": 1}');
  // Of members with the same name the last one counts.
  assertEquals(setAt('{"a":1,"a":2}', ["a"], "3"), '{"a":1,"a":3}');
});

Deno.test("a member goes with one comma, wherever it stands", () => {
  assertEquals(removeAt('{"a":1, "b":2, "c":3}', ["a"]), '{"b":2, "c":3}');
  assertEquals(removeAt('{"a":1, "b":2, "c":3}', ["b"]), '{"a":1, "c":3}');
  assertEquals(removeAt('{"a":1, "b":2, "c":3}', ["c"]), '{"a":1, "b":2}');
  assertEquals(removeAt('{"a": {"b":1}}', ["a", "b"]), '{"a": {}}');
  assertEquals(removeAt('{"a":1}', ["x", "y"]), '{"a":1}');
});

Deno.test("a way through a text or past the end of a list is refused", () => {
  assertThrows(() => setAt(TEXT, ["module", "x"], "1"), EditError, "no object and no list");
  assertThrows(() => setAt(TEXT, ["list", "5"], "1"), EditError, "There is no element '5' in a list of 2");
});

Deno.test("a member's text comes with the white space that its line begins with", () => {
  assertEquals(memberText(TEXT, "retry"), { text: '{"max_attempts": 3}', indent: "  " });
  assertEquals(memberText(TEXT, "_n"), { text: "1.0", indent: "" });
  assertEquals(memberText(TEXT, "nothing"), undefined);
});
