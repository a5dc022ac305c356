/**
 * The sections of the page on authentication, one a verifier, each made whole from what its kind declares.
 *
 * @module
 */

import { verifierKinds } from "../../../src/auth/registry.ts";
import type { VerifierKind } from "../../../src/auth/verifier.ts";
import { jsonBlock } from "./module_pages.ts";
import { isObject, schemaList } from "./schema_list.ts";

/** All of them, in the order of the registry. */
export function verifierSections(): string {
  return verifierKinds.map(section).join("\n\n");
}

/** @throws {Error} when the kind does not say what it verifies */
function section({ key, configSchema, example, notes }: VerifierKind): string {
  const { description } = configSchema;
  if (description === undefined) throw new Error(`The schema of '${key}' has no description`);
  return [
    `## \`${key}\``,
    description,
    jsonBlock({ orders: { module: "log", [key]: example } }),
    ...(isObject(configSchema) ? [schemaList(configSchema)] : []),
    ...(notes === undefined ? [] : [notes.join("\n")]),
  ].join("\n\n");
}
