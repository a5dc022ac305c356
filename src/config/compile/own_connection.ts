/**
 * Connections that a webhook brings itself, with its key `redis`, instead of naming one.
 *
 * @module
 */

import type { z } from "zod";
import type { OutputModule } from "../../modules/module.ts";
import { canonicalJson } from "../values/canonical_json.ts";
import type { CompiledConnection } from "../compiled_connection.ts";
import { withoutEmptyTexts } from "./empty_texts.ts";
import type { Compiled, ProblemReason } from "../problem.ts";

type Value = Readonly<Record<string, unknown>>;

/** Parses with a schema; the reasons name their place below `prefix`. */
export type Parse = <Value>(schema: z.ZodType<Value>, value: unknown, prefix: string) => Compiled<Value>;

/** A step as far as its connection goes. */
export interface StepConnection {
  readonly connection: CompiledConnection | undefined;
  readonly moduleConfig: Value;
}

/** What a step says about its connection and its module. */
interface Step {
  readonly connection?: string | undefined;
  readonly redis?: Value | undefined;
  readonly "module-config": Value;
}

/**
 * Compiles the connection that a step brings itself, if it does, and puts what stands beside it into the step's
 * `module-config`.
 *
 * @param path of the key `redis`
 */
export function compileOwnConnection(
  step: Step,
  module: OutputModule,
  parse: Parse,
  path: string,
): Compiled<StepConnection> {
  const { redis, "module-config": moduleConfig } = step;
  if (redis === undefined) return { value: { connection: undefined, moduleConfig } };
  const { ownConnectionSchema: schema, connectionTypes: [type = ""] } = module;
  if (schema === undefined) {
    return refused(path, `Key 'redis' is of no use to module '${module.name}'`);
  }
  if (step.connection !== undefined) {
    return refused(path, "Key 'redis' is a connection, and 'connection' names one too: give one of them");
  }
  const parsed = parse(schema, redis, path);
  if ("problems" in parsed) return parsed;
  const { address, connection: config, moduleConfig: beside } = parsed.value;
  const inside = withoutEmptyTexts(moduleConfig, module.configSchema) as Value;
  const twice = Object.keys(beside).filter((key) => (inside[key] ?? beside[key]) !== beside[key]);
  if (twice.length > 0) {
    const message = "It stands in module-config too, with another value: give one of them";
    return {
      problems: twice.map((key): ProblemReason => ({ code: "schema", path: `${path}.${key}`, message })),
    };
  }
  const fingerprint = canonicalJson({ type, config });
  const connection = { name: address, type, config, fingerprint, isOwn: true };
  return { value: { connection, moduleConfig: { ...inside, ...beside } } };
}

function refused(path: string, message: string): { readonly problems: readonly ProblemReason[] } {
  return { problems: [{ code: "schema", path, message }] };
}
