import { assertEquals, assertMatch } from "@std/assert";
import { outputModules, PLANNED_CONNECTION_TYPES, PLANNED_MODULES } from "../../../src/modules/registry.ts";
import { namesOf } from "../../../src/modules/module.ts";

Deno.test("module registry has no name twice, planned ones included", () => {
  const names = [...outputModules.flatMap(namesOf), ...PLANNED_MODULES];
  assertEquals(new Set(names).size, names.length);
  for (const name of names) assertMatch(name, /^[a-z][a-z0-9_]*$/);
});

Deno.test("module registry lists no connection type as planned that a module takes", () => {
  const taken = outputModules.flatMap(({ connectionTypes }) => connectionTypes);
  assertEquals(PLANNED_CONNECTION_TYPES.filter((type) => taken.includes(type)), []);
});

Deno.test("module registry has a connection schema exactly where connections are accepted", () => {
  for (const { name, connectionTypes, connectionSchema } of outputModules) {
    assertEquals(connectionSchema !== undefined, connectionTypes.length > 0, name);
  }
});

Deno.test("modules reject configuration keys that they do not know", () => {
  for (const module of outputModules) {
    const issues = module.configSchema.safeParse({ not_a_key: 1 }).error?.issues ?? [];
    const unknown = issues.flatMap((issue) => issue.code === "unrecognized_keys" ? issue.keys : []);
    assertEquals(unknown, ["not_a_key"], module.name);
  }
});
