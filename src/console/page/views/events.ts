/**
 * Events of the journal: a list, and one of them with what was sent and how its delivery stands.
 *
 * @module
 */

import type { VNode } from "../library.ts";
import { useState } from "../library.ts";
import type { RecordPageRow, RecordRow } from "../../../records/view.ts";
import { get, post, query } from "../api.ts";
import { Action, ago, badge, countOf, html, shown, table, useLoaded, webhookLink } from "../parts.ts";

const STATES = ["", "waiting", "under_way", "in_channel", "delivered", "dead_letter", "refused"];

/** The list. @param webhook `namespace/id`, or nothing for all */
export function Events({ webhook }: { readonly webhook: string | undefined }): VNode {
  const [state, setState] = useState("");
  const [pages, setPages] = useState<readonly string[]>([]);
  const path = `/admin/events${query({ webhook, state, cursor: pages.at(-1) })}`;
  const loaded = useLoaded(() => get<RecordPageRow>(path), path);
  return html`
    <h1>Events</h1>
    <p class="bar">
      <label>State
        <select
          value=${state}
          onChange=${(event: Event) => {
            setPages([]);
            setState((event.target as unknown as { readonly value: string }).value);
          }}
        >
          ${STATES.map((each) =>
            html`<option value=${each}>${each === "" ? "any" : each.replaceAll("_", " ")}</option>`
          )}
        </select>
      </label>
      ${webhook === undefined ? null : html`<span>of ${webhook} <a href="#/events">all</a></span>`}
    </p>
    ${shown(loaded, ({ events, cursor }) =>
      html`
        ${eventsTable(events)}
        <p class="bar">
          <button type="button" disabled=${pages.length === 0} onClick=${() =>
            setPages(pages.slice(0, -1))}>Back</button>
          <button type="button" disabled=${cursor === null} onClick=${() =>
            setPages([...pages, cursor!])}>On</button>
        </p>
      `)}
  `;
}

function eventsTable(events: readonly RecordRow[]): VNode {
  return table(
    "Events",
    [
      { name: "Received", show: (event) => ago(event.received_at) },
      { name: "Webhook", show: ({ namespace, webhook }) => webhookLink(namespace, webhook) },
      { name: "State", show: ({ state }) => badge(state) },
      { name: "Attempts", show: ({ attempts }) => attempts ?? "–", isNumber: true },
      { name: "Next", show: ({ next_attempt_at: next }) => next === undefined ? "–" : timeTo(next) },
      { name: "Why", show: ({ message, reason, channel }) => message ?? reason ?? channel ?? "" },
      { name: "Id", show: ({ id }) => html`<a href=${`#/events/${id}`}><code>${id}</code></a>` },
    ],
    events,
    "No event stands in the journal. What is delivered leaves it, unless a retention is set",
  );
}

function timeTo(time: string): string {
  const seconds = Math.round((Date.parse(time) - Date.now()) / 1_000);
  return seconds <= 0 ? "now" : `in ${seconds} s`;
}

/** One event. */
export function EventView({ id }: { readonly id: string }): VNode {
  const loaded = useLoaded(
    () => get<RecordPageRow>(`/admin/events${query({ id, contents: "true" })}`),
    id,
  );
  return html`
    <h1>Event <code>${id}</code></h1>
    ${shown(loaded, ({ events: [event] }) =>
      event === undefined
        ? html`
          <p
            class="quiet">It does not stand in the journal: it was delivered, refused or filtered. See <a href="#/requests">the last requests</a>.</p>
        `
        : html`<${Details} event=${event} again=${loaded.again} />`)}
  `;
}

function Details({ event, again }: { readonly event: RecordRow; readonly again: () => void }): VNode {
  const { headers = {}, body, body_base64: base64 } = event;
  return html`
    <p class="headline">${badge(event.state)} ${webhookLink(event.namespace, event.webhook)}, received ${ago(
      event.received_at,
    )}</p>
    <dl>
      <dt>Attempts</dt><dd>${event.attempts ?? "not known"}</dd>
      ${event.next_attempt_at === undefined ? null : html`
        <dt>Next attempt</dt>
        <dd>${timeTo(event.next_attempt_at)}</dd>
      `}
      ${event.message === undefined ? null : html`
        <dt>Why</dt>
        <dd>${event.reason}: ${event.message}</dd>
      `}
      ${event.connection === undefined ? null : html`
        <dt>At</dt>
        <dd>${event.connection}</dd>
      `}
      ${event.bytes === undefined ? null : html`
        <dt>Body</dt>
        <dd>${countOf(event.bytes, "byte")}</dd>
      `}
    </dl>
    <p class="bar">
      ${event.state === "waiting"
        ? html`<${Action} label="Try again what waits" run=${() => retry(event, again)} />`
        : null}
      ${event.state === "dead_letter" || event.state === "delivered"
        ? html`<${Action} label="Deliver again" run=${() => replay(event, again)} />`
        : null}
    </p>
    <h2>Headers</h2>
    ${table(
      "Headers",
      [
        { name: "Name", show: ([name]) => name },
        { name: "Value", show: ([, value]) => html`<code>${value}</code>` },
      ],
      Object.entries(headers),
      "None",
    )}
    <h2>Body</h2>
    <pre tabindex="0">${body ?? base64 ?? ""}</pre>
  `;
}

async function retry({ namespace, webhook }: RecordRow, again: () => void): Promise<string> {
  const { events } = await post<{ readonly events: number }>(
    `/admin/events/retry${query({ webhook: `${namespace}/${webhook}` })}`,
  );
  again();
  return `${countOf(events, "event")} of this webhook tried now`;
}

async function replay({ id }: RecordRow, again: () => void): Promise<string> {
  const { replayed } = await post<{ readonly replayed: number }>(`/admin/events/replay${query({ id })}`);
  again();
  return replayed === 0 ? "Nothing to deliver again" : "It is delivered again";
}
