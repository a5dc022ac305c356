/**
 * What is counted by webhook.
 *
 * @module
 */

import { SecretMetrics } from "../auth/secret_metrics.ts";
import type { Catalog } from "../config/catalog.ts";
import type { CatalogEntry } from "../config/entry.ts";
import { webhookPath } from "../event/names.ts";
import { EventMetrics } from "../delivery/event_metrics.ts";
import type { JournalStats } from "../journal/journal.ts";
import { FilterReports } from "../filters/reports.ts";
import { logger } from "../observability/logging.ts";
import type { Metrics } from "../observability/metrics.ts";
import { SeriesNames } from "../observability/webhook_series.ts";
import type { InFlight } from "./in_flight.ts";
import { RequestMetrics } from "./request_metrics.ts";
import type { Statistics } from "./statistics/statistics.ts";

/** What has series by webhook: each webhook has them from its load on and until it is removed. */
export class WebhookMetrics {
  /** Which webhooks have series of their own. */
  readonly names: SeriesNames;
  readonly requests: RequestMetrics;
  readonly events: EventMetrics;
  readonly filters: FilterReports;
  readonly #secrets: SecretMetrics;
  readonly #statistics: Statistics | undefined;

  /**
   * @param catalog the webhooks that are configured now; not asked for before the first request
   * @param mostWebhooks how many have series of their own. @default all
   * @param statistics where accepted requests are counted, too. @default nowhere
   */
  constructor(
    metrics: Metrics,
    inFlight: InFlight,
    stats: () => JournalStats | undefined,
    catalog: () => Pick<Catalog, "find" | "entries">,
    mostWebhooks?: number,
    statistics?: Statistics,
  ) {
    this.#statistics = statistics;
    this.names = new SeriesNames(mostWebhooks);
    this.events = new EventMetrics(
      metrics,
      stats,
      ({ namespace, webhook }) => catalog().find(webhookPath(namespace, webhook)) !== undefined,
      this.names,
    );
    const { deliveries } = this.events;
    this.requests = new RequestMetrics(metrics, inFlight, catalog, this.names, deliveries, statistics);
    this.filters = new FilterReports(metrics, logger("filters"), this.names);
    this.#secrets = new SecretMetrics(metrics, this.names);
  }

  /**
   * A webhook was loaded, changed or removed.
   *
   * @param path `namespace/id`
   * @param entry the webhook as it is now; `undefined` when it was removed
   */
  changed(path: string, entry: CatalogEntry | undefined): void {
    this.#secrets.changed(path, entry?.webhook?.severalSecrets ?? []);
    if (entry === undefined) this.#forget(path);
  }

  #forget(path: string): void {
    this.#statistics?.forget(path);
    const [namespace = "", webhook = ""] = path.split("/");
    this.requests.forget({ namespace, webhook });
    this.events.forget({ namespace, webhook });
    this.filters.forget({ namespace, webhook });
    this.names.forget({ namespace, webhook });
  }
}
