/**
 * The environment variables of HashiCorp Vault and OpenBao, and the settings that they become.
 *
 * @module
 */

import {
  baseUrl,
  choice,
  integer,
  list,
  matching,
  secret,
  secretPath,
  trueFalseOrPath,
  trueOrFalse,
} from "./types.ts";
import { ifSet, optional, type ValuesOf, variable } from "./variable.ts";

/** A credential as it stands in the environment, or the file that it is read from. */
export type VaultCredential = { readonly value: string } | { readonly file: string };

/** How the gateway gets its token. */
export type VaultLogin =
  /** Requests have no token: a Vault Agent or Vault Proxy in front adds its own. */
  | { readonly method: "none" }
  | { readonly method: "token"; readonly token: VaultCredential }
  | {
    readonly method: "approle";
    /** Where the method is enabled, below `auth/`. */
    readonly mount: string;
    readonly roleId: string;
    /** Left out: the role needs none (`bind_secret_id` is false). */
    readonly secretId?: VaultCredential;
  }
  | {
    readonly method: "kubernetes";
    /** Where the method is enabled, below `auth/`. */
    readonly mount: string;
    readonly role: string;
    readonly jwtFile: string;
  };

/** How to reach a Vault or OpenBao cluster, and what to read there. Times are in milliseconds. */
export interface VaultSettings {
  /** URLs without a slash at their end, at least one. */
  readonly addresses: readonly string[];
  readonly login: VaultLogin;
  /** The mount of the KV secrets engine, without slashes at its ends. */
  readonly mount: string;
  readonly kvVersion: 1 | 2;
  /** Without slashes at its ends; left out: the root namespace. */
  readonly namespace?: string;
  readonly tls: {
    /** Whether the server's certificate is verified. */
    readonly verify: boolean;
    /** The authorities to trust, in PEM. Left out: those of the system. */
    readonly caFile?: string;
  };
  /** How long one question may take, its repetitions included. */
  readonly timeoutMs: number;
  readonly cache: {
    /** How old an answer may be before the path is read again. */
    readonly ttlMs: number;
    /** How many paths are kept at most. */
    readonly maxEntries: number;
  };
}

/** Names of mounts, namespaces and roles: segments between single slashes, none of them `.` or `..`. */
const SEGMENTS = /^\/*(?!\.\.?(?:\/|$))[\w.-]+(?:\/(?!\.\.?(?:\/|$))[\w.-]+)*\/*$/;
const JWT_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const DAY_SECONDS = 24 * 60 * 60;

function segments(noun: string) {
  return matching(noun, (value) => SEGMENTS.test(value), "be segments of a-z A-Z 0-9 _ . - between slashes");
}

function credential() {
  return secret((value) => /^[\x21-\x7e]+$/.test(value), "be visible ASCII without spaces");
}

/** The variables, in the order of the documentation. */
export const VAULT_VARIABLES = {
  SECRETS_BACKEND: variable(
    choice("env", "vault"),
    "env",
    "`vault` reads `{$vault:path#field}` from HashiCorp Vault or OpenBao; so does `VAULT_ENABLED`.",
  ),
  VAULT_ENABLED: variable(trueOrFalse(), false, "`true` is the same as `SECRETS_BACKEND=vault`."),
  VAULT_ADDR: optional(
    list(baseUrl("https://vault.example:8200")),
    "The server, such as `https://vault.example:8200`; several are the members of one cluster, asked in turn. " +
      "Redirects are followed to these addresses only.",
  ),
  VAULT_AUTH_METHOD: optional(
    choice("token", "approle", "kubernetes", "none"),
    "How to log in. Left out, the first of `VAULT_TOKEN`, `VAULT_TOKEN_FILE`, `VAULT_ROLE_ID` and `VAULT_ROLE` " +
      "that is set says how. `none` sends no token, for a Vault Agent or Proxy that adds its own.",
    "(by what is set)",
  ),
  VAULT_TOKEN: optional(credential(), "The token, or a wrapping token that holds it."),
  VAULT_TOKEN_FILE: optional(
    secretPath(),
    "File with the token, such as the sink of a Vault Agent; read again when it changes.",
  ),
  VAULT_ROLE_ID: optional(credential(), "AppRole: the role id."),
  VAULT_SECRET_ID: optional(credential(), "AppRole: the secret id, or a wrapping token that holds it."),
  VAULT_SECRET_ID_FILE: optional(secretPath(), "AppRole: file with the secret id, read before each login."),
  VAULT_ROLE: optional(segments("name"), "Kubernetes: the role to log in as."),
  VAULT_JWT_FILE: variable(
    secretPath(),
    JWT_FILE,
    "Kubernetes: file with the service account's token, read before each login.",
  ),
  VAULT_AUTH_MOUNT: optional(
    segments("path"),
    "Where the login method is enabled, below `auth/`.",
    "(`approle` or `kubernetes`)",
  ),
  VAULT_MOUNT_POINT: variable(segments("path"), "secret", "The mount of the KV secrets engine."),
  VAULT_KV_VERSION: variable(choice("1", "2"), "2", "The version of the KV secrets engine."),
  VAULT_NAMESPACE: optional(
    segments("path"),
    "Namespace of Vault Enterprise or OpenBao. A server that has no namespaces is refused.",
  ),
  VAULT_VERIFY: variable(
    trueFalseOrPath(),
    true,
    "Verifies the server's certificate; a path names the authorities (PEM) to trust instead of the system's.",
  ),
  VAULT_TIMEOUT_SECONDS: variable(
    integer(1, 300, "s"),
    10,
    "How long one question may take; within it an address that does not answer is asked again.",
  ),
  VAULT_CACHE_TTL_SECONDS: variable(
    integer(1, DAY_SECONDS, "s"),
    300,
    "How old an answer may be before its path is read again.",
  ),
  VAULT_CACHE_MAX_SIZE: variable(integer(1, 1_000_000, "paths"), 1000, "How many paths are kept at most."),
} as const;

type Values = ValuesOf<typeof VAULT_VARIABLES>;

function isEnabled(values: Values): boolean {
  return values.VAULT_ENABLED || values.SECRETS_BACKEND === "vault";
}

/** What is wrong between variables that are each right. While Vault is off, nothing is. */
export function vaultContradictions(values: Values): string[] {
  if (!isEnabled(values)) return [];
  const problems: string[] = [];
  if (values.VAULT_ADDR === undefined) problems.push("VAULT_ADDR must be set while Vault is on");
  for (
    const [name, file] of [["VAULT_TOKEN", "VAULT_TOKEN_FILE"], [
      "VAULT_SECRET_ID",
      "VAULT_SECRET_ID_FILE",
    ]] as const
  ) {
    if (values[name] !== undefined && values[file] !== undefined) {
      problems.push(`${name} and ${file} must not be set together`);
    }
  }
  const method = methodOf(values);
  if (method === "token" && tokenOf(values) === undefined) {
    problems.push("VAULT_TOKEN or VAULT_TOKEN_FILE must be set to log in by token");
  }
  if (method === "approle" && values.VAULT_ROLE_ID === undefined) {
    problems.push("VAULT_ROLE_ID must be set to log in by AppRole");
  }
  if (method === "kubernetes" && values.VAULT_ROLE === undefined) {
    problems.push("VAULT_ROLE must be set to log in by Kubernetes");
  }
  if (method === "none" && values.VAULT_AUTH_METHOD === undefined && secretIdOf(values) !== undefined) {
    problems.push("VAULT_ROLE_ID must be set together with VAULT_SECRET_ID or VAULT_SECRET_ID_FILE");
  }
  return problems;
}

/**
 * The settings; `undefined` while Vault is off.
 *
 * @param warnings gets what the operator should know at the start
 */
export function vaultSettings(values: Values, warnings: string[]): VaultSettings | undefined {
  if (!isEnabled(values) || values.VAULT_ADDR === undefined) return undefined;
  const { VAULT_VERIFY: verify } = values;
  if (verify === false) {
    warnings.push("VAULT_VERIFY is false: whoever is on the way to Vault can read and change all secrets");
  }
  const namespace = trimmed(values.VAULT_NAMESPACE ?? "");
  return {
    addresses: values.VAULT_ADDR,
    login: loginOf(values),
    mount: trimmed(values.VAULT_MOUNT_POINT),
    kvVersion: values.VAULT_KV_VERSION === "1" ? 1 : 2,
    // Both servers take `root` for the namespace that there always is.
    ...(namespace === "" || namespace === "root" ? {} : { namespace }),
    tls: { verify: verify !== false, ...ifSet("caFile", typeof verify === "string" ? verify : undefined) },
    timeoutMs: values.VAULT_TIMEOUT_SECONDS * 1000,
    cache: { ttlMs: values.VAULT_CACHE_TTL_SECONDS * 1000, maxEntries: values.VAULT_CACHE_MAX_SIZE },
  };
}

function methodOf(values: Values): VaultLogin["method"] {
  if (values.VAULT_AUTH_METHOD !== undefined) return values.VAULT_AUTH_METHOD;
  if (tokenOf(values) !== undefined) return "token";
  if (values.VAULT_ROLE_ID !== undefined) return "approle";
  return values.VAULT_ROLE === undefined ? "none" : "kubernetes";
}

function loginOf(values: Values): VaultLogin {
  const method = methodOf(values);
  const mount = trimmed(values.VAULT_AUTH_MOUNT ?? method);
  const token = tokenOf(values);
  const { VAULT_ROLE_ID: roleId, VAULT_ROLE: role, VAULT_JWT_FILE: jwtFile } = values;
  if (method === "token" && token !== undefined) return { method, token };
  if (method === "approle" && roleId !== undefined) {
    return { method, mount, roleId, ...ifSet("secretId", secretIdOf(values)) };
  }
  if (method === "kubernetes" && role !== undefined) return { method, mount, role: trimmed(role), jwtFile };
  return { method: "none" };
}

function tokenOf(values: Values): VaultCredential | undefined {
  return credentialOf(values.VAULT_TOKEN, values.VAULT_TOKEN_FILE);
}

function secretIdOf(values: Values): VaultCredential | undefined {
  return credentialOf(values.VAULT_SECRET_ID, values.VAULT_SECRET_ID_FILE);
}

function credentialOf(value: string | undefined, file: string | undefined): VaultCredential | undefined {
  if (value !== undefined) return { value };
  return file === undefined ? undefined : { file };
}

function trimmed(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}
