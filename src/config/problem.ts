/**
 * Problems and warnings of configuration values, as operators see them.
 *
 * @module
 */

import type { SecretKey } from "./secrets/lookup.ts";

/** What can be wrong with one configuration value. The codes are stable; the reasons are for people. */
export type ProblemCode =
  | "foreign_key"
  | "invalid_json"
  | "not_an_object"
  | "too_deep"
  | "too_large"
  | "schema"
  | "invalid_expression"
  | "auth_required"
  | "setting_missing"
  | "policy_forbids"
  | "policy_missing"
  | "handshake_awaited"
  | "invalid_reference"
  | "missing_variable"
  | "missing_secret"
  | "secret_misconfigured"
  | "secret_unavailable"
  | "unknown_module"
  | "connection_unresolved"
  | "channel_taken"
  | "output_mismatch"
  | "file_missing"
  | "file_unreadable"
  | "reload_hangs"
  | "certificate_invalid"
  | "admin_tokens_invalid";

/** Why a value was not taken, without the value: it may hold secrets. */
export interface ProblemReason {
  readonly code: ProblemCode;
  /** Where in the value, for example `hmac.secret`; empty for the value as a whole. */
  readonly path: string;
  /** One sentence in plain English, with the nearest known key name where a key is not known. */
  readonly message: string;
}

/** A value that is not in service, as `status()`, the log, the metrics and `/admin/config` show it. */
export interface Problem extends ProblemReason {
  /** `webhook team-a/orders`, `connection kafka_main`, a file's path or a foreign etcd key. */
  readonly key: string;
  /** The provider's revision of the value. */
  readonly revision: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** What requests get meanwhile: the last good value, or an error. */
  readonly serving: "last_good" | "nothing";
}

/** What a value may say without effect, or with another one than was meant. The codes are stable. */
export type WarningCode =
  | "shell_variable"
  | "reference_case"
  | "no_effect"
  | "unknown_type"
  | "output_notice"
  | "auth_notice"
  | "header_name"
  | "vault_paths_unset"
  | "policy_unset"
  | "default_webhook"
  | "notify_webhook";

/** Something in a value that its author should look at. It keeps nothing from being served. */
export interface WarningReason {
  readonly code: WarningCode;
  /** Where in the value; empty for the value as a whole. */
  readonly path: string;
  /** One sentence in plain English that never shows a value: it may be a secret. */
  readonly message: string;
}

/** A warning as the log, `cwm check` and `/admin/config` show it. */
export interface Warning extends WarningReason {
  /** `webhook team-a/orders` or `connection kafka_main`. */
  readonly key: string;
  /** The provider's revision of the value. */
  readonly revision: string;
}

/** The secrets that the references of one value gave. */
export interface ResolvedSecrets {
  /** What was looked up, for example `vault:webhooks/auth`. */
  readonly keys: readonly SecretKey[];
  /** A fingerprint of the texts that stand in their places: equal for equal ones. Holds secrets: never shown. */
  readonly fingerprint: string;
  /** Why some of them may be outdated: their source could not be asked again. */
  readonly stale: readonly ProblemReason[];
}

/**
 * The compiled value, or all the reasons why there is none. In either case what to look at, and the secrets,
 * where it refers to any.
 */
export type Compiled<Value> =
  & ({ readonly value: Value } | { readonly problems: readonly ProblemReason[] })
  & { readonly warnings?: readonly WarningReason[]; readonly secrets?: ResolvedSecrets };
