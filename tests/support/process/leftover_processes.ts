/** Finds what tests started and did not end: it would hold ports and files, and hang pipes, after the run. */

export interface LeftoverProcess {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
}

/** The environment variable that marks every process of a test run with the run's id. */
export const RUN_VARIABLE = "CWM_TEST_RUN";

/**
 * Lists the processes of a test run that still exist: the children of tests inherit the mark of the run.
 * Only Linux shows the environment of other processes; elsewhere the list is empty.
 */
export async function findLeftoverProcesses(run: string): Promise<LeftoverProcess[]> {
  if (Deno.build.os !== "linux") return [];
  const found: LeftoverProcess[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await readProcessFile(name, "environ");
    if (!environment.split("\0").includes(`${RUN_VARIABLE}=${run}`)) continue;
    const command = (await readProcessFile(name, "cmdline")).replaceAll("\0", " ").trim();
    found.push({ pid: Number(name), command });
  }
  return found;
}

/** The file's text; empty for a process that ended meanwhile or belongs to somebody else. */
async function readProcessFile(pid: string, file: "environ" | "cmdline"): Promise<string> {
  try {
    return await Deno.readTextFile(`/proc/${pid}/${file}`);
  } catch {
    return "";
  }
}
