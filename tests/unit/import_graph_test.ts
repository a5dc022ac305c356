import { assertEquals } from "@std/assert";
import {
  findComputedImports,
  findEnvironmentReads,
  findForeignSpecifiers,
  findImportCycles,
  findOrderViolations,
  findOwnEvents,
  findRestoredEvents,
  findVerifiedEventCasts,
  importsOf,
} from "../support/house/import_graph.ts";
import { REPOSITORY } from "../support/repository.ts";
import { readTypeScript, type SourceFile } from "../support/house/source_files.ts";

const src = await readTypeScript(REPOSITORY, "src");

/** Files from their texts, for rules to be tried on. */
function files(texts: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(texts).map(([path, text]) => ({ path, text }));
}

Deno.test("src is read for the rules below to judge", () => {
  assertEquals(src.some(({ path }) => path === "src/errors.ts"), true);
});

Deno.test("rooms of src import only from rooms below them", () => {
  assertEquals(findOrderViolations(src), []);
});

Deno.test("files of src import each other without cycles", () => {
  assertEquals(findImportCycles(src), []);
});

Deno.test("src names its dependencies only as deno.json maps them", () => {
  assertEquals(findForeignSpecifiers(src), []);
});

Deno.test("src imports only paths that are written out", () => {
  assertEquals(findComputedImports(src), []);
});

Deno.test("only settings read the environment of the process", () => {
  assertEquals(findEnvironmentReads(src), []);
});

Deno.test("only the auth room declares an event verified", () => {
  assertEquals(findVerifiedEventCasts(src), []);
});

Deno.test("only what reads stored events restores verified ones", () => {
  assertEquals(findRestoredEvents(src), []);
});

Deno.test("only what gives notices makes events of the gateway's own", () => {
  assertEquals(findOwnEvents(src), []);
  const tree = files({
    "src/http/route.ts": "deliver(ownEvent(event));",
    "src/http/router.ts": "// ownEvent is for notices",
  });
  assertEquals(findOwnEvents(tree), ["src/http/route.ts makes an event of the gateway's own"]);
});

Deno.test("import graph finds every way in which one file refers to another", () => {
  const text = [
    'import { a } from "./a.ts";',
    'import type { B } from "./b.ts";',
    "import {",
    "  c,",
    '} from "./c.ts";',
    'import "./d.ts";',
    'export * from "./e.ts";',
    'export { f } from "./f.ts";',
    'const g = await import("./g.ts");',
    'type H = import("./h.ts").H;',
    'new Worker(new URL("./i.ts", import.meta.url), { type: "module" });',
    'const text = "http://host/path"; // import("./x.ts")',
    "/**",
    ' * import { y } from "./y.ts";',
    " */",
    'export const z = Array.from("./z.ts");',
  ].join("\n");
  const [file] = files({ "src/http/all.ts": text });
  assertEquals(
    importsOf(file!).map(({ to }) => to).toSorted(),
    ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map((name) => `src/http/${name}.ts`),
  );
});

Deno.test("import graph reports a room that imports from a room above it", () => {
  const tree = files({
    "src/modules/log/log.ts": 'import { manager } from "../../config/manager.ts";',
    "src/config/manager.ts": 'import { verify } from "../auth/verify.ts";',
    "src/auth/verify.ts": "",
  });
  assertEquals(findOrderViolations(tree), [
    "src/modules/log/log.ts imports src/config/manager.ts: modules/log/ may not import config/manager.ts",
  ]);
});

Deno.test("import graph reports a room that imports from its neighbour on the same rank", () => {
  const tree = files({
    "src/http/router.ts": 'import "../connector/config.ts";',
    "src/connector/config.ts": 'import "./stream.ts";',
    "src/connector/stream.ts": "",
  });
  assertEquals(findOrderViolations(tree), [
    "src/http/router.ts imports src/connector/config.ts: http/ may not import connector/",
  ]);
});

Deno.test("import graph takes each module for a room of its own, without a line for a new one", () => {
  const sources = {
    "src/modules/fax/fax.ts": 'import "./paper.ts";\nimport "../telex/telex.ts";\nimport "../module.ts";\n',
    "src/modules/fax/paper.ts": "",
    "src/modules/telex/telex.ts": "",
    "src/modules/module.ts": "",
  };
  assertEquals(findOrderViolations(files(sources)), [
    "src/modules/fax/fax.ts imports src/modules/telex/telex.ts: modules/fax/ may not import modules/telex/",
  ]);
});

Deno.test("import graph lets every room import the errors, which import nothing", () => {
  const tree = files({
    "src/settings/settings.ts": 'import "../errors.ts"; import "../observability/logging.ts";',
    "src/errors.ts": 'import "./auth/verify.ts";',
    "src/observability/logging.ts": "",
    "src/auth/verify.ts": 'import "../errors.ts";',
  });
  assertEquals(findOrderViolations(tree), [
    "src/errors.ts imports src/auth/verify.ts: errors.ts may not import auth/",
  ]);
});

Deno.test("import graph tells a room within a room from the room around it", () => {
  const tree = files({
    "src/config/etcd/wire/page.ts": 'import "../watch.ts";',
    "src/config/etcd/watch.ts": 'import "./wire/page.ts"; import "../problem.ts";',
    "src/config/problem.ts": "",
  });
  assertEquals(findOrderViolations(tree), [
    "src/config/etcd/wire/page.ts imports src/config/etcd/watch.ts: config/etcd/wire/ may not import config/etcd/watch.ts",
  ]);
});

Deno.test("import graph reports a folder that the order of rooms does not name", () => {
  assertEquals(findOrderViolations(files({ "src/utils/strings.ts": "" })), [
    "src/utils/ has no place in the order of rooms",
  ]);
});

Deno.test("import graph reports an import from outside of src other than deno.json", () => {
  const tree = files({
    "src/main.ts": 'import "../tests/support/temp_dir.ts";',
    "src/version.ts": 'import project from "../deno.json" with { type: "json" };',
  });
  assertEquals(findOrderViolations(tree), [
    "src/main.ts imports ../tests/support/temp_dir.ts, which is not a file of src",
  ]);
});

Deno.test("import graph reports a cycle once and with every file on it", () => {
  const tree = files({
    "src/a.ts": 'import "./b.ts";',
    "src/b.ts": 'import type { C } from "./c.ts";',
    "src/c.ts": 'import "./b.ts";',
  });
  assertEquals(findImportCycles(tree), ["src/b.ts -> src/c.ts -> src/b.ts"]);
});

Deno.test("import graph reports specifiers that carry a registry or a host", () => {
  const tree = files({
    "src/a.ts": 'import "npm:zod@4";\nimport "node:http";\nimport "zod";\nimport "https://host/mod.ts";',
  });
  assertEquals(findForeignSpecifiers(tree), [
    "src/a.ts imports npm:zod@4: give it a name in deno.json",
    "src/a.ts imports https://host/mod.ts: give it a name in deno.json",
  ]);
});

Deno.test("import graph reports computed imports but not literal ones", () => {
  const tree = files({
    "src/a.ts": 'await import("./b.ts");\nawait import("./c.json", { with: { type: "json" } });\n' +
      "await import(name);\nawait import(`./${name}.ts`);",
  });
  assertEquals(findComputedImports(tree), [
    "src/a.ts imports a computed path: import(name)",
    "src/a.ts imports a computed path: import(`./${name}.ts`)",
  ]);
});

Deno.test("import graph reports reads of the environment except where they belong", () => {
  const tree = files({
    "src/settings/load.ts": 'Deno.env.get("A");',
    "src/main.ts": "loadSettings(Deno.env.toObject());",
    "src/http/a.ts": 'Deno.env.get("A");',
    "src/http/b.ts": 'import process from "node:process";',
    "src/http/c.ts": "// Deno.env is read in settings",
  });
  assertEquals(findEnvironmentReads(tree), [
    "src/http/a.ts reads the environment: Deno.env",
    'src/http/b.ts reads the environment: "node:process"',
  ]);
});

Deno.test("import graph reports casts to a verified event outside of auth", () => {
  const tree = files({
    "src/auth/authenticator.ts": "return event as VerifiedEvent;",
    "src/http/route.ts": "deliver(event as unknown as VerifiedEvent);",
    "src/delivery/host.ts": "const events: readonly VerifiedEvent[] = [];",
  });
  assertEquals(findVerifiedEventCasts(tree), ["src/http/route.ts casts to VerifiedEvent"]);
});

Deno.test("import graph reports files that restore verified events without reading stored ones", () => {
  const tree = files({
    "src/journal/event_codec.ts": "return restoreVerifiedEvent(event);",
    "src/http/route.ts": "deliver(restoreVerifiedEvent(event));",
    "src/http/router.ts": "// restoreVerifiedEvent is for stored events",
  });
  assertEquals(findRestoredEvents(tree), ["src/http/route.ts restores a verified event"]);
});
