/**
 * The programs that make manifests, built once from their Go modules, which takes some minutes each.
 *
 * @module
 */

import { join } from "@std/path";
import { pathExists } from "../../support/path_exists.ts";
import { cacheFolder } from "../cache.ts";
import type { ReadySystem, RealSystem } from "../real_system.ts";

/** kustomize 5. */
export const kustomize: RealSystem = {
  name: "kustomize",
  files: ["tests/real/kubernetes/kustomize_test.ts"],
  prepare: () => build("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "v5.5.0"),
};

/** Helm 3. */
export const helm: RealSystem = {
  name: "helm",
  files: ["tests/real/kubernetes/helm_test.ts"],
  prepare: () => build("helm", "helm.sh/helm/v3/cmd/helm", "v3.19.5"),
};

/** The program, as `NAME_BIN` in the environment of the tests. */
async function build(name: string, module: string, version: string): Promise<ReadySystem | string> {
  const folder = cacheFolder(`${name}-${version}`);
  const program = join(folder, name);
  if (!await pathExists(program)) {
    try {
      const { success } = await new Deno.Command("go", {
        args: ["install", `${module}@${version}`],
        env: { GOBIN: folder },
        stdin: "null",
      }).spawn().status;
      if (!success) return `go install ${module}@${version} failed`;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "there is no Go";
      throw error;
    }
  }
  return {
    version: version.slice(1),
    env: { [`${name.toUpperCase()}_BIN`]: program },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
