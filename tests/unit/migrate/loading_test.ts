import { assert, assertEquals } from "@std/assert";
import { importsOf } from "../../support/house/import_graph.ts";
import { REPOSITORY } from "../../support/repository.ts";
import { readTypeScript } from "../../support/house/source_files.ts";

const src = await readTypeScript(REPOSITORY, "src");
const edges = src.flatMap(importsOf);

/** Every file that loading one file may load, now or later. */
function reachableFrom(start: string): ReadonlySet<string> {
  const reached = new Set([start]);
  for (const path of reached) {
    for (const { from, to } of edges) {
      if (from === path && to !== undefined) reached.add(to);
    }
  }
  return reached;
}

Deno.test("a gateway never loads the code that writes to etcd", () => {
  for (const start of ["src/gateway/gateway.ts", "src/cli/serve.ts", "src/cli/check.ts"]) {
    const reached = reachableFrom(start);
    assert(reached.has("src/config/etcd/wire/connection.ts"), `${start} reaches what reads from etcd`);
    assertEquals([...reached].filter((path) => path.startsWith("src/migrate/")), []);
  }
});

Deno.test("the command line loads the migration only when it is asked for", () => {
  const importers = edges.filter(({ to }) => to === "src/cli/migrate.ts").map(({ from }) => from);
  assertEquals(importers, ["src/main.ts"]);
  const main = src.find(({ path }) => path === "src/main.ts")?.text ?? "";
  assertEquals(main.match(/"\.\/cli\/migrate\.ts"/g)?.length, 1);
  assert(main.includes('await import("./cli/migrate.ts")'));
});
