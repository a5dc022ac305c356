/** Releases of RQ from Python's package index, beside the one that Debian has. */

import { installPythonPackage } from "../python_package.ts";

/**
 * Installs a release once, into a folder of the user's cache that nothing else reads.
 *
 * @returns the folder, for `PYTHONPATH`
 * @throws {Error} with pip's output when it cannot be installed
 */
export function installRq(version: string): Promise<string> {
  return installPythonPackage({ name: "rq", version });
}
