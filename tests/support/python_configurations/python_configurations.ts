/**
 * Configurations in the shapes of the Python service's own example, scenario and test files (the same keys,
 * modules, connection types and counts, other names), and what `cwm check` says about each.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../repository.ts";

const DIRECTORY = join(REPOSITORY, "tests/support/python_configurations");

/** Entries by name. */
export type Values = Readonly<Record<string, unknown>>;

/** What `cwm check` says about the webhooks of a configuration; each is in one of the three groups. */
export interface Verdict {
  /** How many are taken, with a warning or without. */
  readonly taken: number;
  /** Where keys without effect stand, by webhook. */
  readonly warnings: Readonly<Record<string, readonly string[]>>;
  /** How many have a secret in Vault, which is not asked here. */
  readonly in_vault: number;
  /** The others, with the places of their problems. */
  readonly refused: Readonly<Record<string, readonly string[]>>;
}

/** One configuration. */
export interface PythonConfiguration {
  /** The file's name without its ending. */
  readonly name: string;
  /** What the service's files of this shape are for. */
  readonly title: string;
  readonly webhooks: Values;
  readonly connections: Values;
  /** The variables that it refers to. */
  readonly environment: Readonly<Record<string, string>>;
  readonly expected: Verdict;
  /** Why it is right that something is refused. */
  readonly why?: string;
}

/** All of them, in the order of their titles. */
export function pythonConfigurations(): readonly PythonConfiguration[] {
  const files = [...Deno.readDirSync(DIRECTORY)].map(({ name }) => name).filter((name) =>
    name.endsWith(".json")
  );
  const configurations = files.map((file): PythonConfiguration => {
    const written = JSON.parse(Deno.readTextFileSync(join(DIRECTORY, file))) as WrittenConfiguration;
    return { ...written, environment: written.environment ?? {}, name: file.replace(/\.json$/, "") };
  });
  return configurations.sort((a, b) => a.title < b.title ? -1 : 1);
}

type WrittenConfiguration =
  & Omit<PythonConfiguration, "name" | "environment">
  & Partial<Pick<PythonConfiguration, "environment">>;
