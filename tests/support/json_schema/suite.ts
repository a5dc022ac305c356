/**
 * The required cases of the JSON-Schema-Test-Suite for drafts 2020-12 and 07, and the documents that they refer to: a
 * line for each schema. From commit 44401e0c046704b476ec9d2e2fccdaee618f259d (August 2026), where they are the files of
 * `tests/draft2020-12`, `tests/draft7` and `remotes`. Copyright (c) 2012 Julian Berman, MIT licence.
 *
 * @see https://github.com/json-schema-org/JSON-Schema-Test-Suite
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../repository.ts";

const DIRECTORY = join(REPOSITORY, "tests/support/json_schema");

/** A schema of the suite and documents for it. */
export interface SuiteGroup {
  readonly file: string;
  readonly description: string;
  readonly schema: unknown;
  readonly tests: readonly (readonly [description: string, document: unknown, isValid: boolean])[];
}

/** The drafts, and what they are called in `$schema`. */
export const DRAFTS = {
  "draft-07": "http://json-schema.org/draft-07/schema#",
  "draft-2020-12": "https://json-schema.org/draft/2020-12/schema",
} as const;

/** A draft of the suite. */
export type Draft = keyof typeof DRAFTS;

/** All required cases of a draft. */
export function suiteOf(draft: Draft): SuiteGroup[] {
  return lines<SuiteGroup>(`${draft}.ndjson`);
}

/** The documents that schemas of the suite refer to, by the URI that they are fetched from. */
export function suiteDocuments(): [uri: string, document: Readonly<Record<string, unknown>>][] {
  return lines("remotes.ndjson");
}

function lines<Line>(name: string): Line[] {
  const text = Deno.readTextFileSync(join(DIRECTORY, name));
  return text.trimEnd().split("\n").map((line) => JSON.parse(line) as Line);
}
