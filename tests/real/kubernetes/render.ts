/**
 * Has a program make manifests and holds them to the schemas of Kubernetes.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { validateManifests } from "../../support/kubernetes/validate.ts";
import { REPOSITORY } from "../../support/repository.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** Where the manifests and the chart stand. */
export const FOLDER = join(REPOSITORY, "docker/kubernetes");

/** What a program says with status 0; fails otherwise. @param variable names the program */
export async function outputOf(variable: string, args: readonly string[]): Promise<string> {
  const program = Deno.env.get(variable);
  if (program === undefined) throw new Error(`${variable} is not set: run deno task test:real`);
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd: FOLDER })
    .output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Fails unless Kubernetes would take all of the objects. */
export async function assertValid(manifests: string): Promise<void> {
  await using directory = await TempDir.create();
  await Deno.writeTextFile(directory.file("all.yaml"), manifests);
  assertEquals(await validateManifests(["all.yaml"], directory.path), "");
}

/** The kinds of the objects, sorted. */
export function kindsIn(manifests: string): string[] {
  return [...manifests.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind!).sort();
}
