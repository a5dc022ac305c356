/** Exit status of a process that a signal ended, by the shell's convention. */
const EXIT_STATUS_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** Resolves at the first SIGTERM or SIGINT. The second one ends the process at once. */
export async function firstSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let signals = 0;
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(name, () => {
      signals++;
      if (signals > 1) Deno.exit(EXIT_STATUS_OF_SIGNAL[name]);
      resolve();
    });
  }
  await promise;
}
