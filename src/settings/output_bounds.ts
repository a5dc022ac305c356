/**
 * What the operator lets outputs do, whoever configures webhooks: the environment variables, and the bounds that
 * they become.
 *
 * @module
 */

import { isAbsolute, normalize } from "@std/path";
import { parseServer } from "../schema/addresses.ts";
import type { ProxySettings } from "../io/http/proxy_rules.ts";
import { PROXY_VARIABLES, proxySettings } from "./proxies.ts";
import { list, matching } from "./types.ts";
import { ifSet, optional, type ValuesOf } from "./variable.ts";

/** Patterns of what outputs may do; what is left out has no bounds. */
export interface OutputBounds {
  /** Directories that files may be saved in, and in all below them. */
  readonly directories?: readonly string[];
  /** Python functions that jobs may call. */
  readonly functions?: readonly string[];
  /** Functions that tasks may name. */
  readonly tasks?: readonly string[];
  /** `host:port` of the emulator that connections to Pub/Sub lead to which say nothing of it. */
  readonly pubsubEmulator?: string;
  /** The proxies that requests of webhooks go through which say nothing of it. */
  readonly proxies?: ProxySettings;
}

/** Finds the part of a text that is permitted: all of it, or what it begins with; `undefined` when none is. */
export type AllowList = (text: string) => string | undefined;

const FUNCTION_PATTERN = /^[A-Za-z_*][A-Za-z0-9_*]*(?:\.[A-Za-z_*][A-Za-z0-9_*]*)+$/;

const TASK_PATTERN = /^[A-Za-z_*][A-Za-z0-9_.:*-]*$/;

/** The variables, in the order of the documentation. */
export const OUTPUT_BOUND_VARIABLES = {
  SAVE_TO_DISK_ROOTS: optional(
    list(matching("directory pattern", isDirectoryPattern, "be an absolute path without . and .. in it")),
    "Directories that `save_to_disk` may write to, and all below them. `*` stands for any characters between two " +
      "slashes.",
    "(all that are not the system's)",
  ),
  RQ_FUNCTIONS: optional(
    list(matching(
      "function pattern",
      (text) => FUNCTION_PATTERN.test(text),
      "be the path of a function as shop.tasks.process_order, with * for any characters between two dots",
    )),
    "Functions that jobs of `redis_rq` may call, such as `shop.tasks.*`. `*` stands for any characters between two " +
      "dots.",
    "(all that are not known as dangerous)",
  ),
  TASK_FUNCTIONS: optional(
    list(matching(
      "task pattern",
      (text) => TASK_PATTERN.test(text),
      "be the name of a function as shop.tasks.process_order, with * for any characters between two dots",
    )),
    "Functions that tasks of `task_queue` may name, such as `shop.tasks.*` or `process_order`. `*` stands for any " +
      "characters between two dots.",
    "(all)",
  ),
  PUBSUB_EMULATOR_HOST: optional(
    matching(
      "host:port",
      (text) => parseServer(text, 1) !== undefined,
      "be an address such as localhost:8085",
    ),
    "Where the emulator of Pub/Sub is: connections of type `gcp_pubsub` without `endpoint` and `emulator_host` lead " +
      "there, over HTTP and without credentials.",
    "(none)",
  ),
  ...PROXY_VARIABLES,
} as const;

/** The bounds that the variables say. */
export function outputBounds(values: ValuesOf<typeof OUTPUT_BOUND_VARIABLES>): OutputBounds {
  return {
    ...ifSet("directories", values.SAVE_TO_DISK_ROOTS),
    ...ifSet("functions", values.RQ_FUNCTIONS),
    ...ifSet("tasks", values.TASK_FUNCTIONS),
    ...ifSet("pubsubEmulator", values.PUBSUB_EMULATOR_HOST),
    ...ifSet("proxies", proxySettings(values)),
  };
}

/** Finds the directory that permits one: itself, or one above it. */
export function permittedDirectories(patterns: readonly string[]): AllowList {
  return allowList(patterns, "/", "(?:/|$)");
}

/** Finds a function that is permitted. */
export function permittedFunctions(patterns: readonly string[]): AllowList {
  return allowList(patterns, ".", "$");
}

function isDirectoryPattern(text: string): boolean {
  return isAbsolute(text) && !text.includes("\0") && withoutSlash(normalize(text)) === withoutSlash(text);
}

/** @param separator is not among the characters that `*` stands for */
function allowList(patterns: readonly string[], separator: string, end: string): AllowList {
  const expressions = patterns.map((pattern) => {
    const parts = withoutSlash(pattern).split(/\*+/).map((part) => part.replaceAll(/[^\w]/g, "\\$&"));
    return new RegExp(`^(${parts.join(`[^${separator}]*`)})${end}`, "s");
  });
  return (text) => {
    for (const expression of expressions) {
      const found = expression.exec(text)?.[1];
      if (found !== undefined) return found === "" ? separator : found;
    }
    return undefined;
  };
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}
