/** Rules of this repository that neither the formatter, the linter nor the compiler knows. */

import { listFiles, type SourceFile } from "./source_files.ts";

const MAX_LINES = 500;
const MIN_WORDS_OF_A_SENTENCE = 4;
const MAX_CHARACTERS_OF_A_NAME = 90;

/** Hosts of package registries: only the configuration of a machine may name one. */
const REGISTRY_HOST = /\b(?:npmjs|npmmirror|yarnpkg)\.(?:org|com)\b|\bjsr\.io\b/g;

/** Home and work directories of one machine. */
const MACHINE_PATH = /(?<![\w.~*}-])\/(?:root|home|Users|work)\/\w|\b[A-Z]:\\Users\\/g;

/** Files of more lines than one can keep in mind. */
export function findLongFiles(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    return lines > MAX_LINES ? [`${path} has ${lines} lines, more than ${MAX_LINES}`] : [];
  });
}

/** Tests that are switched off, or that switch off all others. */
export function findSwitchedOffTests(files: readonly SourceFile[]): string[] {
  return [
    ...findMatches(files, /^\s*(?:Deno\.test|await \w+\.step)\.(?:only|ignore|skip)\b/gm),
    ...findMatches(files, /(?:^|[{,])\s*(?:only|ignore):\s/gm),
  ];
}

/** Names of tests that are too short to say what happens when. Those with values filled in are not judged. */
export function findTestsWithoutSentence(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    namesOfTests(file)
      .filter((name) => !name.includes("${") && name.trim().split(/\s+/).length < MIN_WORDS_OF_A_SENTENCE)
      .map((name) => `${file.path}: "${name}" is not a sentence`)
  );
}

/** Names of tests that do not fit into a line of a report. */
export function findLongTestNames(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    namesOfTests(file).filter((name) => name.length > MAX_CHARACTERS_OF_A_NAME)
      .map((name) => `${file.path}: "${name}" has ${name.length} characters, more than 90`)
  );
}

/** As written: values are not filled in. */
function namesOfTests({ text }: SourceFile): string[] {
  const named = /^\s*(?:Deno\.)?test\(\s*(?:\{[^}]*?\bname:\s*)?(["'`])((?:\\.|(?!\1)[^\\])*)\1/gm;
  return [...text.matchAll(named)].map(([, , name = ""]) => name);
}

/** Exported functions, classes, interfaces and constants that nobody has described. */
export function findUndocumentedExports(files: readonly SourceFile[]): string[] {
  const exported = /^export (?:default )?(?:abstract |async )*(?:function\*?|class|interface|const) (\w+)/;
  return files.flatMap(({ path, text }) => {
    const lines = text.split("\n");
    const described = new Set<string>();
    return lines.flatMap((line, index) => {
      const name = exported.exec(line)?.[1];
      if (name === undefined) return [];
      // The signatures of an overloaded function stand together; the first one's comment is for all.
      if (lines[index - 1]?.endsWith("*/")) described.add(name);
      return described.has(name) ? [] : [`${path}:${index + 1}: ${name} has no doc comment`];
    });
  });
}

/** Lines that are true on one machine or network only. */
export function findMachineDetails(files: readonly SourceFile[]): string[] {
  return [...findMatches(files, REGISTRY_HOST), ...findMatches(files, MACHINE_PATH)];
}

/** What profilers, dumps and merges leave behind, which a careless commit takes along. */
export function findLeftovers(paths: readonly string[]): string[] {
  return paths.filter((path) => /\.(log|cpuprofile|heapsnapshot|orig|rej|bak|tmp)$/.test(path));
}

/**
 * Names of a registry that nothing is tested under, and worlds of what the registry does not have.
 *
 * @param folder of the worlds, one file a name
 */
export function findWorldless(names: readonly string[], folder: string, paths: readonly string[]): string[] {
  const worlds = paths.filter((path) => path.startsWith(`${folder}/`))
    .map((path) => path.slice(folder.length + 1).replace(/\.ts$|\/.*$/, ""));
  return [
    ...names.filter((name) => !worlds.includes(name))
      .map((name) => `'${name}' has no world to be tested in: write ${folder}/${name}.ts, see src/README.md`),
    ...worlds.filter((world) => !names.includes(world))
      .map((world) => `${folder} has a world of '${world}', which is not in the registry`),
  ];
}

/** Every file that belongs to the repository: all but version control and what `.gitignore` names. */
export async function listRepositoryFiles(root: string): Promise<string[]> {
  const ignored = ignoredPaths(await Deno.readTextFile(`${root}/.gitignore`));
  return await listFiles(root, "", (path) => path === ".git" || ignored.has(path));
}

/**
 * The paths that a `.gitignore` names.
 *
 * @throws {Error} for a pattern: only plain paths from the root, like `/data/`, are understood here
 */
export function ignoredPaths(gitignore: string): ReadonlySet<string> {
  const lines = gitignore.split("\n").map((line) => line.trim()).filter((line) => !/^(#|$)/.test(line));
  return new Set(lines.map((line) => {
    const path = /^\/([\w.\/-]+?)\/?$/.exec(line)?.[1];
    if (path === undefined) throw new Error(`.gitignore names no plain path from the root: ${line}`);
    return path;
  }));
}

function findMatches(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) => {
      const line = text.slice(0, match.index + match[0].search(/\S/)).split("\n").length;
      return `${path}:${line}: ${match[0].trim()}`;
    })
  );
}
