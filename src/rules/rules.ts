/**
 * What a webhook asks of its requests beside their authentication: each rule is a key, a file of its own, and a line
 * here.
 *
 * @module
 */

import type { z } from "zod";
import type { RateLimit } from "../time/rate.ts";
import {
  compileDocumentSchema,
  type DocumentSchema,
  documentSchemaField,
  MAX_VALIDATED_BYTES,
} from "./json_schema.ts";
import { compileCors, type CorsContext, type CorsPolicy, corsSchema } from "./cors.ts";
import { cleanupSchema, compileCleanup, type CredentialCleanup } from "./cleanup/credential_cleanup.ts";
import { compileRateLimit, rateLimitSchema } from "./rate_limit.ts";

/** The keys of a webhook that hold its rules. */
export const ruleFields = {
  rate_limit: rateLimitSchema.optional().meta({
    description: "How many requests are taken in a time, see [rules](../rules/README.md).",
  }),
  json_schema: documentSchemaField.optional().meta({
    description: "The JSON Schema that documents have to match, see [rules](../rules/README.md).",
  }),
  credential_cleanup: cleanupSchema.optional().meta({
    description: "Takes credentials out of what is handed on, see [rules](../rules/README.md).",
  }),
  cors: corsSchema.optional().meta({
    description: "Which pages of browsers may send and read the answers, see [rules](../rules/README.md).",
  }),
};

type RuleConfig = {
  readonly [Key in keyof typeof ruleFields]?: z.output<typeof ruleFields[Key]> | undefined;
};

/** The rules of one webhook, ready for its requests. Immutable. */
export interface RequestRules {
  readonly rateLimit: RateLimit | undefined;
  readonly schema: DocumentSchema | undefined;
  readonly cleanup: CredentialCleanup | undefined;
  readonly cors: CorsPolicy | undefined;
  /** Of the body, whatever else allows more. */
  readonly maxBodyBytes: number;
}

/** Compiles the rules of a webhook; `undefined` where it has none, as most do. */
export function compileRules(
  config: RuleConfig & Record<string, unknown> & {
    readonly idempotency?: Parameters<typeof compileCleanup>[1];
  },
  context: CorsContext,
): RequestRules | undefined {
  const { rate_limit: limit, json_schema: document, credential_cleanup: clean } = config;
  const rateLimit = limit === undefined ? undefined : compileRateLimit(limit);
  const schema = document === undefined ? undefined : compileDocumentSchema(document);
  const cleanup = clean === undefined ? undefined : compileCleanup(clean, config.idempotency);
  const cors = compileCors(config.cors, config, context);
  if ((rateLimit ?? schema ?? cleanup ?? cors) === undefined) return undefined;
  return {
    rateLimit,
    schema,
    cleanup,
    cors,
    maxBodyBytes: schema === undefined ? Infinity : MAX_VALIDATED_BYTES,
  };
}

/** What keeps rules from being used together with what else a webhook says; `undefined` for nothing. */
export function contradiction(
  config: RuleConfig & {
    readonly data_type?: string | undefined;
    readonly max_body_bytes?: number | undefined;
  },
): { readonly path: string; readonly message: string } | undefined {
  if (config.json_schema === undefined) return undefined;
  if (config.data_type === "blob") {
    return {
      path: "json_schema",
      message: "Expected with JSON only: with 'data_type' 'blob' there is no document",
    };
  }
  if ((config.max_body_bytes ?? 0) <= MAX_VALIDATED_BYTES) return undefined;
  const message =
    `Must be at most ${MAX_VALIDATED_BYTES} with 'json_schema': larger documents are not held against it`;
  return { path: "max_body_bytes", message };
}
