/**
 * Gives every test a time limit of its own: `deno test --preload=tests/support/test_time_limit.ts`. A test that
 * hangs then fails by its name, also one that never lets go of the processor, and those after it run. A test
 * that sets `timeout` itself keeps it.
 *
 * @module
 */

import { runInThisContext } from "node:vm";
import { patient } from "./patience.ts";

/** How long a test may take that says nothing else, in milliseconds. The slowest takes a tenth of it. */
const LIMIT_MS = 3 * 60_000;

/** Sets another limit, in milliseconds. */
const VARIABLE = "CWM_TEST_LIMIT_MS";

type Arguments = readonly unknown[];

type Register = (...args: Arguments) => void;

const limitMs = Number(Deno.env.get(VARIABLE) ?? patient(LIMIT_MS));
const register = Deno.test as unknown as Register;

/**
 * A test belongs to the file that the nearest frame of a script on the stack is from. Scripts of Deno itself,
 * whose names begin with `ext:`, do not count, so the function that stands in between is made as one of those.
 */
const wrap = runInThisContext("(register, limited) => (...args) => register(...limited(args))", {
  filename: "ext:cwm/test_time_limit",
}) as (register: Register, limited: (args: Arguments) => Arguments) => Register;

Object.assign(Deno, { test: Object.assign(wrap(register, limited), Deno.test) });

/** The arguments of `Deno.test` with a limit: among its options, if there are any, or else before the function. */
function limited(args: Arguments): Arguments {
  const at = args.findIndex((arg) => typeof arg === "object" && arg !== null);
  const options = { timeout: limitMs, ...(at < 0 ? {} : args[at] as object) };
  return at < 0 ? [...args.slice(0, -1), options, args.at(-1)] : args.with(at, options);
}
