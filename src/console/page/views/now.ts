/**
 * What is wrong now, the worst first, and how much comes in.
 *
 * @module
 */

import type { VNode } from "../library.ts";
import { useRef, useState } from "../library.ts";
import { get } from "../api.ts";
import { Chart, Rates } from "../chart.ts";
import { ago, badge, countOf, html, shown, table, useLoaded, webhookLink } from "../parts.ts";

/** Something that is not well. */
export interface Trouble {
  readonly part: string;
  readonly name: string;
  readonly kind: string;
  readonly cause: string;
  readonly state: string;
  readonly since: string;
  readonly count?: number;
}

/** What `/admin/status` answers. */
export interface Status {
  readonly status: string;
  readonly unlisted: number;
  readonly parts: Readonly<Record<string, { readonly state: string; readonly count: number }>>;
  readonly troubles: readonly Trouble[];
}

interface Stats {
  readonly uptime_seconds: number;
  readonly webhooks: number;
  readonly connections: number;
  readonly requests?: { readonly accepted: number; readonly refused: number; readonly failed: number };
}

const FAST_MS = 2_000;

/** The view. */
export function Now(): VNode {
  const status = useLoaded(() => get<Status>("/admin/status"), "status");
  return html`
    <h1>Now</h1>
    ${shown(status, (value) => html`<${Summary} status=${value} />`)}
    <${Traffic} />
  `;
}

function Summary({ status }: { readonly status: Status }): VNode {
  return html`
    <p class="headline">${badge(status.status)} ${sentenceOf(status)}</p>
    <ul class="tiles">
      ${Object.entries(status.parts).map(([part, { state, count }]) =>
        html`<li><span>${part}</span>${badge(state)}${count > 0 ? html`<b>${count}</b>` : null}</li>`
      )}
    </ul>
    <h2>What is wrong</h2>
    ${troublesTable(status.troubles)}
    ${status.unlisted > 0
      ? html`<p class="quiet">${countOf(status.unlisted, "more trouble")}, not listed</p>`
      : null}
  `;
}

function sentenceOf({ troubles }: Status): string {
  return troubles.length === 0 ? "Everything is well" : countOf(troubles.length, "thing") + " to look at";
}

/** A list of troubles. */
export function troublesTable(troubles: readonly Trouble[]): VNode {
  return table(
    "What is wrong",
    [
      { name: "State", show: ({ state }) => badge(state) },
      { name: "What", show: (trouble) => html`${trouble.part} ${nameOf(trouble)}` },
      {
        name: "Cause, and what to do",
        show: ({ cause, count }) => html`${cause}${count === undefined ? "" : ` (${count} times)`}`,
      },
      { name: "Since", show: ({ since }) => ago(since) },
    ],
    troubles,
    "Nothing is wrong",
  );
}

/** The name of what is wrong, as a link where there is a view of it. */
function nameOf({ part, name, kind }: Trouble): unknown {
  if (kind === "missing") return html`<a href="#/unknown">${name}</a>`;
  if (part === "webhook") return webhookLink(...splitPath(name));
  if (part === "configuration" && name.startsWith("webhook ")) {
    return webhookLink(...splitPath(name.slice(8)));
  }
  if (part === "configuration") return html`<a href="#/problems">${name}</a>`;
  if (part === "channel") return html`<a href="#/channels">${name}</a>`;
  return part === "output" || part === "connection" ? html`<a href="#/connections">${name}</a>` : name;
}

function splitPath(path: string): [string, string] {
  const slash = path.indexOf("/");
  return [path.slice(0, slash), path.slice(slash + 1)];
}

function Traffic(): VNode {
  const rates = useRef(new Rates(["accepted", "refused", "failed"])).current;
  const [turn, setTurn] = useState(0);
  const stats = useLoaded(
    async () => {
      const value = await get<Stats>("/admin/stats");
      const { requests } = value;
      if (requests !== undefined) {
        rates.add([requests.accepted, requests.refused, requests.failed]);
        setTurn((before) => before + 1);
      }
      return value;
    },
    "stats",
    FAST_MS,
  );
  return html`
    <h2>Requests</h2>
    ${shown(stats, ({ requests, webhooks, connections, uptime_seconds: uptime }) =>
      html`
        <p class="quiet">
          ${countOf(webhooks, "webhook")}, ${countOf(connections, "connection")}; started ${ago(
            startOf(uptime),
          )}
        </p>
        ${requests === undefined ? null : html`<${Chart} rates=${rates} turn=${turn} />`}
      `)}
  `;
}

function startOf(uptimeSeconds: number): string {
  return new Date(Date.now() - uptimeSeconds * 1_000).toISOString();
}
