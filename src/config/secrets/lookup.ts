/**
 * What a reference to a secret gives at the moment, for the entry that it stands in: the access rules come
 * first, then what the caches know.
 *
 * @module
 */

import type { KnownSecret, SecretCache } from "../../secrets/secret_cache.ts";
import type { VaultStatus } from "../../secrets/vault/vault_source.ts";
import type { Reference } from "./reference.ts";

/** The sources of secrets, as references name them. */
export type SourceName = "file" | "vault";

/** A reference that is not to a variable. */
export type SecretReference = Extract<Reference, { readonly source: SourceName }>;

/** A path of a source, for example `vault:webhooks/auth`. */
export type SecretKey = `${SourceName}:${string}`;

/** What a reference gives. A `trouble` is why the source could not be asked since. */
export type SecretState =
  | { readonly state: "found"; readonly text: string; readonly trouble: string | undefined }
  | { readonly state: "absent"; readonly reason: string; readonly trouble: string | undefined }
  | { readonly state: "misconfigured" | "unavailable"; readonly reason: string }
  /** The settings do not let it be read here, so that it never is. */
  | { readonly state: "refused"; readonly reason: string };

/** What secrets are looked up in. */
export interface SecretLookupOptions {
  /** The sources that are configured. */
  readonly caches: Readonly<Partial<Record<SourceName, SecretCache>>>;
  /** Patterns of the paths in Vault that may be read; `undefined`: all of them. */
  readonly vaultPaths: readonly string[] | undefined;
  /** How Vault is doing; left out while it is off. */
  readonly vaultStatus?: () => VaultStatus;
}

/** The problem of a reference to a source that is not configured. */
const NOT_CONFIGURED: Readonly<Record<SourceName, string>> = {
  file: "SECRETS_DIR is not set: it names the directory that files of secrets are read from",
  vault: "Vault is not configured: set VAULT_ADDR and SECRETS_BACKEND=vault",
};

/** The path that a reference reads. */
export function secretKey({ source, path }: SecretReference): SecretKey {
  return `${source}:${path}`;
}

/** A reference without its default. */
export function describeSecret(reference: SecretReference): string {
  return reference.source === "file"
    ? `{$file:${reference.path}}`
    : `{$vault:${reference.path}#${reference.field}}`;
}

/** Looks up secrets. Disposal closes the sources. */
export class SecretLookup implements AsyncDisposable {
  readonly caches: SecretLookupOptions["caches"];
  /** How Vault is doing; `undefined` while it is off. */
  readonly vaultStatus: (() => VaultStatus) | undefined;
  readonly #vaultPaths: readonly string[] | undefined;
  readonly #patterns = new Map<string, readonly RegExp[]>();

  constructor({ caches, vaultPaths, vaultStatus }: SecretLookupOptions) {
    this.caches = caches;
    this.vaultStatus = vaultStatus;
    this.#vaultPaths = vaultPaths;
  }

  /** Whether everybody who writes a webhook may read every path of Vault. */
  get isVaultOpen(): boolean {
    return this.caches.vault !== undefined && this.#vaultPaths === undefined;
  }

  /** @param namespace the webhook's; `undefined` for connections, which belong to none */
  find(reference: SecretReference, namespace: string | undefined): SecretState {
    const { source, path } = reference;
    const cache = this.caches[source];
    if (cache === undefined) return { state: "refused", reason: NOT_CONFIGURED[source] };
    if (source === "vault" && !this.#mayRead(path, namespace)) {
      return { state: "refused", reason: "VAULT_PATHS does not allow this path here" };
    }
    return stateOf(cache.find(path), source === "file" ? "" : reference.field);
  }

  /** Keeps a secret, and reads it if nobody did. */
  use(key: SecretKey): void {
    this.#cacheOf(key)?.use(pathOf(key));
  }

  /** The inverse of {@linkcode use}. */
  release(key: SecretKey): void {
    this.#cacheOf(key)?.release(pathOf(key));
  }

  /** Reads a secret again: what uses it was changed, and maybe the secret with it. */
  renew(key: SecretKey): void {
    this.#cacheOf(key)?.renew(pathOf(key));
  }

  /** Whether a secret in use was never asked for to the end. */
  get isReading(): boolean {
    return this.caches.file?.isReading === true || this.caches.vault?.isReading === true;
  }

  /** Resolves when every secret that is in use now was asked for once. */
  async settled(): Promise<void> {
    await Promise.all([this.caches.file?.settled(), this.caches.vault?.settled()]);
  }

  /** Reads every secret again. Resolves when all were asked for. */
  async readAll(): Promise<void> {
    await Promise.all([this.caches.file?.readAll(), this.caches.vault?.readAll()]);
  }

  /** Calls the listener with each secret that is known to have changed, and nobody else any more. */
  onChange(listener: (key: SecretKey) => void): void {
    const { file, vault } = this.caches;
    if (file !== undefined) file.onChange = (path) => listener(`file:${path}`);
    if (vault !== undefined) vault.onChange = (path) => listener(`vault:${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { file, vault } = this.caches;
    await Promise.all([file?.[Symbol.asyncDispose](), vault?.[Symbol.asyncDispose]()]);
  }

  #cacheOf(key: SecretKey): SecretCache | undefined {
    return this.caches[key.slice(0, key.indexOf(":")) as SourceName];
  }

  #mayRead(path: string, namespace: string | undefined): boolean {
    if (this.#vaultPaths === undefined) return true;
    const key = namespace ?? "";
    let patterns = this.#patterns.get(key);
    if (patterns === undefined) {
      if (this.#patterns.size >= MAX_NAMESPACES) this.#patterns.clear();
      this.#patterns.set(key, patterns = compilePatterns(this.#vaultPaths, namespace));
    }
    return patterns.some((pattern) => pattern.test(path));
  }
}

/** Namespaces whose patterns are kept; beyond, all are compiled again. */
const MAX_NAMESPACES = 10_000;

/**
 * A pattern allows the paths that it matches and all below them. `*` stands for any characters between two
 * slashes, `{namespace}` for the webhook's namespace.
 */
function compilePatterns(patterns: readonly string[], namespace: string | undefined): RegExp[] {
  return patterns
    .filter((pattern) => namespace !== undefined || !pattern.includes("{namespace}"))
    .map((pattern) => {
      const path = pattern.replaceAll("{namespace}", namespace ?? "");
      return new RegExp(`^${RegExp.escape(path).replaceAll("\\*", "[^/]*")}(?:/|$)`);
    });
}

function pathOf(key: SecretKey): string {
  return key.slice(key.indexOf(":") + 1);
}

function stateOf({ answer, trouble }: KnownSecret, field: string): SecretState {
  if (answer === undefined) {
    return { state: "unavailable", reason: trouble ?? "It is being read for the first time" };
  }
  if (answer.state === "absent") return { ...answer, trouble };
  if (answer.state === "misconfigured") return answer;
  const text = answer.fields.get(field);
  if (text === undefined) return { state: "absent", reason: "The secret has no such field", trouble };
  // A file is empty for a moment while it is written in place.
  return text === "" ? { state: "misconfigured", reason: "It is empty" } : { state: "found", text, trouble };
}
