/**
 * The sections of the page on authentication, and the lines of the front page, one a verifier, made from what its
 * kind declares.
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

/** One line for each, on the front page: its name, and the first sentence of what it verifies. */
export function verifierList(): string {
  return verifierKinds.map((kind) => {
    const [sentence] = descriptionOf(kind).split(/(?<=\.) /);
    return `- [\`${kind.key}\`](src/auth/README.md#${kind.key}): ${sentence}`;
  }).join("\n");
}

/** @throws {Error} when the kind does not say what it verifies */
function descriptionOf({ key, configSchema: { description } }: VerifierKind): string {
  if (description === undefined) throw new Error(`The schema of '${key}' has no description`);
  return description;
}

function section(kind: VerifierKind): string {
  const { key, configSchema, example, notes } = kind;
  return [
    `## \`${key}\``,
    descriptionOf(kind),
    jsonBlock({ orders: { module: "log", [key]: example } }),
    ...(isObject(configSchema) ? [schemaList(configSchema)] : []),
    ...(notes === undefined ? [] : [notes.join("\n")]),
  ].join("\n\n");
}
