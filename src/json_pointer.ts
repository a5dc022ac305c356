/**
 * JSON Pointers (RFC 6901): where in a document a value stands.
 *
 * @module
 */

import { findJsonSource, isArrayIndex } from "./json_source.ts";

/** A document that values are picked from; an event's body is one. */
export interface JsonDocument {
  /** Whether it is JSON at all. */
  isJson(): boolean;
  /** The parsed document. @throws {SyntaxError} when it is not JSON */
  readonly json: unknown;
  /** The document as it was received. Asked for only where a number was found. */
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

/** A syntactically valid JSON Pointer. The empty one names the whole document. */
export class JsonPointer {
  readonly #tokens: readonly string[];

  private constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  /** Parses a pointer such as `/order/id`; `undefined` when the text is none. */
  static parse(text: string): JsonPointer | undefined {
    if (!/^(?:\/(?:[^~/]|~[01])*)*$/.test(text)) return undefined;
    const tokens = text.split("/").slice(1);
    return new JsonPointer(tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~")));
  }

  /** The value in a parsed document; `undefined` where the document has no such place. */
  valueIn(document: unknown): unknown {
    let value = document;
    for (const token of this.#tokens) {
      if (typeof value !== "object" || value === null) return undefined;
      if (Array.isArray(value) && !isArrayIndex(token)) return undefined;
      if (!Object.hasOwn(value, token)) return undefined;
      value = (value as Readonly<Record<string, unknown>>)[token];
    }
    return value;
  }

  /** The value's text in a JSON text, exactly as it stands there. @param json valid JSON */
  sourceIn(json: string): string | undefined {
    return findJsonSource(json, this.#tokens);
  }

  /**
   * The string, number or boolean in a document; `undefined` where there is none, or the document is not JSON.
   * The text is searched for numbers alone, since all else is what it was parsed to.
   */
  scalarIn(document: JsonDocument): Scalar | undefined {
    const value = document.isJson() ? this.valueIn(document.json) : undefined;
    switch (typeof value) {
      case "string":
        return { type: "string", text: value };
      case "boolean":
        return { type: "boolean", text: String(value) };
      case "number":
        return { type: "number", text: this.sourceIn(document.text) ?? String(value) };
      default:
        return undefined;
    }
  }
}
