/** The dashboard of `docker/observability/`, built by Grafana's own library. */

import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** Where the dashboard stands in the repository. */
export const DASHBOARD_FILE = "docker/observability/dashboard.json";

/** One line, or several of one metric. */
interface Line {
  readonly expr: string;
  readonly legend?: string;
}

interface PanelPlan {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

const DATA_SOURCE = { type: "prometheus", uid: "${datasource}" };
const OF_WEBHOOK = 'namespace=~"$namespace", webhook=~"$webhook"';
const WEBHOOK = "{{namespace}}/{{webhook}}";
const OUTPUT = "{{module}} {{connection}} {{destination}}";

const NOW: readonly PanelPlan[] = [
  stat("Gateways", "That answer.", "short", 'sum(up{job="cwm"})'),
  stat("Outputs down", "0 when all take events.", "short", "count(cwm_output_up == 0) or vector(0)"),
  stat("Events waiting", "In the journals of all gateways.", "short", "sum(cwm_events_pending)"),
  stat("Oldest event", "Age of the oldest that waits.", "s", "max(cwm_events_oldest_pending_seconds)"),
  stat("Dead letters", "Kept until replayed or dropped.", "short", "max(cwm_dead_letters)"),
  stat(
    "Entries not served as written",
    "cwm check names them.",
    "short",
    'sum(cwm_config_keys{state=~"invalid|stale"})',
  ),
];

const REQUESTS: readonly PanelPlan[] = [
  plan("Requests", "By outcome.", "reqps", {
    expr: `sum by (outcome) (rate(cwm_requests_total{${OF_WEBHOOK}}[$__rate_interval]))`,
    legend: "{{outcome}}",
  }),
  plan("Busiest webhooks", "Accepted events.", "reqps", {
    expr:
      `topk(10, sum by (namespace, webhook) (rate(cwm_requests_total{${OF_WEBHOOK}, outcome="accepted"}[$__rate_interval])))`,
    legend: WEBHOOK,
  }),
  plan("Refusals", "Of authentication, by reason.", "reqps", {
    expr: `sum by (namespace, webhook, reason) (rate(cwm_refusals_total{${OF_WEBHOOK}}[$__rate_interval]))`,
    legend: `${WEBHOOK}: {{reason}}`,
  }),
  plan(
    "Time of requests",
    "From the head to the answer.",
    "s",
    ...quantiles("cwm_request_duration_seconds", ""),
  ),
];

const DELIVERY: readonly PanelPlan[] = [
  plan("Events waiting", "By webhook.", "short", {
    expr: `topk(10, sum by (namespace, webhook) (cwm_webhook_events_pending{${OF_WEBHOOK}}) > 0)`,
    legend: WEBHOOK,
  }),
  plan("Oldest event", "By webhook.", "s", {
    expr: `topk(10, max by (namespace, webhook) (cwm_webhook_oldest_pending_seconds{${OF_WEBHOOK}}) > 0)`,
    legend: WEBHOOK,
  }),
  plan("Dead letters", "By webhook.", "short", {
    expr: `topk(10, max by (namespace, webhook) (cwm_webhook_dead_letters{${OF_WEBHOOK}}) > 0)`,
    legend: WEBHOOK,
  }),
  plan(
    "Time to delivery",
    "From the receipt, with all repeats.",
    "s",
    ...quantiles("cwm_delivery_duration_seconds", OF_WEBHOOK),
  ),
  plan("Events of the journal by their end", "Delivered, dead letters, unrouted.", "ops", {
    expr: `sum by (outcome) (rate(cwm_events_ended_total{${OF_WEBHOOK}}[$__rate_interval]))`,
    legend: "{{outcome}}",
  }),
];

const OUTPUTS: readonly PanelPlan[] = [
  plan("Output is up", "0 while it fails or is out of reach.", "short", {
    expr: "min by (module, connection, destination) (cwm_output_up)",
    legend: OUTPUT,
  }),
  plan("Attempts", "Events given to outputs.", "ops", {
    expr:
      "sum by (module, connection, destination, outcome) (rate(cwm_output_attempts_total[$__rate_interval])) > 0",
    legend: `${OUTPUT} {{outcome}}`,
  }),
  plan("Time of attempts", "95 of 100 take less.", "s", {
    expr:
      "histogram_quantile(0.95, sum by (module, connection, destination, le) (rate(cwm_output_attempt_duration_seconds_bucket[$__rate_interval])))",
    legend: OUTPUT,
  }),
  plan("Channels", "Events that wait for connectors.", "short", {
    expr: 'sum by (channel) (cwm_relay_channel_depth{state="ready"})',
    legend: "{{channel}}",
  }),
  plan("Connectors", "Connected to each channel.", "short", {
    expr: "sum by (channel) (cwm_relay_connections)",
    legend: "{{channel}}",
  }),
];

const PROCESS: readonly PanelPlan[] = [
  plan("Processor", "1 is one core.", "short", {
    expr: 'rate(process_cpu_seconds_total{job="cwm"}[$__rate_interval])',
    legend: "{{instance}}",
  }),
  plan("Memory", "Resident.", "bytes", {
    expr: 'process_resident_memory_bytes{job="cwm"}',
    legend: "{{instance}}",
  }),
  plan("Lateness of the event loop", "99 of 100 timers are less late.", "s", {
    expr:
      "histogram_quantile(0.99, sum by (instance, le) (rate(cwm_event_loop_lag_seconds_bucket[$__rate_interval])))",
    legend: "{{instance}}",
  }),
  plan("Journal", "Size on disk.", "bytes", { expr: "cwm_journal_bytes", legend: "{{instance}}" }),
];

/** Every expression of the dashboard. */
export function dashboardExpressions(): readonly string[] {
  return [...NOW, ...REQUESTS, ...DELIVERY, ...OUTPUTS, ...PROCESS].flatMap(({ lines }) =>
    lines.map(({ expr }) => expr)
  );
}

/** The dashboard as Grafana imports it. */
export function buildDashboard(): Dashboard {
  const dashboard = new DashboardBuilder("Core Webhook Module")
    .uid("core-webhook-module")
    .tags(["webhooks"])
    .refresh("30s")
    .time({ from: "now-1h", to: "now" })
    .readonly()
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(variable("namespace", "label_values(cwm_requests_total, namespace)"))
    .withVariable(variable("webhook", 'label_values(cwm_requests_total{namespace=~"$namespace"}, webhook)'))
    .withRow(new RowBuilder("Now"));
  for (const each of NOW) dashboard.withPanel(statPanel(each));
  const rows = { Requests: REQUESTS, Delivery: DELIVERY, Outputs: OUTPUTS, Process: PROCESS };
  for (const [title, panels] of Object.entries(rows)) {
    dashboard.withRow(new RowBuilder(title));
    for (const each of panels) dashboard.withPanel(timePanel(each));
  }
  return dashboard.build();
}

/** The file's text. */
export function dashboardText(): string {
  return JSON.stringify(buildDashboard(), null, 2) + "\n";
}

function plan(title: string, description: string, unit: string, ...lines: readonly Line[]): PanelPlan {
  return { title, description, unit, lines };
}

function stat(title: string, description: string, unit: string, expr: string): PanelPlan {
  return plan(title, description, unit, { expr });
}

function quantiles(histogram: string, matchers: string): Line[] {
  return [0.5, 0.95, 0.99].map((quantile) => ({
    expr:
      `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket{${matchers}}[$__rate_interval])))`,
    legend: `${quantile * 100} %`,
  }));
}

function variable(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .datasource(DATA_SOURCE)
    .query(query)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

function statPanel({ title, description, unit, lines }: PanelPlan): Builder<Panel> {
  const panel = new StatBuilder().title(title).description(description).unit(unit).datasource(DATA_SOURCE)
    .span(4).height(4);
  for (const [index, line] of lines.entries()) panel.withTarget(target(line, index));
  return panel;
}

function timePanel({ title, description, unit, lines }: PanelPlan): Builder<Panel> {
  const panel = new TimeSeriesBuilder().title(title).description(description).unit(unit).datasource(
    DATA_SOURCE,
  )
    .span(8).height(8).min(0);
  for (const [index, line] of lines.entries()) panel.withTarget(target(line, index));
  return panel;
}

function target({ expr, legend }: Line, index: number): Builder<Dataquery> {
  const query = new DataqueryBuilder().refId(String.fromCharCode(65 + index)).expr(expr).datasource(
    DATA_SOURCE,
  );
  return legend === undefined ? query : query.legendFormat(legend);
}
