import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseRetryAfter } from "../../../src/io/retry_after.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const WEEK = 7 * 24 * 60 * 60;

/** What is made of each of these headers. */
function parsed(...values: readonly string[]): Record<string, number | undefined> {
  return Object.fromEntries(values.map((value) => [value, parseRetryAfter(value, NOW)]));
}

Deno.test("Retry-After in seconds is taken as it is, and a fraction is rounded up", () => {
  assertEquals(parsed("0", "1", "007", "120", "32.5", "32.0", "0.001", "59.999999999"), {
    "0": 0,
    "1": 1,
    "007": 7,
    "120": 120,
    "32.5": 33,
    "32.0": 32,
    "0.001": 1,
    "59.999999999": 60,
  });
});

Deno.test("Retry-After takes the three forms of dates that HTTP knows, all of them in GMT", () => {
  assertEquals(
    parsed(
      "Fri, 02 Jan 2026 03:05:05 GMT",
      "Friday, 02-Jan-26 03:05:05 GMT",
      "Fri Jan  2 03:05:05 2026",
      "Sat Jan 03 03:04:06 2026",
      "Mon, 05 Jan 2026 23:59:60 GMT",
    ),
    {
      "Fri, 02 Jan 2026 03:05:05 GMT": 60,
      "Friday, 02-Jan-26 03:05:05 GMT": 60,
      "Fri Jan  2 03:05:05 2026": 60,
      "Sat Jan 03 03:04:06 2026": 86_401,
      "Mon, 05 Jan 2026 23:59:60 GMT": 334_555,
    },
  );
});

Deno.test("Retry-After with a date in the past means now", () => {
  const dates = [
    "Fri, 02 Jan 2026 03:04:05 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Mon, 01 Jan 0001 00:00:00 GMT",
  ];
  for (const date of dates) assertEquals(parseRetryAfter(date, NOW), 0, date);
});

Deno.test("a year of two digits is at most 50 years ahead", () => {
  assertEquals(parseRetryAfter("Thursday, 02-Jan-76 03:04:05 GMT", NOW), WEEK);
  assertEquals(parseRetryAfter("Thursday, 02-Jan-76 03:04:06 GMT", NOW), 0);
  assertEquals(parseRetryAfter("Thursday, 01-Jan-00 00:00:01 GMT", Date.UTC(2099, 11, 31, 23, 59, 59)), 2);
  assertEquals(parseRetryAfter("Friday, 31-Dec-99 23:59:59 GMT", Date.UTC(2100, 0, 1)), 0);
});

Deno.test("Retry-After is a week at most, however many digits it has", () => {
  for (const value of ["604801", "9".repeat(400), "Fri, 31 Dec 9999 23:59:59 GMT"]) {
    assertEquals(parseRetryAfter(value, NOW), WEEK, value);
  }
});

Deno.test("Retry-After of any other form is ignored", () => {
  const values = [
    ...[
      "",
      " ",
      "-1",
      "+1",
      "1 ",
      " 1",
      "1s",
      "1,2",
      "1, 2",
      "1.",
      ".5",
      "1e3",
      "0x10",
      "1_000",
      "NaN",
      "Infinity",
    ],
    ...["soon", "2026-01-02T03:05:05Z", "2026-01-02", "12/31/2026", "1 Jan 2027", "١"],
    ...["Fri, 02 Jan 2026 03:05:05", "Fri, 02 Jan 2026 03:05:05 UTC", "Fri, 02 Jan 2026 03:05:05 +0100"],
    ...["Fri, 2 Jan 2026 03:05:05 GMT", "Fri, 02 jan 2026 03:05:05 GMT", "02 Jan 2026 03:05:05 GMT"],
    ...["Fri, 02-Jan-26 03:05:05 GMT", "Friday, 02-Jan-2026 03:05:05 GMT", "Fri Jan 2 03:05:05 2026"],
    ...["Mon, 30 Feb 2026 00:00:00 GMT", "Mon, 00 Jan 2027 00:00:00 GMT", "Mon, 01 Jan 2027 24:00:00 GMT"],
    ...["Mon, 01 Jan 2027 00:60:00 GMT", "Mon, 01 Jan 2027 00:00:61 GMT", "Tuesday, 30-Feb-27 00:00:00 GMT"],
  ];
  for (const value of values) assertEquals(parseRetryAfter(value, NOW), undefined, value);
  assertEquals(parseRetryAfter(undefined, NOW), undefined);
});

Deno.test("whatever Retry-After says, what comes of it is whole seconds of a week or nothing", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.:,A-Za-z -]*$/)), (value) => {
    const seconds = parseRetryAfter(value, NOW);
    assert(seconds === undefined || Number.isInteger(seconds) && seconds >= 0 && seconds <= WEEK);
  }));
});

Deno.test("Retry-After with a date as it is written today is the time until then", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: WEEK - 1 }), (seconds) => {
    const date = new Date(Math.floor(NOW / 1000) * 1000 + seconds * 1000);
    assertEquals(parseRetryAfter(date.toUTCString(), NOW), seconds);
  }));
});
