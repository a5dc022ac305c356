/**
 * Holds manifests to the schemas of Kubernetes, without a cluster.
 *
 * @module
 */

import { installPythonPackage } from "../python_package.ts";

/** Brings the schemas of Kubernetes 1.25 to 1.37. */
const VALIDATOR = { name: "kubernetes-validate", version: "1.37.0" };

/** The oldest version that the manifests are for, and the newest that there are schemas for. */
const VERSIONS = ["1.30", "1.37"];

/**
 * Looks at all objects of some files; keys that Kubernetes does not know are wrong.
 *
 * @returns what is wrong, as the validator says it; empty for nothing
 */
export async function validateManifests(files: readonly string[], directory: string): Promise<string> {
  const PYTHONPATH = await installPythonPackage(VALIDATOR);
  let said = "";
  for (const version of VERSIONS) {
    const { success, stdout, stderr } = await new Deno.Command("python3", {
      args: ["-m", "kubernetes_validate", "--strict", "--quiet", "-k", version, ...files],
      cwd: directory,
      env: { PYTHONPATH },
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (!success || output !== "") said += `${version}: ${output}\n`;
  }
  return said;
}
