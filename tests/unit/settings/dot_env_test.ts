import { assert, assertEquals, assertRejects } from "@std/assert";
import { StartupError } from "../../../src/errors.ts";
import { parseDotEnv, withDotEnv } from "../../../src/settings/dot_env.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** The values of lines, each of which has one variable `A`. */
const valuesOf = (...lines: readonly string[]) =>
  lines.map((line) => {
    const { variables, faults } = parseDotEnv(line);
    return faults.length > 0 ? faults : variables["A"];
  });

Deno.test("a line of .env gives a name its value, with or without quotes", () => {
  assertEquals(
    valuesOf(
      "A=b",
      "  A = b  ",
      "export A=b",
      "A=",
      "A=b c",
      "A=b=c",
      "A='b c '",
      'A=" b"',
      "A=''",
      "\ufeffA=b",
    ),
    ["b", "b", "b", "", "b c", "b=c", "b c ", " b", "", "b"],
  );
});

Deno.test("nothing in .env is expanded, and only double quotes have escapes", () => {
  assertEquals(
    valuesOf("A=$HOME", 'A="${HOME}"', "A=`id`", String.raw`A=b\n`, String.raw`A='b\n'`),
    ["$HOME", "${HOME}", "`id`", String.raw`b\n`, String.raw`b\n`],
  );
  assertEquals(valuesOf(String.raw`A="\n\r\t\"\\\$\d"`), ['\n\r\t"\\$\\d']);
});

Deno.test("a comment in .env begins a line, or follows a value after white space", () => {
  assertEquals(
    valuesOf("# A=c\nA=b", "A=b # c", "A=b#c", "A= # c", "A=#c", "A='b' # c", 'A="b # c"', "A='b'#c"),
    ["b", "b", "b#c", "", "", "b", "b # c", "b"],
  );
});

Deno.test("lines of .env end as on any system, and the last one of a name counts", () => {
  const { variables, faults } = parseDotEnv("A=1\r\nB=2\rC=3\n\n__proto__=x\nA=4");
  assertEquals([variables["A"], variables["B"], variables["C"], Object.keys(variables).length], [
    "4",
    "2",
    "3",
    4,
  ]);
  assertEquals(faults, []);
});

Deno.test("a variable of the process wins over .env, also when it is empty", async () => {
  await using dir = await TempDir.create();
  const path = await dir.writeText(".env", "A=file\nB=file\nC=file");
  assertEquals(await withDotEnv({ A: "process", B: "" }, path), { A: "process", B: "", C: "file" });
  assertEquals(await withDotEnv({ A: "process" }, dir.file("none")), { A: "process" });
});

Deno.test("a line of .env that is none is a problem with its number, and is never shown", async () => {
  const rules = {
    name: "be NAME=value, with a name of A-Z a-z 0-9 _",
    quote: "end with the quote that its value begins with, or a comment behind it",
    nul: "have no NUL characters",
  };
  const lines: readonly [string, keyof typeof rules][] = [
    ["hunter2", "name"],
    ["=hunter2", "name"],
    ["1A=hunter2", "name"],
    ["A-B=hunter2", "name"],
    ["exportA hunter2", "name"],
    ["A='hunter2", "quote"],
    ['A="hunter2', "quote"],
    [String.raw`A="hunter2\"`, "quote"],
    ["A='hunter2' hunter2", "quote"],
    ["A='hunter2''", "quote"],
    ["A=hunter2\0", "nul"],
  ];
  await using dir = await TempDir.create();
  const path = await dir.writeText(".env", ["OK=1", ...lines.map(([line]) => line)].join("\n"));
  const { code, problems } = await assertRejects(() => withDotEnv({}, path), StartupError);
  assertEquals(code, "settings_invalid");
  assertEquals(
    problems,
    lines.map(([, rule], index) => `${path}:${index + 2}: The line must ${rules[rule]}: it is not shown`),
  );
  assert(!problems.join("\n").includes("hunter2"));
});

Deno.test("very many wrong lines of .env are counted", async () => {
  await using dir = await TempDir.create();
  const path = await dir.writeText(".env", "wrong\n".repeat(1_000));
  const { problems } = await assertRejects(() => withDotEnv({}, path), StartupError);
  assertEquals([problems.length, problems.at(-1)], [21, `${path}: 980 more lines are wrong`]);
});

Deno.test("a .env that is too large, no text or no file is a problem that says so", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file("directory"));
  await Deno.writeFile(dir.file("latin1"), new Uint8Array([0x41, 0x3d, 0xe4]));
  await dir.writeText("large", `A=${"x".repeat(1024 * 1024)}`);
  const reasons = await Promise.all(["directory", "latin1", "large"].map(async (name) => {
    const { problems } = await assertRejects(() => withDotEnv({}, dir.file(name)), StartupError);
    return problems.join().replace(`${dir.path}/`, "");
  }));
  assertEquals(reasons, [
    "directory: The file cannot be read: it is not a regular file",
    "latin1: The file cannot be read: it is not valid UTF-8",
    "large: The file cannot be read: it has more than 1048576 bytes",
  ]);
});

Deno.test("the example of .env on the page is one that a gateway starts with", async () => {
  const page = await Deno.readTextFile(new URL("../../../src/settings/README.md", import.meta.url));
  const [, example = ""] = /^## `\.env`$[^]*?^```\n([^]*?)^```$/m.exec(page) ?? [];
  const { variables, faults } = parseDotEnv(example);
  assertEquals([Object.keys(variables), faults], [["PORT", "ADMIN_TOKEN", "SHOP_SECRET"], []]);
  assertEquals(variables["SHOP_SECRET"], "with a line end at the end\n");
  assertEquals(loadSettings(variables, { logIsTerminal: false }).port, 8080);
});
