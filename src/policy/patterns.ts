/**
 * Patterns of names. A star stands for any characters; in paths for those between two slashes, in names of functions
 * for those between two dots. No expression is made of what a policy says: none takes long at any text.
 *
 * @module
 */

/** Finds out whether a pattern permits a text. Returns what of the text was named; `undefined` where it does not. */
export type Pattern = (text: string) => string | undefined;

/** How patterns of a kind are read. */
export type PatternForm =
  /** A star stands for any characters. */
  | "names"
  /** It permits a path and all below it; a star stands for characters between two slashes. */
  | "paths"
  /** A star stands for characters between two dots. */
  | "functions";

/** Reads patterns. @param namespace stands for `{namespace}`; without one, patterns with it permit nothing */
export function compilePatterns(
  patterns: readonly string[],
  form: PatternForm,
  namespace: string | undefined,
): Pattern {
  const all = patterns.flatMap((pattern): Pattern[] => {
    if (namespace === undefined && pattern.includes("{namespace}")) return [];
    return [compilePattern(pattern.replaceAll("{namespace}", namespace ?? ""), form)];
  });
  return (text) => {
    for (const pattern of all) {
      const found = pattern(text);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function compilePattern(pattern: string, form: PatternForm): Pattern {
  if (form === "names") return (text) => matches(pattern, text) ? text : undefined;
  const separator = form === "paths" ? "/" : ".";
  const parts = withoutEnd(pattern, separator).split(separator);
  return (text) => {
    const given = withoutEnd(text, separator).split(separator);
    if (form === "functions" ? given.length !== parts.length : given.length < parts.length) return undefined;
    if (!parts.every((part, index) => matches(part, given[index]!))) return undefined;
    return given.slice(0, parts.length).join(separator) || separator;
  };
}

function withoutEnd(text: string, separator: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === separator) end--;
  return text.slice(0, end);
}

/** Whether a text is as a pattern has it, whose stars stand for any characters. Takes no memory of its own. */
export function matches(pattern: string, text: string): boolean {
  let inPattern = 0;
  let inText = 0;
  /** Behind the last star, and where the text goes on that it does not stand for. */
  let star = -1;
  let rest = 0;
  while (inText < text.length) {
    if (pattern[inPattern] === "*") {
      star = ++inPattern;
      rest = inText;
    } else if (pattern[inPattern] === text[inText]) {
      inPattern++;
      inText++;
    } else if (star !== -1) {
      inPattern = star;
      inText = ++rest;
    } else return false;
  }
  while (pattern[inPattern] === "*") inPattern++;
  return inPattern === pattern.length;
}
