import { assertEquals, assertThrows } from "@std/assert";
import { verifierKinds } from "../../src/auth/registry.ts";
import { outputModules } from "../../src/modules/registry.ts";
import {
  findFilesWithoutHead,
  findFullFolders,
  findLeftovers,
  findLongDoors,
  findLongFiles,
  findLongTestNames,
  findMachineDetails,
  findSwitchedOffTests,
  findTestsWithoutSentence,
  findUndocumentedExports,
  findUnmirroredTests,
  findUnusedExports,
  findWorldless,
  ignoredPaths,
  listRepositoryFiles,
} from "../support/house/rules.ts";
import { readPages } from "../support/house/pages.ts";
import { findUnplainWords } from "../support/house/plain_words.ts";
import { REPOSITORY } from "../support/repository.ts";
import { readFiles, readTypeScript, type SourceFile } from "../support/house/source_files.ts";
import { WORLD_FOLDERS } from "../worlds/worlds.ts";

const src = await readTypeScript(REPOSITORY, "src");
const tests = await readTypeScript(REPOSITORY, "tests");

function file(text: string): SourceFile[] {
  return [{ path: "a.ts", text }];
}

Deno.test("every TypeScript file is short enough to be read in one go", () => {
  assertEquals(findLongFiles([...src, ...tests]), []);
});

Deno.test("no folder of src has more files than a reader takes in at once", () => {
  assertEquals(findFullFolders(src), []);
});

Deno.test("the door of every output module is short enough to be read in one go", () => {
  assertEquals(findLongDoors(src), []);
});

Deno.test("every file of src with more than one export or some length says what it is", () => {
  assertEquals(findFilesWithoutHead(src), []);
});

Deno.test("src exports nothing that src does not use", () => {
  assertEquals(findUnusedExports(src), []);
});

Deno.test("no test is switched off or switches off others", () => {
  assertEquals(findSwitchedOffTests(tests), []);
});

Deno.test("every test is named by a sentence", () => {
  assertEquals(findTestsWithoutSentence(tests), []);
});

Deno.test("every test's name fits into a line of a report", () => {
  assertEquals(findLongTestNames(tests), []);
});

Deno.test("everything that src exports is documented", () => {
  assertEquals(findUndocumentedExports(src), []);
});

Deno.test("source and pages are in the words of the list in src/README.md", async () => {
  const pages = [...await readPages(REPOSITORY)].map(([path, text]) => ({ path, text }));
  assertEquals(findUnplainWords([...src, ...pages]), []);
});

Deno.test("house rules report words that are not plain, each with the plain one", () => {
  const words = [
    "The bytes else.",
    "a so-manieth key",
    "What became of it",
    "dearer",
    "nothing else.",
  ];
  assertEquals(findUnplainWords(file(words.join("\n"))), [
    'a.ts:1: "else": write `otherwise` at the end of a sentence',
    'a.ts:4: "dearer": write `expensive`',
    'a.ts:3: "What became of": write `the outcome`, or `the result`',
    'a.ts:2: "so-manieth": write `every n-th`',
  ]);
});

Deno.test("every output module and every verifier has a world that its contract is tested in", () => {
  const paths = tests.map(({ path }) => path);
  assertEquals(findWorldless(outputModules.map(({ name }) => name), WORLD_FOLDERS.outputs, paths), []);
  assertEquals(findWorldless(verifierKinds.map(({ key }) => key), WORLD_FOLDERS.verifiers, paths), []);
});

Deno.test("house rules report what has no world, and a world of nothing", () => {
  const paths = [
    "tests/worlds/outputs/log.ts",
    "tests/worlds/outputs/fax.ts",
    "tests/worlds/verifiers/mqtt.ts",
  ];
  assertEquals(findWorldless(["log", "mqtt"], "tests/worlds/outputs", paths), [
    "'mqtt' has no world to be tested in: write tests/worlds/outputs/mqtt.ts, see src/README.md",
    "tests/worlds/outputs has a world of 'fax', which is not in the registry",
  ]);
});

Deno.test("the folders of unit tests are those of what they test", () => {
  assertEquals(findUnmirroredTests(tests.map(({ path }) => path), src.map(({ path }) => path)), []);
});

Deno.test("house rules report folders of unit tests that mirror nothing", () => {
  const paths = [
    "tests/unit/a_test.ts",
    "tests/unit/old/b_test.ts",
    "tests/unit/new/c_test.ts",
    "tests/crash/d.ts",
  ];
  assertEquals(findUnmirroredTests(paths, ["src/new/c.ts"]), [
    "tests/unit/old mirrors nothing: there is no src/old",
  ]);
});

Deno.test("no file of the repository names a registry host or a path of one machine", async () => {
  const all = await readFiles(REPOSITORY, await listRepositoryFiles(REPOSITORY));
  assertEquals(findMachineDetails(all), []);
});

Deno.test("house rules report a file of more than 500 lines", () => {
  assertEquals(findLongFiles(file("\n".repeat(500))), []);
  assertEquals(findLongFiles(file("\n".repeat(501))), ["a.ts has 501 lines, more than 500"]);
});

Deno.test("house rules report tests that are switched off, in every spelling", () => {
  const lines = [
    'Deno.test.only("x',
    'Deno.test.ignore("x',
    "  ignore: true,",
    ["({ x", "only: true });"].join(", "),
  ];
  assertEquals(
    findSwitchedOffTests(file(lines.join("\n"))),
    ["a.ts:1: Deno.test.only", "a.ts:2: Deno.test.ignore", "a.ts:3: ignore:", "a.ts:4: , only:"],
  );
});

Deno.test("house rules report names of tests that are not sentences", () => {
  const lines = [
    'Deno.test("router works", () => {});',
    'Deno.test("router answers 404 for an unknown path", () => {});',
    "Deno.test(`${sentence}`, () => {});",
    "Deno.test({",
    '  name: "body limit",',
    "});",
  ];
  assertEquals(findTestsWithoutSentence(file(lines.join("\n"))), [
    'a.ts: "router works" is not a sentence',
    'a.ts: "body limit" is not a sentence',
  ]);
});

Deno.test("house rules report names of tests with more than 90 characters", () => {
  const long = "a".repeat(91);
  assertEquals(
    findLongTestNames(file(`Deno.test("${long.slice(1)}", () => {});\ntest("${long}", () => {});`)),
    [
      `a.ts: "${long}" has 91 characters, more than 90`,
    ],
  );
});

Deno.test("house rules report exports without a doc comment", () => {
  const lines = [
    "/** What it is. */",
    "export const DOCUMENTED = 1;",
    "export const UNDOCUMENTED = 1;",
    "/** Overloaded. */",
    "export function overloaded(value: string): void;",
    "export function overloaded(value: number): void;",
    "export async function undocumented(): Promise<void> {}",
    "function internal() {}",
  ];
  assertEquals(findUndocumentedExports(file(lines.join("\n"))), [
    "a.ts:3: UNDOCUMENTED has no doc comment",
    "a.ts:7: undocumented has no doc comment",
  ]);
});

Deno.test("no file of the repository was left behind by a tool", async () => {
  assertEquals(findLeftovers(await listRepositoryFiles(REPOSITORY)), []);
});

Deno.test("house rules report what tools leave behind", () => {
  assertEquals(findLeftovers(["src/main.ts", "isolate-1-v8.log", "a/main.cpuprofile", "log.ts"]), [
    "isolate-1-v8.log",
    "a/main.cpuprofile",
  ]);
});

Deno.test("house rules report registry hosts and paths of one machine", () => {
  const host = ["registry", "npmjs", "org"].join(".");
  const home = ["", "home", "u"].join("/");
  const text = `https://${host}/zod\n${home}ser/file\nsrc/home/page.ts and https://example.com/root/x\n`;
  assertEquals(findMachineDetails(file(text)), [
    `a.ts:1: ${host.slice("registry.".length)}`,
    `a.ts:2: ${home}`,
  ]);
});

Deno.test("house rules understand the plain paths of a .gitignore and refuse patterns", () => {
  assertEquals([...ignoredPaths("# made by builds\n/dist/\n/.env\n")], ["dist", ".env"]);
  assertThrows(() => ignoredPaths("*.log"), Error, "*.log");
});

Deno.test("house rules report a folder with more than 14 files, its own folders not counted", () => {
  const folder = Array.from({ length: 15 }, (_, index) => ({ path: `src/a/${index}.ts`, text: "" }));
  const inner = { path: "src/a/b/c.ts", text: "" };
  assertEquals(findFullFolders([...folder.slice(1), inner]), []);
  assertEquals(findFullFolders([...folder, inner]), ["src/a has 15 files, more than 14"]);
});

Deno.test("house rules report exports that are used nowhere, however others are imported", () => {
  const text = "export const DEAD = 1;\nexport class Here {}\nnew Here();\nexport type There = 1;\n" +
    "export function later(): void {}\n/** dead, like DEAD */\nexport interface Dead {}\n";
  const uses = 'import { type There as Here } from "./a.ts";\nimport * as all from "../b.ts";\n' +
    'const { later } = await import("./a.ts");\n';
  const files = [
    { path: "src/a.ts", text },
    { path: "src/c.ts", text: uses },
    { path: "b.ts", text: "export const DEAD = 1;\n" },
  ];
  assertEquals(findUnusedExports(files), [
    "src/a.ts exports DEAD, which no file of src uses",
    "src/a.ts exports Dead, which no file of src uses",
  ]);
});

Deno.test("house rules report files of some length or several exports without a head", () => {
  const head = "/**\n * What it is.\n *\n * @module\n */\n";
  assertEquals(findFilesWithoutHead(file("export const A = 1;\n" + "\n".repeat(59))), []);
  assertEquals(findFilesWithoutHead(file("\n".repeat(61))), ["a.ts has no head with @module"]);
  const two = "/** One. */\nexport const A = 1;\n/** @module */\nexport const B = 2;\n";
  assertEquals(findFilesWithoutHead(file(two)), ["a.ts has no head with @module"]);
  assertEquals(findFilesWithoutHead(file(head + two)), []);
});

Deno.test("house rules report doors of modules of more than 150 lines, and a registry without doors", () => {
  const registry =
    'import { a } from "./a/a.ts";\nimport { b } from "./b/c/b.ts";\nimport type { M } from "./m.ts";\n';
  const tree = [
    { path: "src/modules/registry.ts", text: registry },
    { path: "src/modules/a/a.ts", text: "\n".repeat(150) },
    { path: "src/modules/b/c/b.ts", text: "\n".repeat(151) },
    { path: "src/modules/a/inside.ts", text: "\n".repeat(400) },
  ];
  assertEquals(findLongDoors(tree), ["src/modules/b/c/b.ts has 151 lines, more than 150"]);
  assertEquals(findLongDoors(tree.slice(1)), ["src/modules/registry.ts imports no module"]);
});
