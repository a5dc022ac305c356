/**
 * Patterns of namespaces, such as `team-a` or `team-*`: a star stands for any characters, also none.
 *
 * @module
 */

const PATTERN = /^(?!(?:[^*]*\*){4})[a-zA-Z0-9_*-]{1,64}$/;

/** What a pattern must look like. */
export const NAMESPACE_PATTERN_RULE =
  "A pattern of namespaces has 1 to 64 characters of a-z A-Z 0-9 _ - and at most three *, which stand for any characters";

/** Whether the text may be a pattern of namespaces. */
export function isNamespacePattern(text: string): boolean {
  return PATTERN.test(text);
}

/** Whether one of the patterns matches a namespace. No pattern matches none. */
export function namespaceMatcher(patterns: readonly string[]): (namespace: string) => boolean {
  const matchers = patterns.map(matcherOf);
  return (namespace) => matchers.some((matches) => matches(namespace));
}

/** The patterns as texts of SQL's `LIKE`, whose escape is the backslash. */
export function likePatterns(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => pattern.replaceAll("_", "\\_").replaceAll("*", "%"));
}

/** Takes the first place of each part: no text takes it long. */
function matcherOf(pattern: string): (namespace: string) => boolean {
  const [first = "", ...others] = pattern.split("*");
  const last = others.pop();
  if (last === undefined) return (namespace) => namespace === first;
  return (namespace) => {
    if (!namespace.startsWith(first) || !namespace.endsWith(last)) return false;
    const end = namespace.length - last.length;
    let place = first.length;
    for (const part of others) {
      const found = namespace.indexOf(part, place);
      if (found === -1) return false;
      place = found + part.length;
    }
    return place <= end;
  };
}
