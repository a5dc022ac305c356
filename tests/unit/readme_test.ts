import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { withSections } from "../support/house/readme_tables.ts";
import { REPOSITORY } from "../support/repository.ts";

const readme = await Deno.readTextFile(join(REPOSITORY, "README.md"));

Deno.test("README's tables say what the schemas, the settings and the error catalogue say", () => {
  const words = (text: string) => text.split(/\s+/).filter((word) => !/^[|-]+$/.test(word)).join(" ");
  assertEquals(words(readme), words(withSections(readme)), "run 'deno task readme'");
});

Deno.test("README names every task of deno.json that people run", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json"))) as {
    tasks: Record<string, unknown>;
  };
  for (const task of ["start", "dev", "test", "check", "bench", "compile"]) {
    assertEquals(task in tasks, true, task);
    assertStringIncludes(readme, `deno task ${task}`);
  }
});
