/**
 * The pages of the documentation: every Markdown file of the repository, their links and their examples.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { listRepositoryFiles } from "./rules.ts";

/** The pages by path, with what stands in them. */
export async function readPages(root: string): Promise<Map<string, string>> {
  const paths = (await listRepositoryFiles(root)).filter((path) => path.endsWith(".md")).sort();
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(join(root, path))));
  return new Map(paths.map((path, index) => [path, texts[index]!]));
}

/** A link that leads to a file of the repository. */
export interface Link {
  readonly from: string;
  /** The file or folder, relative to the repository. */
  readonly to: string;
  /** What follows `#`; empty where nothing does. */
  readonly anchor: string;
}

/** The links of a page within the repository, those of code left out. */
export function linksOf(path: string, page: string): Link[] {
  const text = withoutCode(page);
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor = ""] = target.split("#");
      return { from: path, to: file === "" ? path : join(dirname(path), file), anchor };
    });
}

/** What the headings of a page can be linked by, as GitHub makes it. */
export function anchorsOf(page: string): Set<string> {
  const headings = [...withoutFences(page).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
  return new Set(
    headings.map((heading) =>
      heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-")
    ),
  );
}

/** The fenced blocks of a page in one language. */
export function blocksOf(page: string, language: string): string[] {
  const block = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm");
  return [...page.matchAll(block)].map((match) => match[1]!);
}

/** The lines of a page that are longer than they may be: all but those of tables, links and addresses. */
export function longLines(page: string, columns: number): string[] {
  return page.split("\n").filter((line) => [...line].length > columns);
}

function withoutFences(page: string): string {
  return page.replaceAll(/^```[^]*?^```$/gm, "");
}

function withoutCode(page: string): string {
  return withoutFences(page).replaceAll(/`[^`\n]*`/g, "");
}
