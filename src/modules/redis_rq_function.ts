/**
 * Which Python functions a webhook may name. A worker imports and calls whatever a job asks for, so a name
 * must not lead to what runs commands or evaluates text. A worker finds attributes of modules as well:
 * `shop.tasks.os.system` runs commands wherever `shop/tasks.py` imports `os`. So every part is looked at.
 *
 * @module
 */

const LONGEST_NAME = 255;

/** Two or more identifiers of Python, of which the last is the function. */
const DOTTED_PATH = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/;

/** Names with two underscores at both ends lead from any object to all others. */
const DUNDER = /^__.*__$/;

/**
 * Modules that run commands, load code, change the interpreter or remove files, of which a payload is enough to
 * make use. They are refused as any part of a name.
 */
const DANGEROUS_MODULES: ReadonlySet<string> = new Set([
  "builtins",
  "ctypes",
  "importlib",
  "marshal",
  "nt",
  "os",
  "pickle",
  "posix",
  "pty",
  "runpy",
  "shelve",
  "shutil",
  "subprocess",
  "sys",
]);

/** Functions that evaluate text, wherever they are found: many libraries have one of their own. */
const DANGEROUS_FUNCTIONS: ReadonlySet<string> = new Set(["eval", "exec", "execfile"]);

/** Functions of Python itself. They have no module, and a worker would call them all the same. */
const BUILTIN_FUNCTIONS: ReadonlySet<string> = new Set([
  "breakpoint",
  "compile",
  "delattr",
  "dir",
  "eval",
  "exec",
  "execfile",
  "file",
  "getattr",
  "globals",
  "hasattr",
  "help",
  "input",
  "locals",
  "open",
  "raw_input",
  "reload",
  "setattr",
  "vars",
]);

/** Why jobs may not call a function; `undefined` when they may. */
export function refuseFunction(name: string): string | undefined {
  if (name.length > LONGEST_NAME) return `The name is longer than ${LONGEST_NAME} characters`;
  const parts = name.split(".");
  const dangerous = parts.find((part) => DANGEROUS_MODULES.has(part) || DUNDER.test(part)) ??
    (DANGEROUS_FUNCTIONS.has(parts.at(-1)!) || BUILTIN_FUNCTIONS.has(name) ? parts.at(-1) : undefined);
  if (dangerous !== undefined) {
    return `A function under the name '${dangerous}' can run anything, so it is never called: name one of your own`;
  }
  return DOTTED_PATH.test(name)
    ? undefined
    : "Not the path of a function that a worker can import, such as shop.tasks.process_order";
}
