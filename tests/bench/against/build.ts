/**
 * The two builds that a comparison runs: this working tree, and a revision checked out beside it.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../../support/repository.ts";

/** Sources that a benchmark starts its programs from. */
export interface Build {
  readonly name: string;
  /** The root of its sources, without a slash at its end. */
  readonly root: string;
  /** The whole hash of its commit. Left out for the working tree. */
  readonly commit?: string;
}

/** A build in a folder of its own. Disposal removes the folder. */
export interface Checkout extends Build, AsyncDisposable {}

/** The working tree, with whatever is not committed. */
export const THIS_BUILD: Build = { name: "this build", root: REPOSITORY };

/**
 * Writes the files of a revision into a temporary folder and caches its dependencies, so that no start waits
 * for the network. The repository itself is not changed.
 *
 * @param revision whatever git takes for a commit: a hash, a tag, `HEAD~3`
 * @param repository the repository that has the revision
 * @throws {Error} when there is no such revision, or its dependencies cannot be installed
 */
export async function checkOut(revision: string, repository = REPOSITORY): Promise<Checkout> {
  const commit = (await git(repository, ["rev-parse", "--verify", `${revision}^{commit}`])).trim();
  const root = await Deno.makeTempDir({ prefix: "cwm-build-" });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => Deno.remove(root, { recursive: true }));
  const archive = `${root}.tar`;
  try {
    await git(repository, ["archive", `--output=${archive}`, commit]);
    await run("tar", ["-xf", archive, "-C", root], repository);
  } finally {
    await Deno.remove(archive).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  await takeText(join(root, "tests/bench/servers"));
  await run(Deno.execPath(), ["install", "--quiet"], root);
  const held = undo.move();
  return { name: revision, root, commit, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/**
 * Has the outputs of a revision's benchmarks take the text of a body. Those that let the runtime parse it measured
 * other work than any output of a gateway asked for: it loses digits, and takes what is not UTF-8. Both builds
 * have to do the same work.
 */
async function takeText(servers: string): Promise<void> {
  const programs = await Array.fromAsync(Deno.readDir(servers)).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return [];
  });
  for (const { name, isFile } of programs) {
    if (!isFile) continue;
    const program = await Deno.readTextFile(join(servers, name));
    const changed = program.replace('reads: "json"', 'reads: "text"');
    if (changed !== program) await Deno.writeTextFile(join(servers, name), changed);
  }
}

function git(repository: string, args: readonly string[]): Promise<string> {
  return run("git", ["-C", repository, ...args], repository);
}

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}
