/**
 * The webhooks by their names.
 *
 * @module
 */

import type { VNode } from "../library.ts";
import { useState } from "../library.ts";
import { get, query } from "../api.ts";
import { badge, countOf, html, shown, table, useLoaded, webhookLink } from "../parts.ts";

interface Page {
  readonly webhooks: readonly {
    readonly namespace: string;
    readonly webhook: string;
    readonly state: string;
    readonly modules: readonly string[];
    readonly accept: string | null;
  }[];
  readonly count: number;
  readonly after: string | null;
}

/** The view. */
export function Webhooks(): VNode {
  const [search, setSearch] = useState("");
  const [pages, setPages] = useState<readonly string[]>([]);
  const path = `/admin/webhooks${query({ search, after: pages.at(-1) })}`;
  const loaded = useLoaded(() => get<Page>(path), path);
  return html`
    <h1>Webhooks</h1>
    <form class="bar" onSubmit=${(event: Event) => event.preventDefault()}>
      <label>Search
        <input
          type="search"
          value=${search}
          placeholder="a part of NAMESPACE/ID"
          onInput=${(event: Event) => {
            setPages([]);
            setSearch((event.target as unknown as { readonly value: string }).value.trim());
          }}
        />
      </label>
    </form>
    ${shown(loaded, ({ webhooks, count, after }) =>
      html`
        <p class="quiet">${countOf(count, "webhook")}</p>
        ${table(
          "Webhooks",
          [
            { name: "Webhook", show: ({ namespace, webhook }) => webhookLink(namespace, webhook) },
            {
              name: "Configuration",
              show: ({ state }) => badge(state),
            },
            { name: "Goes to", show: ({ modules }) => modules.join(", ") || "–" },
            { name: "Accepts when", show: ({ accept }) => accept ?? "–" },
          ],
          webhooks,
          "No webhook has this in its name",
        )}
        <p class="bar">
          <button type="button" disabled=${pages.length === 0} onClick=${() =>
            setPages(pages.slice(0, -1))}>Back</button>
          <button type="button" disabled=${after === null} onClick=${() =>
            setPages([...pages, after!])}>On</button>
        </p>
      `)}
  `;
}
