/**
 * Replaces references in configuration values. A replaced text is not looked at again, so a variable's value
 * cannot bring in another one. What begins like a reference and is none is a problem, never its own text.
 *
 * @module
 */

import type { NamespaceRules, ReferenceSource } from "../../policy/rules.ts";
import { SECRET_VARIABLES } from "../../settings/table.ts";
import type { ProblemReason, ResolvedSecrets, WarningReason } from "../problem.ts";
import { mayHoldReference, parseReferences, type Reference } from "../secrets/reference.ts";
import {
  describeSecret,
  type SecretKey,
  secretKey,
  type SecretLookup,
  type SecretReference,
} from "../secrets/lookup.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where references are looked up. */
export interface Lookups {
  readonly environment: Environment;
  /** Variables that hold secrets of the process itself: nothing reads them. @default SECRET_VARIABLES */
  readonly ownSecrets?: ReadonlySet<string>;
  /** Left out: secrets are not read, so that every reference to one is a problem. */
  readonly secrets?: Pick<SecretLookup, "find">;
  /** What the policy says of a namespace. @default everything is permitted */
  readonly rulesOf?: (namespace: string) => NamespaceRules | undefined;
  /** Stands in for what does not exist and has no default, in the place of a problem. */
  readonly placeholder?: string;
}

/** The value with all references replaced, and one problem per reference that could not be. */
export interface Substituted {
  readonly value: unknown;
  readonly problems: readonly ProblemReason[];
  readonly warnings: readonly WarningReason[];
  /** What references to secrets gave; `undefined` without any. */
  readonly secrets: ResolvedSecrets | undefined;
  /** What its references read, a line each: `env TEAM_SECRET hmac.secret`. Empty without any. */
  readonly references: string;
}

/**
 * Replaces the references in all string values of a parsed JSON value. Parts without references are
 * returned as they are, not copied. A key that holds a reference is a problem.
 *
 * @param namespace of the webhook that the value is of; left out for what belongs to no namespace
 */
export function substitute(value: unknown, lookups: Lookups, namespace?: string): Substituted {
  const substitution = new Substitution(lookups, namespace);
  const replaced = substitution.replaceIn(value, "");
  const { problems, warnings, secrets, references } = substitution;
  return { value: replaced, problems, warnings, secrets, references };
}

/** `$NAME` or `${NAME}`, alone or after a word such as `Bearer`. */
const SHELL_VARIABLE = /^(?:[A-Za-z][\w-]*\s+)?\$(?:[A-Za-z_]\w*|\{[^{}]*\})\s*$/;

/** Where modules, connections and types of connections are named: in `/admin`, metrics and the log, too. */
const NAME_PATH = /^(?:type|(?:chain\.\d+\.)?(?:module|connection)|chain\.\d+)$/;

/** Where expressions stand. What is to be written as it is, as `{"value": …}`, is none. */
const EXPRESSION_PATH =
  /^(?:filter(?:\.when)?|chain\.\d+\.when|(?:chain\.\d+\.)?payload\.(?:type|subject|source|build(?:(?!\.value$).)*))$/;

class Substitution {
  readonly problems: ProblemReason[] = [];
  readonly warnings: WarningReason[] = [];
  references = "";
  readonly #lookups: Lookups;
  readonly #namespace: string | undefined;
  readonly #rules: NamespaceRules | undefined;
  #secrets: { keys: SecretKey[]; texts: string[]; stale: ProblemReason[] } | undefined;

  constructor(lookups: Lookups, namespace: string | undefined) {
    this.#lookups = lookups;
    this.#namespace = namespace;
    this.#rules = namespace === undefined ? undefined : lookups.rulesOf?.(namespace);
  }

  get secrets(): ResolvedSecrets | undefined {
    if (this.#secrets === undefined) return undefined;
    const { keys, texts, stale } = this.#secrets;
    return { keys, fingerprint: JSON.stringify(texts), stale };
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
    if (EXPRESSION_PATH.test(path)) {
      const message = "An expression holds no {$…}: what is put in could change what it says";
      this.problems.push({ code: "invalid_reference", path, message });
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
    return reference.source === "env"
      ? this.#resolveVariable(reference, path)
      : this.#resolveSecret(reference, path);
  }

  #resolveSecret(reference: SecretReference, path: string): string | undefined {
    const { secrets, placeholder } = this.#lookups;
    if (NAME_PATH.test(path)) {
      const message = "A secret cannot stand here: names of modules, connections and types are shown";
      this.problems.push({ code: "invalid_reference", path, message });
      return undefined;
    }
    if (!this.#mayRead(reference.source, reference.path, path)) return undefined;
    if (secrets === undefined) {
      if (placeholder !== undefined) return placeholder;
      const message = `${describeSecret(reference)} is read where the configuration is used, not here`;
      this.problems.push({ code: "missing_secret", path, message });
      return undefined;
    }
    const found = secrets.find(reference, this.#namespace);
    if (found.state === "refused") {
      this.problems.push(secretProblem("secret_misconfigured", path, reference, found.reason));
      return undefined;
    }
    const resolved = this.#secrets ??= { keys: [], texts: [], stale: [] };
    resolved.keys.push(secretKey(reference));
    const text = found.state === "found" ? found.text : undefined;
    // A default is for what does not exist, never for what cannot be asked.
    const instead = text ?? (found.state === "absent" ? reference.fallback : undefined);
    if (instead !== undefined) {
      resolved.texts.push(instead);
      if ("trouble" in found && found.trouble !== undefined) {
        resolved.stale.push(secretProblem("secret_unavailable", path, reference, found.trouble));
      }
      return instead;
    }
    if (found.state !== "found") {
      const code = found.state === "absent" ? "missing_secret" as const : `secret_${found.state}` as const;
      this.problems.push(secretProblem(code, path, reference, found.reason));
    }
    return undefined;
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
    if (!this.#mayRead("env", name, path)) return undefined;
    const value = environment[name];
    // Every object has a `constructor` and a `toString`, which are functions.
    if (typeof value === "string") return value;
    if (fallback !== undefined) this.#warnOfReferenceCase(name, path);
    const instead = fallback ?? placeholder;
    if (instead !== undefined) return instead;
    const message =
      `Environment variable ${name} is not set and has no default: write {$${name}:default} or set it`;
    this.problems.push({ code: "missing_variable", path, message });
    return undefined;
  }

  /** Takes note of a reference, before anything is looked up: whether there is such a thing is nobody's business either. */
  #mayRead(source: ReferenceSource, name: string, path: string): boolean {
    const message = this.#rules?.refuseReference(source, name);
    if (message !== undefined) this.problems.push({ code: "policy_forbids", path, message });
    const line = `${source} ${name} ${path.replaceAll("\n", " ")}`;
    this.references = this.references === "" ? line : `${this.references}\n${line}`;
    return message === undefined;
  }

  /** `{$FILE:NAME}` is a variable's reference with a default, which would make the name of a file the secret. */
  #warnOfReferenceCase(name: string, path: string): void {
    if (!/^(?:env|file|vault)$/i.test(name)) return;
    const message = `The environment variable ${name} is not set, and its default is used: ` +
      `write {$${name.toLowerCase()}:…} in lower case if that is meant`;
    this.warnings.push({ code: "reference_case", path, message });
  }

  /** The text is not quoted: it may be a secret that only looks so. */
  #warnOfShellVariable(text: string, path: string): void {
    if (!SHELL_VARIABLE.test(text)) return;
    const message = "This has the form of a shell's variable, which is not replaced: " +
      "write {$NAME} if it is meant to be the variable NAME";
    this.warnings.push({ code: "shell_variable", path, message });
  }
}

function secretProblem(
  code: ProblemReason["code"],
  path: string,
  reference: SecretReference,
  reason: string,
): ProblemReason {
  return { code, path, message: `${describeSecret(reference)}: ${reason}` };
}
