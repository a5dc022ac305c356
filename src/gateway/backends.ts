/**
 * What the settings choose between: where the configuration comes from, where the journal stands, and where
 * channels are shared. The command line opens the same.
 *
 * @module
 */

import type { ChannelQueues } from "../channels/channel_queues.ts";
import { FileConfigProvider } from "../config/file/file_provider.ts";
import { PolicyFileProvider } from "../config/file/policy_file.ts";
import type { ConfigProvider } from "../config/provider.ts";
import type { DeadLetters } from "../dead_letters/dead_letters.ts";
import type { HealthReports } from "../health/health.ts";
import { logger } from "../observability/logging.ts";
import { journalDirectory } from "../settings/secrets.ts";
import type { Settings } from "../settings/settings.ts";
import type { JournalStore } from "../journal/journal_store.ts";
import type { PostgresContents } from "../journal/postgres/contents.ts";
import {
  mayHoldSqliteJournal,
  openSqliteJournal,
  type SqliteJournalOptions,
} from "../journal/sqlite/sqlite_journal.ts";
import { VERSION } from "../version.ts";

/** What a provider does besides. */
export interface ProviderChoices {
  /** Where is reported that changes do not arrive. @default nowhere */
  readonly health?: HealthReports;
  /** Whether it keeps the last good configuration, and serves it again at a start. @default false */
  readonly keepsSnapshot?: boolean;
  /** Whether problems of single files have a place, too. @default false */
  readonly keepsPlaces?: boolean;
  /** The text of a file of webhooks, which is taken instead of those of the backend. @default none */
  readonly given?: Uint8Array<ArrayBuffer> | undefined;
}

/** What problems call a text of webhooks that was given. */
const GIVEN = "standard input";

/** The provider of the configured backend, behind the policy where a file holds it. */
export async function createProvider(
  settings: Settings,
  choices: ProviderChoices = {},
): Promise<ConfigProvider> {
  const provider = await openBackend(settings, choices);
  if (settings.policyFile === undefined) return provider;
  return new PolicyFileProvider({ path: settings.policyFile, provider, logger: logger("config") });
}

/** The etcd client is loaded only where it is used. */
async function openBackend(
  settings: Settings,
  { health, keepsSnapshot = false, keepsPlaces, given }: ProviderChoices,
): Promise<ConfigProvider> {
  const snapshot = keepsSnapshot && settings.snapshot !== undefined ? { snapshot: settings.snapshot } : {};
  if (settings.configBackend === "file" || given !== undefined) {
    const { webhooks, connections, overlays, named } = settings.files;
    return new FileConfigProvider({
      webhooksFile: given === undefined ? webhooks : GIVEN,
      connectionsFile: connections,
      ...(overlays === undefined
        ? {}
        : { overlays: given === undefined ? overlays : { ...overlays, webhooks: [] } }),
      named,
      keepsPlaces,
      given,
      defaultNamespace: settings.defaultNamespace,
      ...snapshot,
      logger: logger("config"),
    });
  }
  const { EtcdConfigProvider } = await import("../config/etcd/etcd_provider.ts");
  const { etcd, degraded } = settings;
  return new EtcdConfigProvider({
    ...etcd,
    degradedAfterMs: degraded.afterMs,
    health,
    ...snapshot,
    logger: logger("etcd"),
  });
}

/** How a journal is opened. */
export interface JournalChoices
  extends Pick<SqliteJournalOptions, "lockWaitMs" | "waitsForOwner" | "opensAtOnce" | "health"> {
  /** What people know this instance by. @default "gateway" */
  readonly name?: string | undefined;
}

/**
 * The journal: in PostgreSQL, whose client is loaded only then, or in the data directory. Where there is none yet in
 * there, nothing is made before its first use, unless asked for.
 *
 * @param choices how long to wait for another process that uses it, or whether to wait until it ends; where is
 * reported that it takes no events
 * @throws {StartupError} when another process uses it and is not waited for, or a newer version has written it
 */
export async function openJournal(settings: Settings, choices: JournalChoices = {}): Promise<JournalStore> {
  const { postgres, ...bounds } = settings.journal;
  const { name = "gateway", ...options } = choices;
  if (postgres !== undefined) {
    const { openPostgresServer } = await import("../journal/postgres/server.ts");
    const { PostgresStore } = await import("../journal/postgres/postgres_store.ts");
    return await PostgresStore.open({
      server: openPostgresServer({ settings: postgres, logger: logger("journal") }),
      tempo: postgres.tempo,
      member: { name, version: VERSION },
      ...bounds,
      health: options.health,
      logger: logger("journal"),
    });
  }
  return await openFileJournal(settings, options);
}

/** The journal in a directory, whatever `JOURNAL` says. @param choices as of {@linkcode openJournal} */
export async function openFileJournal(
  { dataDir, journal: { postgres: _, ...bounds } }: Settings,
  choices: Omit<JournalChoices, "name"> & { readonly directory?: string } = {},
): Promise<JournalStore> {
  return await openSqliteJournal({
    directory: journalDirectory(dataDir),
    ...bounds,
    ...choices,
    logger: logger("journal"),
  });
}

/**
 * What stands in the journal of all instances, for a command; `undefined` where the journal is a file. Disposal ends the
 * connection.
 */
export async function openSharedContents(
  { journal: { postgres, maxBytes } }: Settings,
): Promise<(PostgresContents & AsyncDisposable) | undefined> {
  if (postgres === undefined) return undefined;
  const { openPostgresContents } = await import("../journal/postgres/contents.ts");
  return openPostgresContents({ settings: postgres, maxBytes, logger: logger("journal") });
}

/** Whether there is a journal, or nobody can say that there is none since its directory cannot be entered. */
export async function mayHoldJournal(settings: Settings): Promise<boolean> {
  return settings.journal.postgres !== undefined || await mayHoldFile(settings);
}

/** Whether there is a journal in the data directory, or nobody can say that there is none. */
export function mayHoldFile({ dataDir }: Settings): Promise<boolean> {
  return mayHoldSqliteJournal(journalDirectory(dataDir));
}

/** The channels that all instances share, in the Redis server of the settings. Its client is loaded only then. */
export async function openSharedChannels(url: string, deadLetters: DeadLetters): Promise<ChannelQueues> {
  const { RedisChannelQueues } = await import("../channels/redis/redis_channel_queues.ts");
  return await RedisChannelQueues.open({ url, deadLetters, logger: logger("relay") });
}
