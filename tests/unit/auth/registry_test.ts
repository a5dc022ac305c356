import { assert, assertEquals } from "@std/assert";
import { verifierKinds } from "../../../src/auth/registry.ts";

Deno.test("registry lists each kind once", () => {
  const keys = verifierKinds.map((kind) => kind.key);
  assertEquals(new Set(keys).size, keys.length);
});

Deno.test("registry holds no kind whose configuration may be empty", () => {
  for (const { key, configSchema } of verifierKinds) {
    for (const config of [undefined, null, "", {}, [], false]) {
      assert(!configSchema.safeParse(config).success, `'${key}' takes ${JSON.stringify(config)}`);
    }
  }
});
