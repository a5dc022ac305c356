/**
 * How much longer than otherwise things may take: `TEST_LOAD=8 deno task test` runs the tests beside eight busy
 * processes, with all limits of time five times as long.
 *
 * @module
 */

/** Set by the run for its tests. */
export const PATIENCE_VARIABLE = "CWM_TEST_PATIENCE";

/** The factor beside busy processes. */
export const PATIENCE_UNDER_LOAD = 5;

const factor = Number(Deno.env.get(PATIENCE_VARIABLE) ?? 1);

/** A limit of time that only bounds failures, in milliseconds, on the machine as it is. */
export function patient(ms: number): number {
  return ms * factor;
}

/** Ends what hangs: aborts after a time that only bounds failures, in milliseconds. */
export function patience(ms: number): AbortSignal {
  return AbortSignal.timeout(patient(ms));
}
