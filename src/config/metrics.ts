import type { Metrics, Reading } from "../observability/metrics.ts";
import type { ConfigManager } from "./manager.ts";
import type { ConfigProvider } from "./provider.ts";

/** Gauges of the configuration in service, evaluated at each scrape. */
export function registerConfigMetrics(
  metrics: Metrics,
  manager: ConfigManager,
  provider: ConfigProvider,
): void {
  metrics.gaugeFrom(
    "cwm_config_keys",
    "Configuration keys by state: served as configured, served from an older value, not served.",
    () =>
      Object.entries(manager.catalog.counts(manager.size.connections))
        .map(([state, count]): Reading => [{ state }, count]),
  );
  metrics.gaugeFrom(
    "cwm_webhooks_without_auth",
    "Webhooks that everybody may send to, by whether their configuration says so.",
    () => {
      const { declared, undeclared } = manager.catalog.openWebhooks;
      return [[{ declared: "true" }, declared], [{ declared: "false" }, undeclared]];
    },
  );
  metrics.gaugeFrom(
    "cwm_config_connected",
    "Whether changes of the configuration reach this process (1) or not (0).",
    () => provider.status().connected ? 1 : 0,
  );
  metrics.gaugeFrom(
    "cwm_config_degraded",
    "Whether requests are served from a snapshot that may be outdated (1) or not (0).",
    () => provider.status().degraded ? 1 : 0,
  );
  metrics.gaugeFrom(
    "cwm_config_last_sync_timestamp_seconds",
    "When the backend was last known to hold what is served; 0 before the first load.",
    () => (provider.status().lastSyncAt ?? 0) / 1000,
  );
}
