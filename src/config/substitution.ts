/**
 * Replaces references in configuration values. A replaced text is not looked at again, so a variable's value
 * cannot bring in another one. What begins like a reference and is none is a problem, never its own text.
 *
 * @module
 */

import { SECRET_VARIABLES } from "../settings.ts";
import type { ProblemReason, WarningReason } from "./problem.ts";
import { mayHoldReference, parseReferences, type Reference } from "./reference.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where references are looked up. */
export interface Lookups {
  readonly environment: Environment;
  /** Variables that hold secrets of the process itself: nothing reads them. @default SECRET_VARIABLES */
  readonly ownSecrets?: ReadonlySet<string>;
  /** Stands in for what does not exist and has no default, in the place of a problem. */
  readonly placeholder?: string;
}

/** The value with all references replaced, and one problem per reference that could not be. */
export interface Substituted {
  readonly value: unknown;
  readonly problems: readonly ProblemReason[];
  readonly warnings: readonly WarningReason[];
}

/**
 * Replaces the references in all string values of a parsed JSON value. Parts without references are
 * returned as they are, not copied. A key that holds a reference is a problem.
 */
export function substitute(value: unknown, lookups: Lookups): Substituted {
  const substitution = new Substitution(lookups);
  const replaced = substitution.replaceIn(value, "");
  return { value: replaced, problems: substitution.problems, warnings: substitution.warnings };
}

/** `$NAME` or `${NAME}`, alone or after a word such as `Bearer`. */
const SHELL_VARIABLE = /^(?:[A-Za-z][\w-]*\s+)?\$(?:[A-Za-z_]\w*|\{[^{}]*\})\s*$/;

class Substitution {
  readonly problems: ProblemReason[] = [];
  readonly warnings: WarningReason[] = [];
  readonly #lookups: Lookups;

  constructor(lookups: Lookups) {
    this.#lookups = lookups;
  }

  replaceIn(value: unknown, path: string): unknown {
    if (typeof value === "string") return value.includes("$") ? this.#replaceInText(value, path) : value;
    if (value === null || typeof value !== "object") return value;
    let copy: Record<string, unknown> | undefined;
    for (const key of Object.keys(value)) {
      const child = (value as Record<string, unknown>)[key];
      if (mayHoldReference(key)) this.#refuseKey(path);
      if (typeof child !== "string" && typeof child !== "object") continue;
      const replaced = this.replaceIn(child, path === "" ? key : `${path}.${key}`);
      // Assigning to __proto__ would change the copy's prototype; no schema knows this key, so it may stay.
      if (replaced === child || key === "__proto__") continue;
      copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
      copy[key] = replaced;
    }
    return copy ?? value;
  }

  #refuseKey(path: string): void {
    const message = "A key holds '{$', but references are replaced in values only";
    this.problems.push({ code: "invalid_reference", path, message });
  }

  #replaceInText(text: string, path: string): string {
    if (!mayHoldReference(text)) {
      this.#warnOfShellVariable(text, path);
      return text;
    }
    const parsed = parseReferences(text);
    if ("fault" in parsed) {
      this.problems.push({ code: "invalid_reference", path, message: parsed.fault });
      return text;
    }
    const parts = parsed.parts.map((part) => typeof part === "string" ? part : this.#resolve(part, path));
    return parts.includes(undefined) ? text : parts.join("");
  }

  #resolve(reference: Reference, path: string): string | undefined {
    if (reference.fallback !== undefined) this.#warnOfShellVariable(reference.fallback, path);
    if (reference.source !== "env") {
      const message = `References to {$${reference.source}:…} are not built yet`;
      this.problems.push({ code: "not_supported_yet", path, message });
      return undefined;
    }
    return this.#resolveVariable(reference, path);
  }

  #resolveVariable(
    { name, fallback }: Extract<Reference, { source: "env" }>,
    path: string,
  ): string | undefined {
    const { environment, ownSecrets = SECRET_VARIABLES, placeholder } = this.#lookups;
    if (ownSecrets.has(name)) {
      const message =
        `Environment variable ${name} holds a secret of this program itself, which no configuration may read`;
      this.problems.push({ code: "invalid_reference", path, message });
      return undefined;
    }
    const value = environment[name];
    // Every object has a `constructor` and a `toString`, which are functions.
    if (typeof value === "string") return value;
    const instead = fallback ?? placeholder;
    if (instead !== undefined) return instead;
    const message =
      `Environment variable ${name} is not set and has no default: write {$${name}:default} or set it`;
    this.problems.push({ code: "missing_variable", path, message });
    return undefined;
  }

  /** The text is not quoted: it may be a secret that only looks so. */
  #warnOfShellVariable(text: string, path: string): void {
    if (!SHELL_VARIABLE.test(text)) return;
    const message = "This has the form of a shell's variable, which is not replaced: " +
      "write {$NAME} if it is meant to be the variable NAME";
    this.warnings.push({ code: "shell_variable", path, message });
  }
}
