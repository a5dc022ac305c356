/**
 * Turns a parsed configuration value into something a request can use, or into the reasons why not. All
 * work that does not depend on the request is done here.
 *
 * @module
 */

import { z } from "zod";
import { type Authenticator, compileAuthenticator } from "../../auth/authenticator.ts";
import type { FormDocuments } from "../../auth/verifier.ts";
import { WebhookChallenge } from "../../auth/challenges/webhook_challenge.ts";
import type { HandshakeNeed } from "../../auth/challenges/handshakes.ts";
import type { PlacedSecrets } from "../../auth/several_secrets.ts";
import type { EventTypes } from "../../event/event_type.ts";
import type { BodyForm } from "../../event/event.ts";
import type { BodyReads } from "../../filters/body_reads.ts";
import { compileFilters, type WebhookFilters } from "../../filters/compile.ts";
import { type HiddenNames, NOTHING_HIDDEN } from "../../filters/variables.ts";
import type { FilterReports } from "../../filters/reports.ts";
import type { OutputModule } from "../../modules/module.ts";
import { canonicalJson } from "../values/canonical_json.ts";
import type { CompiledConnection } from "../compiled_connection.ts";
import { doubtsAboutType } from "./connection_type.ts";
import { type CompiledStep, compilePolicy, compileSteps, type DeliveryPolicy } from "./delivery_compiler.ts";
import { webhookWithoutEmptyTexts, withoutEmptyTexts } from "./empty_texts.ts";
import { withGuardHints } from "./guard_hint.ts";
import { withModuleKeysInside } from "./module_keys.ts";
import type { Compiled, WarningReason } from "../problem.ts";
import { withoutRemarks } from "../values/remarks.ts";
import { type FixedResponse, ownResponse } from "./response_schema.ts";
import { compileNotify, type NoticeSettings } from "../../notices/settings.ts";
import { compileRules, contradiction, type RequestRules } from "../../rules/rules.ts";
import { verifierKinds } from "../../auth/registry.ts";
import { doubtfulHeadersIn } from "../../schema/header_names.ts";
import { describeIssues, PARSE_OPTIONS } from "./describe_issues.ts";
import { knownKeys } from "../../schema/known_keys.ts";
import {
  connectionSchema,
  METHODS,
  unusedConnectionSchema,
  type WebhookConfig,
  webhookSchema,
} from "./schema.ts";
import { type Lookups, substitute } from "../values/substitution.ts";
import { type Access, type AuthSettings, compileVerifiers } from "./verifier_compiler.ts";
import { claimsOf, type WebhookClaims } from "../policy/claims.ts";
import { withoutKeysWithoutEffect } from "./without_effect.ts";

/** A webhook ready for use but for its connections, which may come and go. */
export interface CompiledWebhook {
  readonly enabled: boolean;
  readonly dataType: "json" | "blob" | "form";
  /** How forms are read that come beside JSON; `undefined` where none do. */
  readonly forms: FormDocuments | undefined;
  /** The field of a form that holds the event; `undefined` for all fields as an object. */
  readonly formField: string | undefined;
  /** Whether a request without a body is an event. */
  readonly acceptsEmpty: boolean;
  readonly methods: readonly string[];
  /** Whether HEAD, GET and OPTIONS are answered, without an event. */
  readonly probes: boolean;
  /** Whether senders choose the traces of their events. */
  readonly trustsTraces: boolean;
  /** The answer to accepted events; `undefined` for the gateway's own. */
  readonly response: FixedResponse | undefined;
  /** Whether the sender gets the answer of an output, where there is one. */
  readonly answersFromOutput: boolean;
  /** In bytes; `undefined` for the gateway's default. */
  readonly maxBodyBytes: number | undefined;
  readonly authenticator: Authenticator;
  readonly access: Access;
  /** What a policy judges beside its steps. */
  readonly claims: WebhookClaims;
  /** Where its requests name the type of their event, and which are handed on; `undefined` where they name none. */
  readonly eventTypes: EventTypes | undefined;
  /** Whether a provider is yet to bring its secret; `undefined` where none does. */
  readonly handshake: HandshakeNeed | undefined;
  /** Where its verifiers take several secrets. */
  readonly severalSecrets: readonly PlacedSecrets[];
  /** Which events it takes, and what its outputs get of them; `undefined` where that is all of all. */
  readonly filters: WebhookFilters | undefined;
  /** What its conditions read of a document while the sender waits; `undefined` for nothing. */
  readonly bodyReads: BodyReads | undefined;
  /** What it asks of requests beside; `undefined` for nothing. */
  readonly rules: RequestRules | undefined;
  /** Which notices of the gateway it gets, if it is the one that gets any; `undefined` where it does not say. */
  readonly notify: NoticeSettings | undefined;
  /** The cheapest form of the body that the verifiers, the outputs and the journal can work from. */
  readonly bodyForm: BodyForm;
  /** The outputs of its events; one, unless there is a chain. */
  readonly steps: readonly CompiledStep[];
  readonly policy: DeliveryPolicy;
}

const NO_ORIGINS: readonly string[] = [];

/** What values are compiled against. */
export interface CompileContext extends Lookups {
  /** The output modules that webhooks may use. */
  readonly modules: readonly OutputModule[];
  /** What the settings say of authentication. */
  readonly auth?: AuthSettings;
  /** Origins of pages that may send to webhooks that name none. @default none */
  readonly corsOrigins?: readonly string[];
  /** Where results of filters are counted. @default nowhere */
  readonly filterReports?: FilterReports;
}

/**
 * Compiles one webhook.
 *
 * @param namespace decides which secrets it may read; left out, only those that belong to no namespace
 */
export function compileWebhook(
  json: unknown,
  context: CompileContext,
  namespace?: string,
): Compiled<CompiledWebhook> {
  return substituted(
    json,
    context,
    namespace,
    (value, references) => compileWebhookValue(value, context, references),
  );
}

/** Compiles a value with its references replaced, unless one of them could not be. */
function substituted<Value>(
  json: unknown,
  context: CompileContext,
  namespace: string | undefined,
  compile: (value: Record<string, unknown>, references: string) => Compiled<Value>,
): Compiled<Value> {
  const substituted = substitute(withoutRemarks(json as object), context, namespace);
  const { problems, warnings, secrets, references } = substituted;
  const value = substituted.value as Record<string, unknown>;
  const compiled = problems.length > 0 ? { problems } : compile(value, references);
  if (warnings.length === 0 && secrets === undefined) return compiled;
  return {
    ...compiled,
    warnings: [...warnings, ...compiled.warnings ?? []],
    ...(secrets === undefined ? {} : { secrets }),
  };
}

/** Only a webhook that is not taken as it is can have keys without effect: no schema knows them. */
function compileWebhookValue(
  value: Record<string, unknown>,
  context: CompileContext,
  references: string,
): Compiled<CompiledWebhook> {
  const given = webhookWithoutEmptyTexts(value);
  const compiled = compileGiven(given, context, references);
  if (!("problems" in compiled)) return compiled;
  const { value: effective, warnings } = withoutKeysWithoutEffect(given, context.modules);
  if (warnings.length === 0) return compiled;
  const withEffect = compileGiven(effective, context, references);
  return { ...withEffect, warnings: [...warnings, ...withEffect.warnings ?? []] };
}

function compileGiven(
  value: Readonly<Record<string, unknown>>,
  context: CompileContext,
  references: string,
): Compiled<CompiledWebhook> {
  const parsed = parseWebhook(value, context.modules);
  if (!parsed.success) {
    return {
      problems: withGuardHints(describeIssues(parsed.error, webhookSchema), value, context.auth?.isRequired),
    };
  }
  const config = parsed.data as WebhookConfig & Record<string, unknown>;
  if (config.form_field !== undefined && config.data_type !== "form") {
    const message = "Expected with 'data_type' 'form' only: the field is looked for in a form";
    return { problems: [{ code: "schema", path: "form_field", message }] };
  }

  const contradicting = contradiction(config);
  if (contradicting !== undefined) return { problems: [{ code: "schema", ...contradicting }] };

  const compiledSteps = compileSteps(config, context.modules, parseWith);
  if ("problems" in compiledSteps) return compiledSteps;
  const steps = compiledSteps.value;
  const policy = compilePolicy(config, steps);
  if (config.response?.from_output !== undefined && policy.acceptance === "durable") {
    const message =
      'Needs "accept": "delivered": out of the journal, the output\'s answer would come too late';
    return { problems: [{ code: "schema", path: "response", message }] };
  }

  const filters = compileFilters(
    config,
    steps.map(({ name }) => name),
    context.filterReports,
    hiddenNames(config),
  );
  if (filters !== undefined && "problems" in filters) {
    return { problems: filters.problems.map((problem) => ({ code: "invalid_expression", ...problem })) };
  }

  const compiledVerifiers = compileVerifiers(config, context);
  if ("problems" in compiledVerifiers) return compiledVerifiers;
  const { warnings: authWarnings = [] } = compiledVerifiers;
  const { verifiers, access, eventTypes, forms, severalSecrets, accepted, handshake } =
    compiledVerifiers.value;
  const warnings = [...doubtsAboutHeaders(config, steps), ...authWarnings];
  const authenticator = compileAuthenticator(
    config.challenge === undefined
      ? verifiers
      : [...verifiers, new WebhookChallenge(config.challenge, config.methods)],
  );
  return {
    ...(warnings.length === 0 ? {} : { warnings }),
    value: {
      enabled: config.enabled,
      dataType: config.data_type ?? "json",
      forms: config.data_type === undefined ? forms : undefined,
      formField: config.form_field,
      acceptsEmpty: (config.empty_body ?? (config.data_type === "blob" ? "accept" : "refuse")) === "accept",
      methods: sharedMethods(config.methods),
      probes: config.probes,
      trustsTraces: config.trust_traceparent,
      response: ownResponse(config.response, accepted),
      answersFromOutput: config.response?.from_output !== undefined,
      maxBodyBytes: config.max_body_bytes,
      authenticator,
      access,
      claims: claimsOf(references, compiledVerifiers.value),
      eventTypes,
      handshake,
      severalSecrets,
      filters,
      bodyReads: filters?.filter?.condition.readsBody === true ||
          policy.acceptance === "delivered" && filters?.routing?.readsBody === true
        ? filters.bodyReads
        : undefined,
      rules: compileRules(config, { methods: config.methods, allOrigins: context.corsOrigins ?? NO_ORIGINS }),
      notify: config.notify && compileNotify(config.notify),
      bodyForm: authenticator.readsBody || config.data_type === "blob" || steps.some(readsBytes)
        ? "bytes"
        : "text",
      steps,
      policy,
    },
  };
}

/** Where senders present what the verifiers ask for, whatever the name. */
function hiddenNames(config: Readonly<Record<string, unknown>>): HiddenNames {
  if (config["filter"] === undefined && config["payload"] === undefined && config["chain"] === undefined) {
    return NOTHING_HIDDEN;
  }
  const headers: string[] = [];
  const parameters: string[] = [];
  for (const { key } of verifierKinds) {
    const settings = config[key];
    if (typeof settings !== "object" || settings === null) continue;
    for (const [name, value] of Object.entries(settings)) {
      if (typeof value !== "string") continue;
      if (name === "header" || name === "header_name") headers.push(value.toLowerCase());
      else if (name === "parameter_name") parameters.push(value);
    }
  }
  return { headers, parameters };
}

/** Warns of names of headers that some proxies drop, wherever the webhook and its outputs name one. */
function doubtsAboutHeaders(
  config: WebhookConfig & Record<string, unknown>,
  steps: readonly CompiledStep[],
): WarningReason[] {
  const doubts = steps.flatMap(({ module }, index) => {
    const item = config.chain === undefined ? config : config.chain[index];
    const settings = typeof item === "object" ? item["module-config"] : undefined;
    const path = config.chain === undefined ? "module-config" : `chain.${index}.module-config`;
    return doubtfulHeadersIn(settings, module.configSchema, path);
  });
  return [...doubtfulHeadersIn(config, webhookSchema, ""), ...doubts].map(({ path, message }) => {
    const isOfVerifier = verifierKinds.some(({ key }) => path.startsWith(`${key}.`));
    return { code: isOfVerifier ? "auth_notice" : "header_name", path, message };
  });
}

function readsBytes({ module }: CompiledStep): boolean {
  return module.reads === "bytes";
}

/** Only a webhook with unknown keys is looked at twice. */
function parseWebhook(
  value: Readonly<Record<string, unknown>>,
  modules: readonly OutputModule[],
): z.ZodSafeParseResult<unknown> {
  const schema = compiledSchema(webhookSchema);
  const parsed = schema.safeParse(value, PARSE_OPTIONS);
  if (parsed.success) return parsed;
  const moved = withModuleKeysInside(value, knownKeys(webhookSchema), modules);
  return moved === value ? parsed : schema.safeParse(moved, PARSE_OPTIONS);
}

/** Parses with a schema; the reasons name their place below `prefix`. */
function parseWith<Value>(schema: z.ZodType<Value>, value: unknown, prefix: string): Compiled<Value> {
  const parsed = compiledSchema(schema).safeParse(withoutEmptyTexts(value, schema), PARSE_OPTIONS);
  return parsed.success ? { value: parsed.data } : { problems: describeIssues(parsed.error, schema, prefix) };
}

const SINGLE_METHODS = METHODS.map((method) => [method]);

/** One array for all webhooks that accept one and the same method, as most do. */
function sharedMethods(methods: WebhookConfig["methods"]): readonly string[] {
  const [only] = methods;
  return methods.length === 1 ? SINGLE_METHODS.find(([method]) => method === only)! : methods;
}

/** How often a schema is used as it is: code for all of a webhook's keys takes as long as 1,500 webhooks without it. */
const USES_BEFORE_CODE = 1_000;

const usedSchemas = new WeakMap<z.ZodType, { uses: number; code: z.ZodType | undefined }>();

/**
 * The schema, with generated code for values that are valid once it is much used: that takes a fifth of the time,
 * and there may be hundreds of thousands. Others are parsed by the schema as it is, for the same issues.
 */
function compiledSchema<Schema extends z.ZodType>(schema: Schema): Schema {
  let used = usedSchemas.get(schema);
  if (used === undefined) usedSchemas.set(schema, used = { uses: 0, code: undefined });
  if (used.code === undefined && used.uses++ < USES_BEFORE_CODE) return schema;
  return (used.code ??= z.compile(schema)) as Schema;
}

/** Compiles one connection with the schema of the first module that accepts its type. */
export function compileConnection(
  name: string,
  json: unknown,
  context: CompileContext,
): Compiled<CompiledConnection> {
  return substituted(json, context, undefined, (value) => compileConnectionValue(name, value, context));
}

function compileConnectionValue(
  name: string,
  value: Record<string, unknown>,
  context: CompileContext,
): Compiled<CompiledConnection> {
  const parsed = connectionSchema.safeParse(value, PARSE_OPTIONS);
  if (!parsed.success) return { problems: describeIssues(parsed.error, connectionSchema) };
  const { type, ...given } = parsed.data;
  const doubts = doubtsAboutType(type, context.modules);
  if ("problems" in doubts) return doubts;
  const module = context.modules.find((candidate) => candidate.connectionTypes.includes(type));
  // What no module uses is kept as it is: one that comes later may.
  const schema = module?.connectionSchema ?? unusedConnectionSchema;
  const settings = withoutEmptyTexts(given, schema);
  const config = schema.safeParse(settings, PARSE_OPTIONS);
  if (!config.success) return { problems: describeIssues(config.error, schema) };
  const fingerprint = canonicalJson({ type, ...settings as object });
  return { value: { name, type, config: config.data, fingerprint }, ...doubts };
}
