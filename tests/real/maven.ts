/**
 * Java programs from Maven, kept in the user's cache.
 *
 * @module
 */

import { join } from "@std/path";
import { cacheFolder } from "./cache.ts";

/** A library: its group, artifact and version. */
export type MavenLibrary = readonly [group: string, artifact: string, version: string];

/** Where libraries are, with all that they need. @param name as in {@linkcode cacheFolder} */
export function mavenClassPath(name: string): string {
  return join(cacheFolder(name), "libs", "*");
}

/** Downloads libraries unless they are there. Returns why that is not possible, if so. */
export async function installFromMaven(
  name: string,
  libraries: readonly MavenLibrary[],
): Promise<string | undefined> {
  for (const program of ["java", "mvn"]) {
    if (!await runs(program, ["-version"])) return `there is no ${program}`;
  }
  const directory = cacheFolder(name);
  const done = join(directory, "complete");
  try {
    await Deno.stat(done);
    return undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(join(directory, "pom.xml"), pomOf(libraries));
  const { success, stdout } = await new Deno.Command("mvn", {
    args: ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"],
    cwd: directory,
  }).output();
  if (!success) return `mvn failed: ${new TextDecoder().decode(stdout).split("\n", 1)[0]}`;
  await Deno.writeTextFile(done, "");
  return undefined;
}

function pomOf(libraries: readonly MavenLibrary[]): string {
  const dependencies = libraries.map(([group, artifact, version]) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
  );
  return `<project><modelVersion>4.0.0</modelVersion>
<groupId>cwm</groupId><artifactId>for-tests</artifactId><version>1</version>
<dependencies>
${dependencies.join("\n")}
</dependencies></project>
`;
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: [...args] }).output()).success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}
