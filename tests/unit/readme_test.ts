import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { anchorsOf, linksOf, longLines, readPages } from "../support/house/pages.ts";
import { withGeneratedParts } from "../support/house/readme_tables.ts";
import { listRepositoryFiles } from "../support/house/rules.ts";
import { REPOSITORY } from "../support/repository.ts";

const pages = await readPages(REPOSITORY);
const readme = pages.get("README.md")!;

Deno.test("every page says what the schemas, the settings and the error catalogue say", async () => {
  const words = (text: string | undefined) =>
    text?.split(/\s+/).filter((word) => !/^[|-]+$/.test(word)).join(" ");
  const files = await listRepositoryFiles(REPOSITORY);
  for (const [path, page] of await withGeneratedParts(pages, files)) {
    assertEquals(words(pages.get(path)), words(page), `${path}: run 'deno task readme'`);
  }
});

Deno.test("README is short enough to be read: 250 lines of 110 columns, and 12 KB", () => {
  assertEquals(longLines(readme, 110), []);
  assertEquals(readme.split("\n").length <= 250, true, `${readme.split("\n").length} lines`);
  const bytes = new TextEncoder().encode(readme).byteLength;
  assertEquals(bytes <= 12 * 1024, true, `${bytes} bytes`);
});

Deno.test("every link of a page leads to a file, and to a heading of it", async () => {
  const broken: string[] = [];
  for (const { from, to, anchor } of [...pages].flatMap(([path, page]) => linksOf(path, page))) {
    const exists = await Deno.stat(join(REPOSITORY, to)).then(() => true, () => false);
    const page = pages.get(to);
    const leads = exists && (anchor === "" || (page !== undefined && anchorsOf(page).has(anchor)));
    if (!leads) broken.push(`${from}: ${to}${anchor === "" ? "" : `#${anchor}`}`);
  }
  assertEquals(broken, []);
});

Deno.test("every page is reached from README by links", () => {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const page = pages.get(path);
    if (page === undefined || reached.has(path)) return;
    reached.add(path);
    for (const { to } of linksOf(path, page)) {
      visit(to);
      visit(join(to, "README.md"));
    }
  };
  visit("README.md");
  assertEquals([...pages.keys()].filter((path) => !reached.has(path)), []);
});

Deno.test("README and its page on tests name every task of deno.json that people run", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json"))) as {
    tasks: Record<string, unknown>;
  };
  const named = readme + pages.get("tests/README.md")!;
  for (const task of Object.keys(tasks)) assertStringIncludes(named, ` task ${task}`);
});

Deno.test("each failure on the page of operations names tests that there are", async () => {
  const rows = pages.get("docker/OPERATIONS.md")!.split("\n").filter((line) => line.includes("`tests/"));
  assert(rows.length > 10);
  const named = rows.flatMap((row) => [...row.matchAll(/`(tests\/[^`]+)`/g)].map(([, path]) => path!));
  for (const path of named) assert((await Deno.stat(join(REPOSITORY, path))).isFile, path);
});
