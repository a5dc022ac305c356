/** A server and the processes that it has started, as Linux shows them in `/proc`. */

import { eventually } from "../eventually.ts";

/** Ticks of a second in `/proc/<pid>/stat`: the same on every Linux that this runs on. */
const TICKS = 100;

/** The fields of `/proc/<pid>/stat` behind the name, which stands in parentheses: see proc(5). */
interface ProcessStat {
  readonly state: string;
  readonly parent: number;
  /** Processor time of the process itself, in seconds. */
  readonly own: number;
  /** Processor time of its children that have ended, in seconds. */
  readonly ended: number;
}

/** The processes that a server has started and that run, in no order. */
export async function childrenOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await statOf(Number(name));
    if (stat?.parent === pid && stat.state !== "Z") children.push(Number(name));
  }
  return children;
}

/** Stops a process and waits until it stands still: the system still takes what is sent to it. */
export async function freezeProcess(pid: number): Promise<void> {
  signal(pid, "SIGSTOP");
  await eventually(async () => ["T", "Z", undefined].includes((await statOf(pid))?.state));
}

export function thawProcess(pid: number): void {
  signal(pid, "SIGCONT");
}

/** Kills processes and waits until they are gone. */
export async function killProcesses(pids: readonly number[]): Promise<void> {
  for (const pid of pids) signal(pid, "SIGKILL");
  for (const pid of pids) {
    await eventually(async () => ["Z", undefined].includes((await statOf(pid))?.state));
  }
}

/** Processor time that a process and all it has started have used, in seconds. */
export async function processorSeconds(pid: number): Promise<number> {
  const server = await statOf(pid);
  if (server === undefined) throw new Error(`There is no process ${pid}`);
  let seconds = server.own + server.ended;
  for (const child of await childrenOf(pid)) seconds += (await statOf(child))?.own ?? 0;
  return seconds;
}

async function statOf(pid: number): Promise<ProcessStat | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(`/proc/${pid}/stat`);
  } catch {
    return undefined; // It has ended.
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = (index: number) => Number(fields[index]) / TICKS;
  return {
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    own: ticks(11) + ticks(12),
    ended: ticks(13) + ticks(14),
  };
}

/** Does nothing when the process has ended. */
function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
