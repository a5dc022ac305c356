/**
 * What `deno task test:real` needs to know of a system: how to get at the real one, and which tests run with it.
 *
 * @module
 */

/** A system that can be tested now, and which one it is. Disposal ends what was started. */
export interface ReadySystem extends AsyncDisposable {
  /** Name and version, as the system itself says. */
  readonly version: string;
  /** Variables for the tests, for example where the system listens. */
  readonly env: Readonly<Record<string, string>>;
}

/** One row of the table. */
export interface RealSystem {
  /** As named on the command line. */
  readonly name: string;
  /** The test files. They fail, rather than pass, without the system. */
  readonly files: readonly string[];
  /** Makes the system ready, or says in a few words why it cannot be: `VAULT_BIN is not set`. */
  prepare(): Promise<ReadySystem | string>;
}
