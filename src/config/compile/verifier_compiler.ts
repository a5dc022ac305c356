/**
 * The authentication of a webhook: its verifiers, and whether a webhook without any may be served.
 *
 * @module
 */

import type { ProviderAnswer } from "../../auth/challenges/challenge.ts";
import type { HandshakeNeed } from "../../auth/challenges/handshakes.ts";
import { verifierKinds } from "../../auth/registry.ts";
import { type PlacedSecrets, placedSecretsIn } from "../../auth/several_secrets.ts";
import type { Destination } from "../../policy/destination.ts";
import type { EventTypes } from "../../event/event_type.ts";
import type { FormDocuments, Verifier, VerifierKind } from "../../auth/verifier.ts";
import type { Compiled, ProblemReason, WarningReason } from "../problem.ts";

type Config = Readonly<Record<string, unknown>>;

/**
 * Who may send to a webhook: who passes its verifiers, or everybody, because the configuration says so or because it
 * says nothing.
 */
export type Access = "verified" | "declared_open" | "open";

/** What the settings say of authentication. */
export interface AuthSettings {
  /** Whether a webhook without authentication has to say so. */
  readonly isRequired: boolean;
  /** Environment variables that methods need and that are not set. */
  readonly missing: readonly string[];
}

/** Who lets the requests of a webhook in. */
interface CompiledVerifiers {
  readonly verifiers: readonly Verifier[];
  readonly access: Access;
  /** The keys of its methods. */
  readonly methods: readonly string[];
  /** The servers that verifiers ask, with the keys that name them. */
  readonly servers: readonly Destination[];
  /** Where requests name the type of their event; `undefined` where they do not. */
  readonly eventTypes: EventTypes | undefined;
  /** How senders send documents as forms beside JSON; `undefined` where they do not. */
  readonly forms: FormDocuments | undefined;
  /** Where several secrets are valid. */
  readonly severalSecrets: readonly PlacedSecrets[];
  /** The answer to accepted events that the sender wants. */
  readonly accepted: ProviderAnswer | undefined;
  readonly handshake: HandshakeNeed | undefined;
}

/**
 * Compiles the verifiers that a webhook asks for, in the order of the registry.
 *
 * @param context what the settings say; without it, nothing is required and nothing is missing
 */
export function compileVerifiers(
  config: Config,
  context: { readonly auth?: AuthSettings },
): Compiled<CompiledVerifiers> {
  const { isRequired, missing } = context.auth ?? NO_SETTINGS;
  const used = verifierKinds.filter(({ key }) => config[key] !== undefined);
  const access: Access = used.length > 0 ? "verified" : config["auth"] === "none" ? "declared_open" : "open";
  const problems = [
    ...strayKeys(config, used),
    ...doubtsAboutAccess(config, used, access, isRequired),
    ...missingSettings(used, missing),
  ];
  if (problems.length > 0) return { problems };
  const verifiers = used.map((kind) => kind.compile(config[kind.key], config));
  const eventTypes = eventTypesOf(used, config);
  if (eventTypes !== undefined && "message" in eventTypes) {
    return { problems: [{ code: "schema", ...eventTypes }] };
  }
  const severalSecrets = placedSecretsOf(used, config);
  const warnings = used.flatMap((kind) => warningsOf(kind, config));
  const value = {
    verifiers,
    access,
    methods: used.map(({ key }) => key),
    servers: used.flatMap((kind) =>
      (kind.servers?.(config[kind.key]) ?? []).map((server) => ({
        ...server,
        key: placeOf(kind.key, server.key),
      }))
    ),
    eventTypes,
    forms: formsOf(used, config),
    severalSecrets,
    accepted: firstOf(used, (kind) => kind.accepted?.(config[kind.key])),
    handshake: firstOf(used, (kind) => kind.handshake?.(config[kind.key])),
  };
  return { value, ...(warnings.length === 0 ? {} : { warnings }) };
}

function placeOf(kind: string, key: string): string {
  return key === "" ? kind : `${kind}.${key}`;
}

function firstOf<Value>(
  used: readonly VerifierKind[],
  find: (kind: VerifierKind) => Value | undefined,
): Value | undefined {
  for (const kind of used) {
    const value = find(kind);
    if (value !== undefined) return value;
  }
  return undefined;
}

const NO_SETTINGS: AuthSettings = { isRequired: false, missing: [] };

function missingSettings(
  used: readonly VerifierKind[],
  missing: readonly string[],
): readonly ProblemReason[] {
  if (missing.length === 0) return NO_PROBLEMS;
  return used.flatMap(({ key, needsSetting }) =>
    needsSetting === undefined || !missing.includes(needsSetting) ? [] : [{
      code: "setting_missing" as const,
      path: key,
      message: `${needsSetting} is not set, without which nobody can be let in`,
    }]
  );
}

function doubtsAboutAccess(
  config: Config,
  used: readonly VerifierKind[],
  access: Access,
  isRequired: boolean,
): readonly ProblemReason[] {
  const [method] = used;
  if (method !== undefined && config["auth"] !== undefined) {
    return [
      problemOfAuth("schema", `Contradicts '${method.key}', which keeps senders out: remove one of them`),
    ];
  }
  if (access !== "open" || !isRequired) return NO_PROBLEMS;
  const message = "There is no authentication, which REQUIRE_AUTH asks for: add a method, such as 'hmac', " +
    'or write "auth": "none" if everybody may send';
  return [problemOfAuth("auth_required", message)];
}

const NO_PROBLEMS: readonly ProblemReason[] = [];

function problemOfAuth(code: ProblemReason["code"], message: string): ProblemReason {
  return { code, path: "auth", message };
}

/** Of the first kind that knows them. */
function eventTypesOf(
  used: readonly VerifierKind[],
  config: Config,
): ReturnType<NonNullable<VerifierKind["eventTypes"]>> {
  for (const kind of used) {
    const types = kind.eventTypes?.(config[kind.key], config);
    if (types !== undefined) return types;
  }
  return undefined;
}

/** Of the first kind whose senders send any. */
function formsOf(used: readonly VerifierKind[], config: Config): FormDocuments | undefined {
  for (const kind of used) {
    const forms = kind.forms?.(config[kind.key]);
    if (forms !== undefined) return forms;
  }
  return undefined;
}

/** One list for all webhooks that have one secret a verifier, as most do. */
const NONE: readonly PlacedSecrets[] = [];

function placedSecretsOf(used: readonly VerifierKind[], config: Config): readonly PlacedSecrets[] {
  const placed = used.flatMap(({ key }) => placedSecretsIn(key, config[key]));
  return placed.length === 0 ? NONE : placed;
}

/** The kinds whose keys stand beside others, which few webhooks have. */
const KINDS_WITH_KEYS_BESIDE = verifierKinds.filter(({ keysBeside }) => keysBeside !== undefined);

/** Keys that are read with another one, which is not there: whoever wrote them expects something of them. */
function strayKeys(config: Config, used: readonly VerifierKind[]): ProblemReason[] {
  return KINDS_WITH_KEYS_BESIDE.filter((kind) => !used.includes(kind)).flatMap(({ key, keysBeside }) =>
    Object.keys(keysBeside ?? {}).filter((beside) => config[beside] !== undefined).map((beside) => ({
      code: "schema" as const,
      path: beside,
      message: `Key '${beside}' is read with '${key}' only`,
    }))
  );
}

function warningsOf({ key, notices }: VerifierKind, config: Config): WarningReason[] {
  return (notices?.(config[key]) ?? []).map(({ path, message }) => ({
    code: "auth_notice",
    path: path === "" ? key : `${key}.${path}`,
    message,
  }));
}
