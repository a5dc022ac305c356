/**
 * The worked guides of `src/README.md`: each block of TypeScript names the file that it is, or, for a registry, that
 * it adds to.
 *
 * @module
 */

/** A block of a guide. */
export interface GuideBlock {
  /** Relative to the repository. */
  readonly path: string;
  readonly code: string;
}

/** The blocks of a page that name a file. */
export function guideBlocksOf(page: string): GuideBlock[] {
  return [...page.matchAll(/^```ts (\S+)\n([^]*?)^```$/gm)]
    .map(([, path, code]) => ({ path: path!, code: code! }));
}

/**
 * A registry with what the block adds to it: imports, and the elements that follow `// …` in its list.
 *
 * @throws {Error} when the block does not look like that, or the registry has no such list
 */
export function withAddition(registry: string, { path, code }: GuideBlock): string {
  const imports = [...code.matchAll(/^import .*;\n/gm)].map(([line]) => line).join("");
  const [, name, added] = /export const (\w+)[^=]*= \[\s*\/\/ …\n([^]*?)\];/.exec(code) ?? [];
  const list = new RegExp(`(export const ${name}\\b[^=]*= \\[)([^\\]]*?),?\\s*(\\];)`);
  if (added === undefined || !list.test(registry)) {
    throw new Error(`The block of ${path} adds to no list of it`);
  }
  return registry.replace(
    list,
    (_all, begin: string, elements: string, end: string) => `${begin}${elements},\n${added}${end}`,
  ).replace(/^import /m, (first) => imports + first);
}
