/**
 * Signals that end the program, and the exit status of each.
 *
 * @module
 */

import { exitAtOnce } from "./exit/exit.ts";

/** Exit status of a process that a signal ended, by the shell's convention. */
const EXIT_STATUS_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that ends the program. */
export type EndSignal = keyof typeof EXIT_STATUS_OF_SIGNAL;

/**
 * Listens to signals from the moment that it is made. What comes before anybody asks is kept: a signal in the middle
 * of a start is as good as one after it.
 */
export class ProcessSignals {
  /** Resolves with the first SIGTERM or SIGINT. The second one ends the process at once. */
  readonly ended: Promise<EndSignal>;
  readonly #end = new AbortController();
  #onReload: (() => void) | undefined;
  #wantsReload = false;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<EndSignal>();
    this.ended = promise;
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(name, () => {
        if (this.#end.signal.aborted) exitAtOnce(EXIT_STATUS_OF_SIGNAL[name]);
        // First, so that what the abort ends is known to be ended by it.
        resolve(name);
        this.#end.abort();
      });
    }
    // There is no such signal to listen to everywhere, and where it has no listener it ends the process.
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", () => this.#reload());
  }

  /** Aborts when {@linkcode ended} resolves. */
  get stop(): AbortSignal {
    return this.#end.signal;
  }

  /** Calls a function at each SIGHUP from now on, and at once when there was one before. */
  onReload(listener: () => void): void {
    this.#onReload = listener;
    if (this.#wantsReload) this.#reload();
  }

  #reload(): void {
    this.#wantsReload = this.#onReload === undefined;
    this.#onReload?.();
  }
}
