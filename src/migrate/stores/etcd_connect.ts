/**
 * A connection to whichever member of etcd answers, and why none does.
 *
 * @module
 */

import { EtcdCallError, EtcdConnection } from "../../config/etcd/wire/connection.ts";
import { parseEndpoint } from "../../config/etcd/wire/endpoint.ts";
import { DEFAULT_TIMING } from "../../config/etcd/options.ts";
import type { Settings } from "../../settings/settings.ts";
import { MigrationError } from "../configuration.ts";

/** How long one page or one transaction may take, in milliseconds. */
export const CALL_TIMEOUT_MS = 15_000;

/** The times of what reads and writes for a command. */
export const TIMING = {
  keepAlive: DEFAULT_TIMING.keepAlive,
  connectTimeoutMs: DEFAULT_TIMING.connectTimeoutMs,
  callTimeoutMs: DEFAULT_TIMING.callTimeoutMs,
  timeoutMs: CALL_TIMEOUT_MS,
} as const;

/**
 * Connects to the first member that answers.
 *
 * @param probeKey a key that the user may read
 * @throws {MigrationError} `unreadable`, with the reason of each
 */
export async function connectToEtcd(
  settings: Settings["etcd"],
  probeKey: Uint8Array,
): Promise<EtcdConnection> {
  const { endpoints, tls } = settings;
  const options = { ...settings, ...TIMING, probeKey };
  const failures: string[] = [];
  for (const text of endpoints) {
    try {
      const endpoint = parseEndpoint(text, tls !== undefined);
      return (await EtcdConnection.open(endpoint, options, new AbortController().signal)).connection;
    } catch (cause) {
      if (!(cause instanceof EtcdCallError)) throw cause;
      failures.push(cause.message);
    }
  }
  throw new MigrationError("unreadable", `Cannot reach etcd: ${failures.join("; ")}`);
}
