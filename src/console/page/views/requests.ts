/**
 * The last requests, and those that come from now on.
 *
 * @module
 */

import type { VNode } from "../library.ts";
import { useEffect, useState } from "../library.ts";
import type { ListedRequest } from "../../../http/routes/events/requests.ts";
import type { AnsweredRequest } from "../../../http/tail/tail.ts";
import { get, query } from "../api.ts";
import { ago, badge, countOf, html, shown, table, useLoaded, webhookLink } from "../parts.ts";

/** Requests that are shown live; older ones go. */
const MOST_LIVE = 200;

/** How often what has come is shown, in milliseconds. */
const SHOW_MS = 250;

/** The view. */
export function Requests(): VNode {
  const [isRefused, setRefused] = useState(false);
  const [isLive, setLive] = useState(false);
  const refused = isRefused ? "true" : undefined;
  return html`
    <h1>Requests</h1>
    <p class="bar">
      <label><input type="checkbox" checked=${isRefused} onChange=${() =>
        setRefused(!isRefused)} /> refused and failed only</label>
      <label><input type="checkbox" checked=${isLive} onChange=${() => setLive(!isLive)} /> live</label>
    </p>
    ${isLive
      ? html`<${Live} key=${`${refused}`} refused=${refused} />`
      : html`<${Last} refused=${refused} />`}
  `;
}

function Last({ refused }: { readonly refused?: string }): VNode {
  const path = `/admin/requests${query({ refused })}`;
  const loaded = useLoaded(
    () =>
      get<{ readonly since: string; readonly requests: readonly ListedRequest[]; readonly others: number }>(
        path,
      ),
    path,
  );
  return shown(loaded, ({ since, requests, others }) =>
    html`
      <p class="quiet">20 of each webhook are kept in memory, since the start ${ago(since)}</p>
      ${requestsTable(requests, "No request yet")}
      ${others > 0 ? html`<p class="quiet">${countOf(others, "other")}: see a webhook's own list</p>` : null}
    `);
}

function Live({ refused }: { readonly refused?: string }): VNode {
  const [seen, setSeen] = useState<
    { readonly rows: readonly ListedRequest[]; readonly count: number; readonly dropped: number }
  >(
    { rows: [], count: 0, dropped: 0 },
  );
  useEffect(() => {
    let waiting: ListedRequest[] = [];
    let [count, dropped] = [0, 0];
    const source = new EventSource(`/admin/tail${query({ refused })}`);
    source.onmessage = ({ data }) => {
      count++;
      waiting.push(rowOf(JSON.parse(data) as AnsweredRequest));
      if (waiting.length > MOST_LIVE) waiting = waiting.slice(-MOST_LIVE);
    };
    source.addEventListener("dropped", (event) => {
      dropped += (JSON.parse((event as MessageEvent).data) as { readonly requests: number }).requests;
    });
    const timer = setInterval(() => {
      const rows = waiting.toReversed();
      waiting = [];
      setSeen((before) => ({ rows: [...rows, ...before.rows].slice(0, MOST_LIVE), count, dropped }));
    }, SHOW_MS);
    return () => {
      source.close();
      clearInterval(timer);
    };
  }, []);
  return html`
    <p class="quiet" role="status">
      ${countOf(seen.count, "request")} since you look${seen.dropped > 0
        ? `, ${countOf(seen.dropped, "other")} too fast to be shown`
        : ""}
    </p>
    ${requestsTable(seen.rows, "Waiting for requests …")}
  `;
}

function rowOf({ at, reason, ...request }: AnsweredRequest): ListedRequest {
  return { time: new Date(at).toISOString(), ...request, reason: reason ?? null };
}

/** A list of requests. */
export function requestsTable(requests: readonly ListedRequest[], none: string): VNode {
  return table(
    "Requests",
    [
      { name: "When", show: ({ time }) => ago(time) },
      { name: "Webhook", show: ({ namespace, webhook }) => webhookLink(namespace, webhook) },
      { name: "Outcome", show: ({ outcome }) => badge(outcome) },
      { name: "Status", show: ({ status }) => status, isNumber: true },
      { name: "ms", show: ({ ms }) => ms ?? "–", isNumber: true },
      { name: "Bytes", show: ({ bytes }) => bytes ?? "–", isNumber: true },
      {
        name: "Why",
        show: ({ reason, client }) => html`${reason ?? ""}${" "}<span class="quiet">${client ?? ""}</span>`,
      },
      {
        name: "Id",
        show: ({ id, outcome }) =>
          outcome === "accepted"
            ? html`<a href=${`#/events/${id}`}><code>${id}</code></a>`
            : html`<code>${id}</code>`,
      },
    ],
    requests,
    none,
  );
}
