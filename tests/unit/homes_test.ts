import { assertEquals } from "@std/assert";
import { findEmptyHomes, findStrays, type Home } from "../support/house/homes.ts";
import { REPOSITORY } from "../support/repository.ts";
import { readTypeScript } from "../support/house/source_files.ts";

const src = await readTypeScript(REPOSITORY, "src");

const LETTERS: readonly Home[] = [{ concept: "letters", sign: /letter\(/, homes: ["src/a.ts", "src/room/"] }];

Deno.test("what has a home is done by hand nowhere else", () => {
  assertEquals(findStrays(src), []);
});

Deno.test("every home does what the rule names", () => {
  assertEquals(findEmptyHomes(src), []);
});

Deno.test("house rules report what is done outside its home, and homes that do nothing", () => {
  const files = [
    { path: "src/a.ts", text: "letter();" },
    { path: "src/roomy.ts", text: "letter();" },
    { path: "src/room/b.ts", text: "" },
  ];
  assertEquals(findStrays(files, LETTERS), [
    "src/roomy.ts does letters by hand, whose home is src/a.ts or src/room/",
  ]);
  assertEquals(findEmptyHomes(files, LETTERS), ["src/room/ does no letters any more"]);
});
