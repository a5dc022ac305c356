import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { hash } from "node:crypto";
import { Callers } from "../../../src/access/callers.ts";
import { parseTokenFile, TokenFileError } from "../../../src/access/token_file.ts";

const sha256 = hash("sha256", "a-token");
const ENTRY = { sha256, name: "ci", role: "viewer", namespaces: ["team-a"] };

const broken: readonly [contents: unknown, message: string][] = [
  [{}, "The file must be a list of entries"],
  [[7], "Entry 0 must be an object"],
  [[{ ...ENTRY, token: "a-token" }], "Entry 0: it may have sha256, name, role, namespaces and expires only"],
  [[{ ...ENTRY, sha256: "a-token" }], "'sha256' must be the SHA-256 of the token, as 64 hexadecimal digits"],
  [[{ ...ENTRY, sha256: hash("sha256", "") }], "'sha256' is that of an empty text"],
  [[ENTRY, { ...ENTRY, name: "other" }], "Entry 1: its 'sha256' is that of another entry"],
  [[ENTRY, { ...ENTRY, sha256: hash("sha256", "x") }], "Entry 1: its 'name' is that of another entry"],
  [[{ ...ENTRY, role: "root" }], "'role' must be 'viewer', 'operator', 'admin'"],
  [[{ ...ENTRY, role: undefined }], "'role' must be"],
  [[{ ...ENTRY, name: undefined }], "'name' is required"],
  [[{ ...ENTRY, name: "a\nb" }], "'name' must have 1 to 64 characters"],
  [[{ ...ENTRY, namespaces: [] }], "'namespaces' must name at least one pattern"],
  [[{ ...ENTRY, namespaces: undefined }], "'namespaces' is required"],
  [[{ ...ENTRY, namespaces: ["team/*"] }], "'namespaces.0' is no pattern"],
  [[{ ...ENTRY, namespaces: ["a*b*c*d*"] }], "'namespaces.0' is no pattern"],
  [[{ ...ENTRY, namespaces: "team-a" }], "'namespaces' "],
  [[{ ...ENTRY, role: "admin" }], "'namespaces' must be left out, or be ['*'], of an admin"],
  [[{ ...ENTRY, expires: "tomorrow" }], "'expires' must be a time such as"],
];

Deno.test("a file of tokens that cannot be used says where and what to do, and repeats nothing of it", () => {
  for (const [contents, message] of broken) {
    const error = assertThrows(() => parseTokenFile(JSON.stringify(contents)), TokenFileError);
    assertStringIncludes(error.message, message);
    assertEquals(error.message.includes("a-token") || error.message.includes(sha256), false, error.message);
  }
  assertThrows(() => parseTokenFile(`[{"sha256":`), TokenFileError, "not valid JSON");
  assertEquals(parseTokenFile("[]"), []);
});

Deno.test("a token is known by its hash in any case, until it expires", () => {
  const expires = "2030-01-01T00:00:00Z";
  let now = Date.parse(expires) - 1;
  const callers = new Callers(undefined, true, () => now);
  callers.setEntries(parseTokenFile(JSON.stringify([{ ...ENTRY, sha256: sha256.toUpperCase(), expires }])));
  assertEquals(callers.find("a-token")?.name, "ci");
  for (const wrong of ["", "a-toke", "a-token ", "A-TOKEN", sha256]) {
    assertEquals(callers.find(wrong), undefined);
  }
  now++;
  assertEquals(callers.find("a-token"), undefined);
});

Deno.test("a caller sees the namespaces of its patterns, and an admin all of them", () => {
  const callers = new Callers("the-token-of-the-setting", true);
  const patterns = ["team-a", "ops-*", "*-eu-*x", "a*a"];
  callers.setEntries(parseTokenFile(JSON.stringify([{ ...ENTRY, namespaces: patterns }])));
  const viewer = callers.find("a-token")!;
  const seen = ["team-a", "ops-", "ops-1", "a-eu-x", "-eu-1x", "aa", "aba"];
  const hidden = ["", "team-", "team-ab", "xteam-a", "ops", "-eu-", "a-eu-y", "a", "ab"];
  for (const namespace of seen) assertEquals(viewer.sees(namespace), true, namespace);
  for (const namespace of hidden) assertEquals(viewer.sees(namespace), false, namespace);
  assertEquals([viewer.seesPath("team-a/orders"), viewer.seesPath("team-b/team-a")], [true, false]);
  const admin = callers.find("the-token-of-the-setting")!;
  assertEquals([admin.role, admin.sees("anything")], ["admin", true]);
});
