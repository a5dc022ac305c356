/**
 * Groups of processes that get a share of one core at most, where this process may make such groups (cgroups of both
 * versions): as root, outside of most containers.
 *
 * @module
 */

const PERIOD_US = 100_000;

/** Where the system shows the groups that bound processor time, and how a bound is written there. */
const VERSIONS = [
  {
    root: "/sys/fs/cgroup/cpu",
    bound: async (group: string, quotaUs: number) => {
      await Deno.writeTextFile(`${group}/cpu.cfs_period_us`, `${PERIOD_US}`);
      await Deno.writeTextFile(`${group}/cpu.cfs_quota_us`, `${quotaUs}`);
    },
  },
  {
    root: "/sys/fs/cgroup",
    bound: (group: string, quotaUs: number) =>
      Deno.writeTextFile(`${group}/cpu.max`, `${quotaUs} ${PERIOD_US}`),
  },
] as const;

/** A bound that ends with its processes. */
export interface CpuShare extends AsyncDisposable {
  /** From now on, with all its threads. */
  hold(pid: number): Promise<void>;
}

/** @returns `undefined` where this process may bound nothing */
export async function cpuShare(cores: number): Promise<CpuShare | undefined> {
  for (const { root, bound } of VERSIONS) {
    const group = `${root}/cwm-${crypto.randomUUID()}`;
    try {
      await Deno.mkdir(group);
    } catch {
      continue; // Not this version, or not allowed.
    }
    try {
      await bound(group, cores * PERIOD_US);
    } catch {
      await Deno.remove(group);
      continue;
    }
    return {
      hold: (pid) => Deno.writeTextFile(`${group}/cgroup.procs`, `${pid}`),
      [Symbol.asyncDispose]: () => Deno.remove(group),
    };
  }
  return undefined;
}
