import { assertEquals } from "@std/assert";
import { pause, reject, retry, verdictError, VerdictTable } from "../../../src/modules/verdicts.ts";

const TABLE = new VerdictTable({
  "08* 57P01": pause("the connection ended"),
  "0A*": reject("is not supported"),
  "0A000": retry("the plan is out of date", { needsNewConnection: true }),
  22: reject("the value does not fit"),
}, retry("failed"));

Deno.test("a verdict is found by the whole key, or by what it begins with", () => {
  assertEquals(TABLE.find("57P01").kind, "pause");
  assertEquals(TABLE.find("08006").kind, "pause");
  assertEquals(TABLE.find(22).text, "the value does not fit");
});

Deno.test("of several keys that fit the longest counts", () => {
  assertEquals(TABLE.find("0A000"), {
    kind: "retry",
    text: "the plan is out of date",
    needsNewConnection: true,
  });
  assertEquals(TABLE.find("0A001").kind, "reject");
});

Deno.test("an error that the table does not know is tried again", () => {
  for (const key of ["22001", "", "57P0", "*", 8]) assertEquals(TABLE.find(key).text, "failed", String(key));
});

Deno.test("verdicts make errors that the host acts on", () => {
  const codes = [retry(""), reject(""), pause("")].map((verdict) => verdictError(verdict, "it failed").code);
  assertEquals(codes, ["output_failed", "output_rejected", "output_unavailable"]);
  const error = verdictError(retry(""), "it failed", { retryAfterSeconds: 3, isPartial: true });
  assertEquals([error.message, error.retryAfterSeconds, error.isPartial], ["it failed", 3, true]);
});
