/**
 * The functions and methods of the language, by name and number of arguments.
 *
 * @module
 */

import { conversions } from "./conversions.ts";
import type { FunctionDeclaration } from "./declaration.ts";
import { textFunctions } from "./text_functions.ts";

/** All of them but `matches`, which is compiled with its pattern. */
export const functions: readonly FunctionDeclaration[] = [...textFunctions, ...conversions];

/** The functions, or the methods, of a name. */
export function functionsNamed(name: string, isMethod: boolean): readonly FunctionDeclaration[] {
  return functions.filter((declaration) => declaration.name === name && declaration.isMethod === isMethod);
}
