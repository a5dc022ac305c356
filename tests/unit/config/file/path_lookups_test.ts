import { assertEquals } from "@std/assert";
import { relative } from "@std/path";
import { addPathLookups, type PathLookups } from "../../../../src/config/file/path_lookups.ts";
import { TempDir } from "../../../support/temp_dir.ts";

/** The lookups of a path, with directories relative to `root`. */
async function lookupsOf(root: string, ...paths: string[]): Promise<Record<string, string[]>> {
  const lookups: PathLookups = new Map();
  for (const path of paths) await addPathLookups(lookups, path);
  return Object.fromEntries(
    [...lookups].map(([directory, names]) => [relative(root, directory), [...names]]),
  );
}

/** A temporary directory by its real path, in case the system's temporary folder is a link. */
async function createRoot(): Promise<{ readonly dir: TempDir; readonly root: string } & AsyncDisposable> {
  const dir = await TempDir.create();
  return {
    dir,
    root: await Deno.realPath(dir.path),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

Deno.test("path lookups of a plain file are its name in its folder", async () => {
  await using fixture = await createRoot();
  const { dir, root } = fixture;
  await dir.writeText("a.json", "");
  assertEquals(await lookupsOf(root, `${root}/a.json`, `${root}/b.json`), { "": ["a.json", "b.json"] });
});

Deno.test("path lookups end at the first folder that does not exist", async () => {
  await using fixture = await createRoot();
  assertEquals(await lookupsOf(fixture.root, `${fixture.root}/x/y/a.json`), { "": ["x"] });
});

Deno.test("path lookups of a mounted ConfigMap hold the link that is swapped", async () => {
  await using fixture = await createRoot();
  const { dir, root } = fixture;
  await Deno.mkdir(dir.file("..1"));
  await dir.writeText("..1/a.json", "");
  await Deno.symlink("..1", dir.file("..data"));
  await Deno.symlink("..data/a.json", dir.file("a.json"));
  assertEquals(await lookupsOf(root, `${root}/a.json`), { "": ["a.json", "..data"], "..1": ["a.json"] });
});

Deno.test("path lookups follow links of folders, absolute and relative ones", async () => {
  await using fixture = await createRoot();
  const { dir, root } = fixture;
  await Deno.mkdir(dir.file("real", "config"), { recursive: true });
  await Deno.symlink(`${root}/real`, dir.file("absolute"));
  await Deno.symlink("../absolute/config", dir.file("real", "relative"));
  assertEquals(await lookupsOf(root, `${root}/real/relative/a.json`), {
    "": ["absolute"],
    "real": ["relative"],
    "real/config": ["a.json"],
  });
});

Deno.test("path lookups of links in a circle end", async () => {
  await using fixture = await createRoot();
  const { dir, root } = fixture;
  await Deno.symlink("b", dir.file("a"));
  await Deno.symlink("a", dir.file("b"));
  assertEquals(await lookupsOf(root, `${root}/a`), { "": ["a", "b"] });
  assertEquals(await lookupsOf(root, `${root}/a/c`), { "": ["a", "b"] });
});
