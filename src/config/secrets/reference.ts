/**
 * References in configuration texts. The grammar, with an optional default in each:
 *
 *     {$NAME}  {$NAME:default}         an environment variable
 *     {$env:NAME}                      the same
 *     {$file:NAME}                     a file of secrets
 *     {$vault:PATH#FIELD}              a field of a secret in Vault
 *
 * What begins with `{$` and is none of these is a fault, since its own text would become the secret. Faults
 * never quote the text: it may be a secret, or hold one as a default.
 *
 * @module
 */

/** What a reference names, and what stands in where there is no such thing. */
export type Reference =
  & { readonly fallback: string | undefined }
  & (
    | { readonly source: "env"; readonly name: string }
    | { readonly source: "file"; readonly path: string }
    | { readonly source: "vault"; readonly path: string; readonly field: string }
  );

/** A text as a sequence of literal parts and references, or what is wrong with it in one sentence. */
export type ParsedText = { readonly parts: readonly (string | Reference)[] } | { readonly fault: string };

const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::(.*))?$/s;
const FILE = /^(\/?[A-Za-z0-9_.@+~/-]{1,512})(?::(.*))?$/s;
const VAULT = /^([A-Za-z0-9_./-]{1,512})#([A-Za-z0-9_.-]{1,128})(?::(.*))?$/s;

/** Longest content of a reference to Vault, in UTF-16 code units. */
const MAX_VAULT_REFERENCE = 1024;

/** Whether a text holds a reference, or the beginning of one. */
export function mayHoldReference(text: string): boolean {
  return text.includes("{$");
}

/** Takes a text apart. */
export function parseReferences(text: string): ParsedText {
  const parts: (string | Reference)[] = [];
  let position = 0;
  for (let begin = text.indexOf("{$"); begin !== -1; begin = text.indexOf("{$", position)) {
    const end = text.indexOf("}", begin);
    if (end === -1) return { fault: "A reference that begins with '{$' is not closed: add '}'" };
    const reference = parseReference(text.slice(begin + "{$".length, end));
    if (typeof reference === "string") return { fault: reference };
    if (begin > position) parts.push(text.slice(position, begin));
    parts.push(reference);
    position = end + "}".length;
  }
  if (position < text.length) parts.push(text.slice(position));
  if (hasBraceLeftOver(parts)) {
    return { fault: "A '}' is left over: neither references nor their defaults can hold braces" };
  }
  return { parts };
}

/** Whether a brace is closed after a reference that was not opened: `{$NAME:a}b}` has a default with a brace. */
function hasBraceLeftOver(parts: readonly (string | Reference)[]): boolean {
  let open = 0;
  let afterReference = false;
  for (const part of parts) {
    if (typeof part !== "string") {
      afterReference = true;
      continue;
    }
    for (const character of part) {
      if (character === "{") open++;
      if (character !== "}") continue;
      if (open === 0 && afterReference) return true;
      open = Math.max(0, open - 1);
    }
  }
  return false;
}

/** @returns the reference, or what is wrong with it */
function parseReference(content: string): Reference | string {
  if (content.includes("{")) {
    return "A reference holds another brace: references cannot be nested, and defaults hold no braces";
  }
  const [, source, rest = ""] = /^(env|file|vault):(.*)$/s.exec(content) ?? [];
  switch (source) {
    case "env":
      return parseVariable(rest) ?? `Expected {$env:NAME} or {$env:NAME:default}: ${NAME_RULE}`;
    case "file":
      return parseFile(rest) ?? `Expected {$file:NAME} or {$file:NAME:default}: ${FILE_RULE}`;
    case "vault":
      return parseVault(rest) ?? VAULT_FAULT;
    default:
      // Nobody means a variable VAULT whose default is a path and a field.
      if (/^vault:[^#]*#/i.test(content)) return VAULT_FAULT;
      return parseVariable(content) ?? UNKNOWN_FORM;
  }
}

const NAME_RULE = "a name has characters of A-Z a-z 0-9 _ and does not begin with a digit";
const FILE_RULE =
  "a name has up to 512 characters of A-Z a-z 0-9 _ . @ + ~ - / and no '.' or '..' between slashes";
const VAULT_FAULT =
  "Expected {$vault:PATH#FIELD} or {$vault:PATH#FIELD:default}: a path has up to 512 characters of " +
  "A-Z a-z 0-9 _ . - with single slashes between them and no '..', a field up to 128 without slashes";
const UNKNOWN_FORM =
  "What begins with '{$' must be {$NAME}, {$env:NAME}, {$file:NAME} or {$vault:PATH#FIELD}, " +
  `each with an optional :default; ${NAME_RULE}`;

function parseVariable(content: string): Reference | undefined {
  const [, name, fallback] = VARIABLE.exec(content) ?? [];
  return name === undefined ? undefined : { source: "env", name, fallback };
}

function parseFile(content: string): Reference | undefined {
  const [, path, fallback] = FILE.exec(content) ?? [];
  if (path === undefined || !hasPlainSegments(path.replace(/^\//, ""))) return undefined;
  return { source: "file", path, fallback };
}

function parseVault(content: string): Reference | undefined {
  if (content.length > MAX_VAULT_REFERENCE) return undefined;
  const [, path, field, fallback] = VAULT.exec(content) ?? [];
  if (path === undefined || field === undefined || !hasPlainSegments(path)) return undefined;
  return { source: "vault", path, field, fallback };
}

/** Whether every part between two slashes is a name: not empty, not `.`, not `..`. */
function hasPlainSegments(path: string): boolean {
  return path.split("/").every((segment) => !["", ".", ".."].includes(segment));
}
