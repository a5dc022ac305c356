/**
 * The command line, run beside an etcd.
 *
 * @module
 */

import { spawnProgram } from "../process/gateway_process.ts";
import type { TempDir } from "../temp_dir.ts";

/** What a command has ended with and printed. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as an operator does, with the files of a directory and an etcd. */
export async function cwm(
  args: readonly string[],
  { path: cwd }: TempDir,
  endpoint: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  await using program = spawnProgram({ args, cwd, env: { ETCD_ENDPOINTS: endpoint, ...env } });
  const { code } = await program.exited;
  const printed = (stream: string) =>
    program.lines.filter((line) => line.stream === stream).map(({ text }) => text).join("\n");
  return { status: code, stdout: printed("stdout"), stderr: printed("stderr") };
}

/** The last line of standard output. */
export function lastLine({ stdout }: Ended): string {
  return stdout.split("\n").at(-1) ?? "";
}
