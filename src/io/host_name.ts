/**
 * The name of the machine, or of the container.
 *
 * @module
 */

/**
 * What the environment, or the system, calls the machine. `undefined` where neither says it: a container may not be
 * allowed to ask.
 *
 * @param environment the variables of the process
 */
export function hostName(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { HOSTNAME } = environment;
  if (HOSTNAME !== undefined && HOSTNAME !== "") return HOSTNAME;
  try {
    return Deno.hostname();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    return undefined;
  }
}
