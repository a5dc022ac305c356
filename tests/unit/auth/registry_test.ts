import { assert, assertEquals } from "@std/assert";
import { PLANNED_VERIFIERS, verifierKinds } from "../../../src/auth/registry.ts";

Deno.test("registry lists each kind once, and none as planned that is built", () => {
  const keys = [...verifierKinds.map((kind) => kind.key), ...PLANNED_VERIFIERS];
  assertEquals(new Set(keys).size, keys.length);
});

Deno.test("registry holds no kind whose configuration may be empty", () => {
  for (const { key, configSchema } of verifierKinds) {
    for (const config of [undefined, null, "", {}, [], false]) {
      assert(!configSchema.safeParse(config).success, `'${key}' takes ${JSON.stringify(config)}`);
    }
  }
});
