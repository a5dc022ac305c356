/**
 * Texts as PostgreSQL can keep them: it has no place for NUL, and refuses a whole statement for the sake of one.
 *
 * @module
 */

const NUL = "\0";

/** Whether a text can stand in a table as it is; another one is equal to nothing that stands there. */
export function isStorable(text: string): boolean {
  return !text.includes(NUL);
}

/** The text without what PostgreSQL cannot keep. */
export function storable(text: string): string {
  return isStorable(text) ? text : text.replaceAll(NUL, "");
}
