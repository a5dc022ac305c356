import { exitAtOnce } from "./exit.ts";

/** Exit status of a process that a signal ended, by the shell's convention. */
const EXIT_STATUS_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that ends the program. */
export type EndSignal = keyof typeof EXIT_STATUS_OF_SIGNAL;

/** Resolves with the first SIGTERM or SIGINT. The second one ends the process at once. */
export async function firstSignal(): Promise<EndSignal> {
  const { promise, resolve } = Promise.withResolvers<EndSignal>();
  let signals = 0;
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(name, () => {
      signals++;
      if (signals > 1) exitAtOnce(EXIT_STATUS_OF_SIGNAL[name]);
      resolve(name);
    });
  }
  return await promise;
}
