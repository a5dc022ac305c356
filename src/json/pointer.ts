/**
 * JSON Pointers (RFC 6901): where in a document a value stands.
 *
 * @module
 */

import { findJsonSource } from "./source.ts";

/** A document that values are picked from; an event's body is one. */
export interface JsonDocument {
  /** Whether it is JSON at all. */
  isJson(): boolean;
  /** The document as it was received. Asked for only where it is JSON. */
  readonly text: string;
}

/** A value that is neither `null` nor made of others. */
export interface Scalar {
  readonly type: "string" | "number" | "boolean";
  /**
   * A string's characters, or a number or boolean exactly as the document writes it: every digit is kept, and
   * `1`, `1.0` and `1e0` are three texts.
   */
  readonly text: string;
}

/** The name or number that a token of a pointer stands for. */
export function keyOfToken(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The token that stands for a name or a number in a pointer. */
export function tokenOf(key: string | number): string {
  return String(key).replaceAll("~", "~0").replaceAll("/", "~1");
}

/** A syntactically valid JSON Pointer. The empty one names the whole document. */
export class JsonPointer {
  readonly #tokens: readonly string[];

  /** The names and numbers that lead to the value, from the outermost one on. */
  get keys(): readonly string[] {
    return this.#tokens;
  }

  private constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  /** Parses a pointer such as `/order/id`; `undefined` when the text is none. */
  static parse(text: string): JsonPointer | undefined {
    if (!/^(?:\/(?:[^~/]|~[01])*)*$/.test(text)) return undefined;
    return new JsonPointer(text.split("/").slice(1).map(keyOfToken));
  }

  /** The pointer to what stands under these names, from the outermost on. */
  static of(...names: readonly string[]): JsonPointer {
    return new JsonPointer(names);
  }

  /** The value's text in a JSON text, exactly as it stands there. @param json valid JSON */
  sourceIn(json: string): string | undefined {
    return findJsonSource(json, this.#tokens);
  }

  /**
   * The string, number or boolean in a document; `undefined` where there is none, or the document is not JSON.
   * It is found in the text: values of the whole document would take many times its memory.
   */
  scalarIn(document: JsonDocument): Scalar | undefined {
    const source = document.isJson() ? this.sourceIn(document.text) : undefined;
    if (source === undefined) return undefined;
    switch (source[0]) {
      case "n":
      case "{":
      case "[":
        return undefined;
      case '"':
        return { type: "string", text: JSON.parse(source) };
      case "t":
      case "f":
        return { type: "boolean", text: source };
      default:
        return { type: "number", text: source };
    }
  }
}
