import type { Catalog } from "../config/catalog.ts";
import { webhookPath } from "../event/names.ts";
import { EventMetrics } from "../delivery/event_metrics.ts";
import type { JournalStats } from "../journal/journal.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { InFlight } from "./in_flight.ts";
import { RequestMetrics } from "./request_metrics.ts";

/** What has series by webhook: each webhook has them from its load on and until it is removed. */
export class WebhookMetrics {
  readonly requests: RequestMetrics;
  readonly events: EventMetrics;

  /** @param catalog the webhooks that are configured now; not asked for before the first request */
  constructor(
    metrics: Metrics,
    inFlight: InFlight,
    stats: () => JournalStats | undefined,
    catalog: () => Pick<Catalog, "find" | "entries">,
  ) {
    this.events = new EventMetrics(
      metrics,
      stats,
      ({ namespace, webhook }) => catalog().find(webhookPath(namespace, webhook)) !== undefined,
    );
    this.requests = new RequestMetrics(metrics, inFlight, catalog);
  }

  /** The webhook was removed. @param path `namespace/id` */
  forget(path: string): void {
    const [namespace = "", webhook = ""] = path.split("/");
    this.requests.forget({ namespace, webhook });
    this.events.forget({ namespace, webhook });
  }
}
