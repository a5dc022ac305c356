import { join } from "@std/path";

/**
 * A folder of the user's cache for what a real system is built or installed into, so that the next run finds it.
 *
 * @param name of the system and its version, such as `etcd-3.6.16`
 */
export function cacheFolder(name: string): string {
  const base = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? ".", ".cache");
  return join(base, "cwm-test-real", name);
}
