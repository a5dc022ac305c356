/**
 * How an interrupted command says how to go on.
 *
 * @module
 */

/** Exit status of a command that was interrupted, by the shell's convention. */
export const INTERRUPTED = 130;

/** What a shell leaves as it is. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** The command that goes on. Options without a value are left out, those of `true` have none. */
export function continuation(
  action: "export" | "replay",
  query: URLSearchParams,
  options: Readonly<Record<string, string | true | undefined>>,
): string {
  const words = [...query, ...Object.entries(options)].flatMap(([name, value]) =>
    value === undefined ? [] : value === true ? [`--${name}`] : [`--${name}`, quoted(value)]
  );
  return `Go on with: cwm events ${[action, ...words].join(" ")}`;
}

function quoted(value: string): string {
  return PLAIN.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
