/**
 * JSON Pointers (RFC 6901): where in a document a value stands.
 *
 * @module
 */

/** Whether a text is a JSON Pointer that names a part of a document. */
export function isJsonPointer(text: string): boolean {
  return /^(?:\/(?:[^~/]|~[01])*)+$/.test(text);
}

/**
 * Makes the look-up of a pointer. The look-up returns `undefined` where the document has no such part.
 *
 * @param pointer for which {@linkcode isJsonPointer} holds
 */
export function compileJsonPointer(pointer: string): (document: unknown) => unknown {
  const steps = pointer.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return (document) => {
    let value = document;
    for (const step of steps) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
      value = (value as Record<string, unknown>)[step];
    }
    return value;
  };
}
