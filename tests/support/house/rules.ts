/** Rules of this repository that neither the formatter, the linter nor the compiler knows. */

import { dirname, join } from "@std/path";
import { listFiles, type SourceFile } from "./source_files.ts";

const MAX_LINES = 500;
const MAX_FILES_OF_A_FOLDER = 14;
const MAX_LINES_OF_A_DOOR = 150;

/** A file of fewer lines, with one export, says what it is by its doc comment alone. */
const MAX_LINES_WITHOUT_HEAD = 60;

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

/** Folders with more source files than a reader takes in at once. */
export function findFullFolders(files: readonly SourceFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts].flatMap(([folder, count]) =>
    count > MAX_FILES_OF_A_FOLDER ? [`${folder} has ${count} files, more than ${MAX_FILES_OF_A_FOLDER}`] : []
  );
}

/** Doors of output modules, by what the registry imports, that cannot be read in one go. */
export function findLongDoors(files: readonly SourceFile[]): string[] {
  const registry = files.find(({ path }) => path === "src/modules/registry.ts")?.text ?? "";
  const doors = [...registry.matchAll(/^import \{[^}]*\} from "\.\/([^"]+\/[^"]+)"/gm)]
    .map(([, door = ""]) => `src/modules/${door}`);
  if (doors.length === 0) return ["src/modules/registry.ts imports no module"];
  return files.filter(({ path }) => doors.includes(path)).flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    return lines > MAX_LINES_OF_A_DOOR
      ? [`${path} has ${lines} lines, more than ${MAX_LINES_OF_A_DOOR}`]
      : [];
  });
}

/** Files with several exports or many lines whose head does not say in a sentence what the file is. */
export function findFilesWithoutHead(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const exports = text.match(/^export /gm)?.length ?? 0;
    const lines = text.split("\n").length - 1;
    const isSmall = exports <= 1 && lines <= MAX_LINES_WITHOUT_HEAD;
    const head = /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? "";
    return isSmall || head.includes("@module") ? [] : [`${path} has no head with @module`];
  });
}

/** Exports that no other file imports, and that their own file does not use either: nobody would miss them. */
export function findUnusedExports(files: readonly SourceFile[]): string[] {
  const exported =
    /^export (?:default )?(?:abstract |async )*(?:function\*?|class|interface|const|let|type|enum) (\w+)/gm;
  const imported = importedNames(files);
  return files.flatMap(({ path, text }) => {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    return [...text.matchAll(exported)].flatMap(([, name = ""]) => {
      const isUsed = imported.has(`${path} ${name}`) || imported.has(`${path} *`) ||
        (code.match(new RegExp(`\\b${name}\\b`, "g"))?.length ?? 0) > 1;
      return isUsed ? [] : [`${path} exports ${name}, which no file of src uses`];
    });
  });
}

/** `path name` of everything that one file takes from another; `path *` where it takes all of it. */
function importedNames(files: readonly SourceFile[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { path, text } of files) {
    const fileOf = (specifier: string) => join(dirname(path), specifier);
    const lists = [
      ...text.matchAll(/^(?:import|export)(?: type)? \{([^}]*)\} from "(\.[^"]+)"/gm),
      ...text.matchAll(/\{([^{}]*)\} =\s*await import\(\s*"(\.[^"]+)"/g),
    ];
    for (const [, list = "", specifier = ""] of lists) {
      for (const part of list.split(",")) {
        const name = /^\s*(?:type )?(\w+)/.exec(part)?.[1];
        if (name !== undefined) names.add(`${fileOf(specifier)} ${name}`);
      }
    }
    const wholes = [
      ...text.matchAll(/^(?:import|export) \*(?: as \w+)? from "(\.[^"]+)"/gm),
      ...text.matchAll(/(?<!await )\bimport\(\s*"(\.[^"]+)"/g),
    ];
    for (const [, specifier = ""] of wholes) names.add(`${fileOf(specifier)} *`);
  }
  return names;
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

/** Folders of unit tests that are about no folder of `src`: what tests share has tests as well. */
const UNMIRRORED = ["tests/unit", "tests/unit/bench", "tests/unit/support"];

/** Folders of unit tests that have no counterpart in `src`, as when a room was renamed without its tests. */
export function findUnmirroredTests(testPaths: readonly string[], sourcePaths: readonly string[]): string[] {
  const folders = new Set(testPaths.map((path) => path.replace(/\/[^/]*$/, "")));
  return [...folders].filter((folder) => folder.startsWith("tests/unit") && !UNMIRRORED.includes(folder))
    .map((folder) => ({ folder, room: folder.replace("tests/unit/", "src/") }))
    .filter(({ room }) => !sourcePaths.some((path) => path.startsWith(`${room}/`)))
    .map(({ folder, room }) => `${folder} mirrors nothing: there is no ${room}`);
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
