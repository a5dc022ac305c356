/**
 * Opens the sources of secrets that the settings name.
 *
 * @module
 */

import { resolve } from "@std/path";
import { logger } from "../../observability/logging.ts";
import { FileSecrets } from "../../secrets/file_secrets.ts";
import { SecretCache } from "../../secrets/secret_cache.ts";
import type { VaultSource } from "../../secrets/vault/vault_source.ts";
import type { Settings } from "../../settings/settings.ts";
import type { VaultSettings } from "../../settings/vault.ts";
import { FileWatcher } from "../file/watch/file_watcher.ts";
import { SecretLookup } from "./lookup.ts";

/** How often files are read again for changes that the system did not report, in milliseconds. */
const FILE_REFRESH_MS = 30_000;

/** How long a change of a file has to be over before it is read, in milliseconds. */
const DEBOUNCE_MS = 50;

/** Files that are kept at most. */
const MAX_FILES = 10_000;

/** What references to secrets are looked up in. Nothing is read before the first of them is used. */
export async function openSecrets(
  { secrets, vault }: Pick<Settings, "secrets" | "vault">,
): Promise<SecretLookup> {
  const { directory, vaultPaths, ownFiles } = secrets;
  const files = directory === undefined ? {} : { file: openFiles(resolve(directory), ownFiles) };
  if (vault === undefined) return new SecretLookup({ caches: files, vaultPaths });
  const source = await openVault(vault);
  const caches = { ...files, vault: cacheOfVault(source, vault) };
  return new SecretLookup({ caches, vaultPaths, vaultStatus: () => source.status() });
}

function openFiles(directory: string, ownFiles: readonly string[]): SecretCache {
  const log = logger("config");
  const watcher = new FileWatcher({
    onChange: () => void cache.readAll(),
    debounceMs: DEBOUNCE_MS,
    logger: log,
  });
  const cache = new SecretCache({
    source: new FileSecrets({ directory, ownFiles, watcher }),
    refreshMs: FILE_REFRESH_MS,
    maxPaths: MAX_FILES,
    maxPathsAdvice: "let fewer entries have files of their own",
    logger: log,
  });
  return cache;
}

/** The client is loaded only where it is used. */
async function openVault(settings: VaultSettings): Promise<VaultSource> {
  const { VaultSource } = await import("../../secrets/vault/vault_source.ts");
  return new VaultSource({ settings, logger: logger("vault") });
}

function cacheOfVault(source: VaultSource, { cache }: VaultSettings): SecretCache {
  return new SecretCache({
    source,
    refreshMs: cache.ttlMs,
    maxPaths: cache.maxEntries,
    maxPathsAdvice: "raise VAULT_CACHE_MAX_SIZE",
    logger: logger("vault"),
  });
}
