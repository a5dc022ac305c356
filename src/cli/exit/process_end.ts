/**
 * The end of a process that the runtime may not delay.
 *
 * @module
 */

/** Libraries with the function that ends a process and does nothing else, by system. */
const LIBRARIES: Partial<Record<typeof Deno.build.os, readonly [file: string, name: string]>> = {
  linux: ["libc.so.6", "_exit"],
  darwin: ["libSystem.B.dylib", "_exit"],
  windows: ["kernel32.dll", "ExitProcess"],
};

/**
 * A function of the system that ends this process with a status, without anything that the runtime does at the end.
 * `undefined` where the system has none that is known, or this process may not load libraries.
 */
export function openProcessEnd(): ((status: number) => void) | undefined {
  const library = LIBRARIES[Deno.build.os];
  if (library === undefined || Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return undefined;
  }
  const [file, name] = library;
  try {
    const { symbols } = Deno.dlopen(file, { end: { name, parameters: ["i32"], result: "void" } });
    return (status) => symbols.end(status);
  } catch {
    // A system with another library, where the runtime's own end has to do.
    return undefined;
  }
}

/** What the worker is asked to do. */
export interface EndOrder {
  /** How long to wait. */
  readonly milliseconds: number;
  readonly status: number;
}
