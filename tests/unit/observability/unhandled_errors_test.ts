import { assertEquals, assertStringIncludes } from "@std/assert";
import { logger } from "../../../src/observability/logging.ts";
import { logUnhandledErrors } from "../../../src/observability/unhandled_errors.ts";
import { eventually } from "../../support/eventually.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

Deno.test("rejections and errors that nobody handled are records of the log, and the process goes on", async () => {
  await using log = RecordedLog.start("error");
  using _unhandled = logUnhandledErrors(logger("gateway"));
  Promise.reject(new TypeError("an end that nobody awaits"));
  queueMicrotask(() => {
    throw new RangeError("a callback that fails");
  });
  await eventually(async () => assertEquals((await log.records()).length, 2));
  const records = await log.records();
  assertEquals(records.map(({ level, category }) => [level, category]), [
    ["error", "cwm.gateway"],
    ["error", "cwm.gateway"],
  ]);
  const text = await log.text();
  assertStringIncludes(text, "an end that nobody awaits");
  assertStringIncludes(text, "a callback that fails");
});

Deno.test("what libraries warn of is in the log at debug, and not on standard error", async () => {
  await using log = RecordedLog.start("debug");
  const printing = process.listeners("warning");
  {
    using _unhandled = logUnhandledErrors(logger("gateway"));
    process.emitWarning("Ten listeners", "ManyListeners");
    await eventually(async () => assertEquals((await log.records()).length, 1));
  }
  const [record] = await log.records();
  assertEquals([record?.level, record?.message], ["debug", "A library warns: ManyListeners: Ten listeners"]);
  assertEquals(process.listeners("warning"), printing);
});
