import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { inflateSync } from "node:zlib";
import { DeliveryError } from "../../../../../src/errors.ts";
import { redisRqConfigSchema } from "../../../../../src/modules/redis/rq/config.ts";
import { jobData } from "../../../../../src/modules/redis/rq/data.ts";
import { verifiedEvent } from "../../../../support/verified_event.ts";

const SIZE = 2 * 1024 * 1024;

/** Large bodies, by what they consist of. */
const LARGE: Readonly<Record<string, string>> = {
  numbers: `[${Array(Math.floor(SIZE / 5)).fill("1234").join()}]`,
  "short texts": `[${Array(SIZE / 4).fill('"a"').join()}]`,
  "deep nesting": "[".repeat(SIZE / 2) + "]".repeat(SIZE / 2),
};

for (const [kind, body] of Object.entries(LARGE)) {
  for (const serializer of ["pickle", "json"] as const) {
    // Python's JSON parser, which workers with this serializer have, does not read it.
    if (kind === "deep nesting" && serializer === "json") continue;
    Deno.test(`the job of a large body of ${kind} is made in steps with pauses, with ${serializer}`, async () => {
      const config = redisRqConfigSchema.parse({ function: "shop.tasks.record", serializer });
      const data = jobData(verifiedEvent({ body }), config, new AbortController().signal);
      assert(data instanceof Promise);
      let ended = false;
      const ending = data.finally(() => ended = true);
      let turns = 0;
      for (; !ended; turns++) await setImmediate();
      assertGreater(turns, 10);
      assertGreater(inflateSync(await ending).byteLength, body.length / 4);
    });
  }
}

Deno.test("the work on the job of a large body ends when nobody waits for it any more", async () => {
  const config = redisRqConfigSchema.parse({ function: "shop.tasks.record" });
  const controller = new AbortController();
  const data = jobData(verifiedEvent({ body: LARGE["numbers"]! }), config, controller.signal);
  controller.abort();
  const error = await assertRejects(async () => await data, DeliveryError);
  assertEquals(error.code, "output_timeout");
});

Deno.test("what Python's JSON parser does not read is no job of workers that have it", async () => {
  const signal = new AbortController().signal;
  const bodies = ["[".repeat(3000) + "]".repeat(3000), `{"n":${"9".repeat(4301)}}`, LARGE["deep nesting"]!];
  for (const body of bodies) {
    const config = redisRqConfigSchema.parse({ function: "shop.tasks.record", serializer: "json" });
    const error = await assertRejects(
      async () => await jobData(verifiedEvent({ body }), config, signal),
      DeliveryError,
    );
    assertEquals(error.code, "output_rejected");
  }
  const pickle = redisRqConfigSchema.parse({ function: "shop.tasks.record" });
  assert(await jobData(verifiedEvent({ body: bodies[0]! }), pickle, signal), "unpickling needs no stack");
});
