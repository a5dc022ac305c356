/**
 * Options and times of the etcd provider, with their defaults.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { HealthReports } from "../../health/health.ts";
import type { EtcdCredentials } from "./credentials.ts";
import type { SnapshotPlace } from "../snapshot/writer.ts";
import type { EtcdTlsFiles, KeepAlive } from "./wire/transport.ts";

/** How long things may take and how often they are done. The defaults are for production; tests are faster. */
export interface EtcdTiming {
  /** From the start of a connection to its first answer, in milliseconds. @default 3000 */
  readonly connectTimeoutMs: number;
  /** One small call, in milliseconds. @default 4000 */
  readonly callTimeoutMs: number;
  /** One page of a list, in milliseconds. @default 15000 */
  readonly pageTimeoutMs: number;
  /** @default pings every 5 s, answered within 3 s */
  readonly keepAlive: KeepAlive;
  /** Between two proofs of life, in milliseconds. @default 5000 */
  readonly checkIntervalMs: number;
  /** How long a watch may be silent once it has something to answer for, in milliseconds. @default 9000 */
  readonly silenceMs: number;
  /** The pause after the first failed round over all endpoints, in milliseconds; it doubles. @default 1000 */
  readonly retryInitialMs: number;
  /** The longest such pause, in milliseconds. @default 60000 */
  readonly retryMaxMs: number;
  /** Between two looks during a pause whether an endpoint accepts connections again, in milliseconds. @default 5000 */
  readonly knockIntervalMs: number;
  /** How long an endpoint may be silent at a start before the next one is tried beside it, in milliseconds. @default 500 */
  readonly patienceMs: number;
  /** The longest pause after a healthy connection was lost, in milliseconds. @default 200 */
  readonly retryQuickMs: number;
  /** How long a watch must last to count as healthy, in milliseconds. @default 10000 */
  readonly healthyAfterMs: number;
  /** The latest time of the list that follows a resumed watch, in milliseconds. @default 5000 */
  readonly listAfterReconnectMs: number;
  /** Between two comparisons of all revisions, in milliseconds, give or take a quarter. @default 600000 */
  readonly reconcileIntervalMs: number;
  /** When a list that removes most keys is confirmed by a second one, in milliseconds. @default 5000 */
  readonly confirmDeletesAfterMs: number;
  /** The shortest time between two writes of the snapshot file, in milliseconds. @default 5000 */
  readonly snapshotIntervalMs: number;
}

/** How long an outage has to last to count, unless an option says otherwise, in milliseconds. */
export const DEGRADED_AFTER_MS = 60_000;

/** The defaults of {@linkcode EtcdTiming}. */
export const DEFAULT_TIMING: EtcdTiming = {
  connectTimeoutMs: 3_000,
  callTimeoutMs: 4_000,
  pageTimeoutMs: 15_000,
  keepAlive: { intervalMs: 5_000, timeoutMs: 3_000 },
  checkIntervalMs: 5_000,
  silenceMs: 9_000,
  retryInitialMs: 1_000,
  retryMaxMs: 60_000,
  knockIntervalMs: 5_000,
  patienceMs: 500,
  retryQuickMs: 200,
  healthyAfterMs: 10_000,
  listAfterReconnectMs: 5_000,
  reconcileIntervalMs: 600_000,
  confirmDeletesAfterMs: 5_000,
  snapshotIntervalMs: 5_000,
};

/** Options of `EtcdConfigProvider`. */
export interface EtcdProviderOptions {
  /** The members of the cluster: `http://host:2379`, `https://host:2379`. At least one. */
  readonly endpoints: readonly string[];
  /** What all keys begin with. A role that may read this range is enough. */
  readonly prefix: string;
  /** Who logs in. @default nobody */
  readonly credentials?: EtcdCredentials;
  /** Where an outage that counts is reported. @default nowhere */
  readonly health?: HealthReports | undefined;
  /** How long an outage has to last to make the status `degraded`, in milliseconds. @default 60000 */
  readonly degradedAfterMs?: number;
  readonly tls?: EtcdTlsFiles;
  /** Where the last state is kept for a start without etcd, or while it holds bad values. @default nowhere */
  readonly snapshot?: SnapshotPlace;
  readonly logger: Logger;
  readonly timing?: Partial<EtcdTiming>;
  /** A number from 0 up to 1, for jitter and the choice of the first endpoint. @default Math.random */
  readonly random?: () => number;
}
