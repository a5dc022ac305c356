/**
 * Words that texts of this repository do without, each with the plain one. The list in `src/README.md` is made from
 * this one.
 *
 * @module
 */

import type { SourceFile } from "./source_files.ts";

/** A word to avoid. */
export interface PlainWord {
  /** How the list names it. */
  readonly avoid: string;
  /** What to write. */
  readonly write: string;
  readonly pattern: RegExp;
}

/** All of them. */
export const PLAIN_WORDS: readonly PlainWord[] = [
  {
    avoid: "else",
    write: "`otherwise` at the end of a sentence",
    // Not after "nothing", "everybody", "nowhere" and the like, with which it is plain.
    pattern: /(?<!(?:thing|body|one|where|all|who|what) )\belse(?=\s*(?:[.;,)]|\*\/))/gi,
  },
  { avoid: "dear", write: "`expensive`", pattern: /\bdear(?:er|est)?\b/gi },
  { avoid: "anew", write: "`again`", pattern: /\banew\b/gi },
  {
    avoid: "what became of it",
    write: "`the outcome`, or `the result`",
    pattern: /\bwhat bec(?:ame|omes) of\b/gi,
  },
  { avoid: "none of ours", write: "`not a key of the gateway`", pattern: /\b(?:none of|not|of) ours\b/gi },
  { avoid: "so-manieth", write: "`every n-th`", pattern: /\bso-?manieth\b/gi },
  {
    avoid: "in vain",
    write: "`without success`, or `that failed`",
    pattern: /\b(?:try|round|attempt) in vain\b/gi,
  },
  {
    avoid: "see the top of this file",
    write: "what the thing is",
    pattern: /\bsee the top of this file\b/gi,
  },
];

/** The list as a page shows it. */
export function plainWordsList(): string {
  return PLAIN_WORDS.map(({ avoid, write }) => `- ${write}, not "${avoid}"`).join("\n");
}

/** Lines that use a word of the list. The list itself is left out. */
export function findUnplainWords(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const shown = text.replace(
      /<!-- list of plain words -->[^]*?<!-- end -->/,
      (list) => list.replaceAll(/[^\n]/g, " "),
    );
    return PLAIN_WORDS.flatMap(({ write, pattern }) =>
      [...shown.matchAll(pattern)].map((match) => {
        const line = shown.slice(0, match.index).split("\n").length;
        return `${path}:${line}: "${match[0]}": write ${write}`;
      })
    );
  });
}
