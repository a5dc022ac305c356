/**
 * `cwm schema`: JSON Schemas of the files of a configuration, for editors.
 *
 * @module
 */

import { connectorSchema } from "../../connector/config_schema.ts";
import { policySchema } from "../../policy/document.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";
import { connectionsSchema, webhooksSchema } from "./configuration.ts";
import { DIALECT, type JsonSchema, plainSchema, writtenSchema } from "./json_schema.ts";

const HELP = `Prints the JSON Schema (2020-12) of a file of the configuration, for editors

Usage: cwm schema webhooks | connections | connector | policy

  webhooks      webhooks.json
  connections   connections.json
  connector     connector.json, whose keys may also be set by variables
  policy        the file that POLICY_FILE names, and the policy in etcd
  -h, --help    Print this help

An editor finds it by "$schema" at the top of the file, which the gateway leaves out:

  cwm schema webhooks > webhooks.schema.json
  {"$schema": "./webhooks.schema.json", "orders": {"module": "log"}}

It says what may be written. Whether a connection exists, and what only a running gateway knows, is
for 'cwm check'. Files that are merged into others are not described, as they are parts of entries.`;

/** The files, and what describes them. */
export const SCHEMAS: Readonly<Record<string, () => JsonSchema>> = {
  webhooks: webhooksSchema,
  connections: connectionsSchema,
  connector: connectorFileSchema,
  policy: () => ({ $schema: DIALECT, title: "Policy", ...plainSchema(policySchema) }),
};

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `schema` on the command line
 * @throws {StartupError} `usage`
 */
export function schema(args: readonly string[]): number {
  const line = readCommandLine("schema", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const [name, ...others] = line.operands;
  const known = Object.keys(SCHEMAS).join(", ");
  if (name === undefined) throw usageError("schema", `Name a file: ${known}`);
  if (others.length > 0) throw usageError("schema", `Unexpected argument '${others[0]}'`);
  if (!Object.hasOwn(SCHEMAS, name)) throw usageError("schema", `Unknown file '${name}': expected ${known}`);
  print(JSON.stringify(SCHEMAS[name]!(), undefined, 2));
  return 0;
}

/** What is required may be set by a variable. */
function connectorFileSchema(): JsonSchema {
  const { required: _byVariable, ...described } = writtenSchema(connectorSchema);
  return {
    $schema: DIALECT,
    title: "Connector",
    ...described,
    patternProperties: { "^_": true, "^x-": true, "^//$": true, "^\\$schema$": true, "^description$": true },
  };
}
