import { assertEquals, assertMatch } from "@std/assert";
import { outputModules } from "../../../src/modules/registry.ts";
import { namesOf } from "../../../src/modules/module.ts";

Deno.test("module registry has no name twice", () => {
  const names = outputModules.flatMap(namesOf);
  assertEquals(new Set(names).size, names.length);
  for (const name of names) assertMatch(name, /^[a-z][a-z0-9_]*$/);
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
