/** What is said beside a name that nothing knows. */

import { assertEquals } from "@std/assert";
import { nearestHint } from "../../../src/schema/nearest_name.ts";

const KEYS = ["username", "include_headers", "queue_url", "tls"];

Deno.test("a name leads to the one that it is a part of, or that is spelt alike", () => {
  const expected = {
    "user": "username",
    "headers": "include_headers",
    "queue": "queue_url",
    "Username": "username",
    "usrename": "username",
    "tsl": "tls",
  };
  for (const [name, nearest] of Object.entries(expected)) {
    assertEquals(nearestHint(name, KEYS), `: nearest is '${nearest}'`, name);
  }
  assertEquals(nearestHint("hmacs", ["hmac_header", "hmac"]), ": nearest is 'hmac'");
});

Deno.test("where no name is like it, the known ones are named if they are few", () => {
  const hint = ": known are 'username', 'include_headers', 'queue_url', 'tls'";
  assertEquals(nearestHint("bucket", KEYS), hint);
  assertEquals(nearestHint("bucket", ["port"]), ": known is 'port'");
  assertEquals(nearestHint("bucket", Array.from({ length: 17 }, (_, index) => `key-${index}`)), "");
  assertEquals(nearestHint("x".repeat(101), KEYS), "");
});
