/**
 * The static settings of the gateway, as its parts see them.
 *
 * @module
 */

import type { RateLimit } from "../time/rate.ts";
import type { EtcdSettings } from "./etcd.ts";
import type { JournalTempo } from "./journal/journal.ts";
import type { PostgresSettings } from "./journal/postgres_url.ts";
import type { OutputBounds } from "./output_bounds.ts";
import type { SecretSettings } from "./secrets.ts";
import type { SnapshotSettings } from "./snapshot/snapshot.ts";
import type { TlsSettings } from "./tls.ts";
import type { VaultSettings } from "./vault.ts";

/** Everything that is fixed while the process runs. Sizes are in bytes, times in milliseconds. */
export interface Settings {
  readonly configBackend: "file" | "etcd";
  /** Paths of the file backend's files. */
  readonly files: {
    readonly webhooks: string;
    readonly connections: string;
    /** Files that are merged into these, one after the other; left out: none are. */
    readonly overlays?: { readonly webhooks: readonly string[]; readonly connections: readonly string[] };
    /** Which of them a variable names: the gateway is not ready before they were read once. */
    readonly named: readonly ("webhooks" | "connections")[];
  };
  readonly etcd: EtcdSettings;
  /** The same cluster, as an operator who changes the configuration reaches it. */
  readonly etcdOperator: EtcdSettings;
  /** When an outage of the configuration's backend counts, and whether the gateway is then not ready. */
  readonly degraded: { readonly afterMs: number; readonly isUnready: boolean };
  /** Namespace of `/webhook/{webhook_id}`. */
  readonly defaultNamespace: string;
  /** Where the last good configuration is kept; left out: nowhere. */
  readonly snapshot?: SnapshotSettings;
  /** Holds the policy of namespaces; left out: the backend may hold one. */
  readonly policyFile?: string;
  readonly dataDir: string;
  /** Redis server of the channel queues; left out: they stand in the data directory. Holds a password. */
  readonly relayQueue?: string;
  readonly journal: {
    /** Largest size of the journal on disk. */
    readonly maxBytes: number;
    /** How long events are kept after they were delivered. */
    readonly retentionMs: number;
    /** How much of them is kept at most. */
    readonly retentionBytes: number;
    /** The server that holds the journal for all instances; left out: a file in the data directory. */
    readonly postgres?: PostgresSettings & { readonly tempo: JournalTempo };
  };
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Whether other instances on this machine listen at the same address, if they want to. */
  readonly sharesPort: boolean;
  /** Another port, of this instance alone, 0 for any free one; left out: there is none. */
  readonly instancePort?: number;
  /** Left out: HTTP is served. */
  readonly tls?: TlsSettings;
  readonly log: { readonly level: "debug" | "info" | "warning" | "error"; readonly format: "text" | "json" };
  /** What outputs may do, whoever configures webhooks. */
  readonly outputBounds: OutputBounds;
  readonly limits: {
    readonly maxBodyBytes: number;
    readonly maxJsonDepth: number;
    readonly maxJsonValues: number;
    readonly bodyTimeoutMs: number;
    /** Requests. */
    readonly maxInFlight: number;
    readonly maxInFlightBytes: number;
    /** Connections; left out: any number. */
    readonly maxConnections?: number;
    readonly deliveryBudgetMs: number;
    /** For how long a target may take nothing before its webhook is switched off; `Infinity` for any time. */
    readonly switchOffAfterMs: number;
    /** Of all webhooks of a namespace together; left out: any number of requests. */
    readonly namespaceRate?: RateLimit;
  };
  readonly shutdown: { readonly graceMs: number; readonly timeoutMs: number };
  readonly adminToken?: string;
  /** File with the hashes of more admin tokens; left out: there are none. */
  readonly adminTokensFile?: string;
  /** What `/metrics` asks for; left out: it is open. */
  readonly metricsToken?: string;
  /** IP addresses and CIDR networks. */
  readonly trustedProxies: readonly string[];
  /** Where senders reach the gateway, without a slash at its end; left out: as trusted proxies say. */
  readonly publicUrl?: string;
  readonly auth: {
    /** Whether a webhook without authentication has to say so. */
    readonly isRequired: boolean;
    /** In whose headers trusted proxies say which certificates they have verified; left out: in none. */
    readonly clientCertificates?: "nginx" | "traefik" | "envoy";
    /** Environment variables that methods need and that are not set. */
    readonly missing: readonly string[];
  };
  /** Origins of pages that may send to webhooks without `cors`. */
  readonly corsOrigins: readonly string[];
  /** `namespace/id` of the webhook that gets notices; left out: nobody does. */
  readonly notifyWebhook?: string;
  /** Where accepted events are noted; left out: nowhere. */
  readonly eventLog?: {
    readonly connection: string;
    readonly table: string;
    readonly createsTable: boolean;
  };
  readonly metrics: boolean;
  /** How many webhooks have series of their own. */
  readonly metricsWebhooks: number;
  /** Left out: requests are not counted in windows. */
  readonly statistics?: {
    /** Whether a journal is begun for the figures where there is none. */
    readonly isKept: boolean;
    /** A further token that they are read with. */
    readonly token?: string;
  };
  /** Whether requests to webhooks that do not exist get the webhook `default` of their namespace. */
  readonly defaultWebhook: boolean;
  /** Which answers have the header with the request's id. */
  readonly requestIdHeader: "always" | "errors";
  readonly secrets: SecretSettings;
  /** Where `{$vault:…}` is read; left out while Vault is off. Holds credentials. */
  readonly vault?: VaultSettings;
  /** What the operator should know at the start, one sentence each. */
  readonly warnings: readonly string[];
}
