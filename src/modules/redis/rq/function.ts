/**
 * Which Python functions a webhook may name. A worker imports and calls whatever a job asks for, so a name
 * must not lead to what runs commands or evaluates text. A worker finds attributes of modules as well:
 * `shop.tasks.os.system` runs commands wherever `shop/tasks.py` imports `os`. So every part is looked at. A list of what
 * is dangerous is never complete: the boundary is the list of what is permitted, the operator's `RQ_FUNCTIONS`.
 *
 * @module
 */

const MAX_NAME = 255;

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

/**
 * Further modules of Python, and of libraries that many workers have, that do the same. Their names are also words
 * for users' own modules, so they are refused where a name begins with them.
 */
const DANGEROUS_BEGINNINGS: ReadonlySet<string> = new Set([
  "_posixsubprocess",
  "asyncio",
  "bdb",
  "bz2",
  "cProfile",
  "cffi",
  "cloudpickle",
  "code",
  "codecs",
  "codeop",
  "commands",
  "compileall",
  "dbm",
  "dill",
  "distutils",
  "doctest",
  "ensurepip",
  "fabric",
  "fileinput",
  "gc",
  "gzip",
  "imp",
  "inspect",
  "invoke",
  "io",
  "joblib",
  "jsonpickle",
  "logging",
  "lzma",
  "mailbox",
  "multiprocessing",
  "numexpr",
  "operator",
  "pathlib",
  "paramiko",
  "pdb",
  "pexpect",
  "pip",
  "pkgutil",
  "platform",
  "plumbum",
  "popen2",
  "profile",
  "py_compile",
  "pydoc",
  "rq",
  "setuptools",
  "sh",
  "signal",
  "site",
  "socketserver",
  "sqlite3",
  "tarfile",
  "tempfile",
  "timeit",
  "trace",
  "unittest",
  "venv",
  "webbrowser",
  "yaml",
  "zipapp",
  "zipfile",
  "zipimport",
]);

/** Functions that evaluate text or run commands, wherever they are found: many libraries have one of their own. */
const DANGEROUS_FUNCTIONS: ReadonlySet<string> = new Set([
  "Popen",
  "check_call",
  "check_output",
  "create_subprocess_exec",
  "create_subprocess_shell",
  "dictConfig",
  "eval",
  "exec",
  "execfile",
  "fileConfig",
  "getoutput",
  "getstatusoutput",
  "import_module",
  "import_string",
  "popen",
  "run_module",
  "run_path",
  "runctx",
  "unsafe_load",
]);

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
  if (name.length > MAX_NAME) return `The name is longer than ${MAX_NAME} characters`;
  const parts = name.split(".");
  const dangerous = parts.find((part) => DANGEROUS_MODULES.has(part) || DUNDER.test(part)) ??
    (DANGEROUS_BEGINNINGS.has(parts[0]!) ? parts[0] : undefined) ??
    (DANGEROUS_FUNCTIONS.has(parts.at(-1)!) || BUILTIN_FUNCTIONS.has(name) ? parts.at(-1) : undefined);
  if (dangerous !== undefined) {
    return `A function under the name '${dangerous}' can run anything, so it is never called: name one of your own`;
  }
  return DOTTED_PATH.test(name)
    ? undefined
    : "Not the path of a function that a worker can import, such as shop.tasks.process_order";
}
