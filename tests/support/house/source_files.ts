/** The files of the repository, as tests about the repository itself see them. */

import { join } from "@std/path";

export interface SourceFile {
  /** Relative to the root that was searched, with `/` between the parts. */
  readonly path: string;
  readonly text: string;
}

/** Lists the files below a folder of `root`, or the one file that `path` names, sorted; hidden ones too. */
export async function listFiles(
  root: string,
  path: string,
  skip: (path: string) => boolean = () => false,
): Promise<string[]> {
  if ((await Deno.stat(join(root, path))).isFile) return [path];
  const files: string[] = [];
  for await (const entry of Deno.readDir(join(root, path))) {
    const child = path === "" || path === "." ? entry.name : `${path.replace(/\/+$/, "")}/${entry.name}`;
    if (skip(child)) continue;
    if (entry.isDirectory) files.push(...await listFiles(root, child, skip));
    else if (entry.isFile) files.push(child);
  }
  return files.sort();
}

/** What a tool has made of other files here, and what says in the place of a library's own types what is used of it. */
const NOT_WRITTEN = ["src/console/assets/", "src/console/page/types/"];

/** Reads the TypeScript files below a folder of `root`, and what they cannot say in TypeScript. */
export async function readTypeScript(root: string, folder: string): Promise<SourceFile[]> {
  const paths = (await listFiles(root, folder)).filter((path) =>
    /\.[jt]s$/.test(path) && !NOT_WRITTEN.some((folder) => path.startsWith(folder))
  );
  return await readFiles(root, paths);
}

export async function readFiles(root: string, paths: readonly string[]): Promise<SourceFile[]> {
  return await Promise.all(
    paths.map(async (path) => ({ path, text: await Deno.readTextFile(join(root, path)) })),
  );
}
