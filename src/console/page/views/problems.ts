/**
 * What is wrong with the configuration, and requests to webhooks that do not exist.
 *
 * @module
 */

import type { VNode } from "../library.ts";
import { get } from "../api.ts";
import { ago, badge, countOf, html, shown, table, useLoaded, webhookLink } from "../parts.ts";
import type { Status } from "./now.ts";

interface Finding {
  readonly key: string;
  readonly path: string;
  readonly message: string;
  readonly serving?: string;
  readonly since?: string;
}

interface Config {
  readonly backend: string;
  readonly connected: boolean;
  readonly revision: string | null;
  readonly degraded: boolean;
  readonly last_sync_at: string | null;
  readonly outage: { readonly message: string; readonly since: string } | null;
  readonly problem_count: number;
  readonly problems: readonly Finding[];
  readonly warning_count: number;
  readonly warnings: readonly Finding[];
}

/** The view of problems. */
export function Problems(): VNode {
  const loaded = useLoaded(() => get<Config>("/admin/config"), "config");
  return html`
    <h1>Configuration</h1>
    ${shown(loaded, (config) =>
      html`
        <p class="headline">
          ${badge(config.connected && !config.degraded ? "ok" : "impaired")} from ${config.backend}, revision
          ${config.revision ?? "–"}, read ${ago(config.last_sync_at)}
        </p>
        ${config.outage === null
          ? null
          : html`<p class="error">${config.outage.message}, since ${ago(config.outage.since)}</p>`}
        <h2>${countOf(config.problem_count, "problem")}</h2>
        ${findingsTable("Problems", config.problems, "Everything is served as it is configured")}
        <h2>${countOf(config.warning_count, "warning")}</h2>
        ${findingsTable("Warnings", config.warnings, "None")}
      `)}
  `;
}

function findingsTable(name: string, findings: readonly Finding[], none: string): VNode {
  return table(
    name,
    [
      { name: "Key", show: ({ key }) => key.startsWith("webhook ") ? linkOf(key.slice(8)) : key },
      { name: "Where", show: ({ path }) => html`<code>${path}</code>` },
      { name: "What", show: ({ message }) => message },
      { name: "Served meanwhile", show: ({ serving }) => serving?.replaceAll("_", " ") ?? "–" },
      { name: "Since", show: ({ since }) => ago(since) },
    ],
    findings,
    none,
  );
}

function linkOf(path: string): VNode {
  const slash = path.indexOf("/");
  return webhookLink(path.slice(0, slash), path.slice(slash + 1));
}

/** The view of requests to webhooks that do not exist. */
export function Unknown(): VNode {
  const loaded = useLoaded(() => get<Status>("/admin/status"), "status");
  return html`
    <h1>Unknown paths</h1>
    ${shown(loaded, ({ troubles }) =>
      table(
        "Unknown paths",
        [
          { name: "Webhook", show: ({ name }) => html`<code>${name}</code>` },
          {
            name: "Requests",
            show: ({ count }) => count ?? "–",
            isNumber: true,
          },
          { name: "Cause, and what to do", show: ({ cause }) => cause },
          { name: "Since", show: ({ since }) => ago(since) },
        ],
        troubles.filter(({ kind }) => kind === "missing"),
        "Nobody has called a webhook that does not exist within five minutes",
      ))}
  `;
}
