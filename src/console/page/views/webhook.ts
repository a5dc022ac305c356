/**
 * One webhook: how it is served, what comes, and what can be done.
 *
 * @module
 */

import type { VNode } from "../library.ts";
import { useRef, useState } from "../library.ts";
import type { ListedRequest } from "../../../http/routes/events/requests.ts";
import type { SentTest } from "../../../http/routes/events/send.ts";
import { get, post, query } from "../api.ts";
import { copyText } from "../browser.ts";
import { Chart, Rates } from "../chart.ts";
import { Action, ago, badge, countOf, html, isSure, shown, table, textOf, useLoaded } from "../parts.ts";
import { requestsTable } from "./requests.ts";

interface Finding {
  readonly path: string;
  readonly message: string;
  readonly since?: string;
  readonly serving?: string;
}

interface Webhook {
  readonly state: string;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly modules: readonly string[];
  readonly accept: string | null;
  readonly deliveries: { readonly state: string; readonly cause?: string };
  readonly requests: Readonly<Record<string, number>>;
}

const FAST_MS = 2_000;

/** The view. @param path `namespace/id` */
export function WebhookView({ path }: { readonly path: string }): VNode {
  const rates = useRef(new Rates(["accepted", "filtered", "not accepted"])).current;
  const [turn, setTurn] = useState(0);
  const loaded = useLoaded(
    async () => {
      const webhook = await get<Webhook>(`/admin/webhooks/${path}`);
      rates.add(ratesOf(webhook.requests));
      setTurn((before) => before + 1);
      return webhook;
    },
    path,
    FAST_MS,
  );
  const requests = useLoaded(
    () => get<{ readonly requests: readonly ListedRequest[] }>(`/admin/requests${query({ webhook: path })}`),
    path,
  );
  return html`
    <h1>${path}</h1>
    ${shown(loaded, (webhook) =>
      html`
          <p class="headline">${badge(webhook.state)} ${sentenceOf(webhook)} ${badge(
            webhook.deliveries.state,
          )} ${webhook.deliveries.cause ?? ""}</p>
        ${findings("Problems", webhook.problems)} ${findings("Warnings", webhook.warnings)}
          <p class="bar">
            ${webhook.deliveries.state === "on"
              ? html`<${Action} label="Pause deliveries" run=${() => stop(path, "pause", loaded.again)} />`
              : html`<${Action} label="Resume deliveries" run=${() => stop(path, "resume", loaded.again)} />`}
            <${Action} label="Try again what waits" run=${() => retry(path)} />
            <a href=${`#/events?webhook=${path}`}>Events</a>
            <a href=${`#/dead-letters?webhook=${path}`}>Dead letters</a>
          </p>
          <h2>Requests</h2>
          <${Chart} rates=${rates} turn=${turn} />
          <p class="quiet">
            Since the start: ${Object.entries(webhook.requests).map(([name, count]) => `${name} ${count}`)
              .join(
                ", ",
              )}
          </p>
      `)}
    ${shown(
      requests,
      ({ requests: rows }) => requestsTable(rows, "No request since the start of the gateway"),
    )}
    <${TestEvent} path=${path} />
  `;
}

function sentenceOf({ modules, accept }: Webhook): string {
  const when = accept === "durable" ? "stored" : "delivered";
  return `goes to ${modules.join(", ") || "nothing"}, accepts when ${when}; deliveries are`;
}

function ratesOf(requests: Webhook["requests"]): number[] {
  const { accepted = 0, filtered = 0, ...others } = requests;
  return [accepted, filtered, Object.values(others).reduce((sum, count) => sum + count, 0)];
}

function findings(name: string, found: readonly Finding[]): unknown {
  if (found.length === 0) return null;
  return html`
    <h2>${name}</h2>
    ${table(
      name,
      [
        { name: "Where", show: ({ path }) => html`<code>${path}</code>` },
        { name: "What", show: ({ message }) => message },
        { name: "Served meanwhile", show: ({ serving }) => serving?.replaceAll("_", " ") ?? "–" },
        { name: "Since", show: ({ since }) => ago(since) },
      ],
      found,
      "None",
    )}
  `;
}

async function stop(path: string, what: "pause" | "resume", then: () => void): Promise<undefined> {
  if (what === "pause" && !isSure(`Pause the deliveries of ${path}? Events are accepted and wait.`)) return;
  await post(`/admin/stops/${what}${query({ webhook: path })}`);
  then();
}

async function retry(path: string): Promise<string> {
  const { events } = await post<{ readonly events: number }>(
    `/admin/events/retry${query({ webhook: path })}`,
  );
  return events === 0 ? "No event waits" : `${countOf(events, "event")} tried now`;
}

function TestEvent({ path }: { readonly path: string }): VNode {
  const [body, setBody] = useState('{"test": true}');
  const [sent, setSent] = useState<SentTest | string>();
  const send = async () => {
    try {
      setSent(await post<SentTest>("/admin/send", { webhook: path, body_base64: base64(body) }));
    } catch (error) {
      setSent(textOf(error));
    }
    return undefined;
  };
  const curl = async () => await copyText(curlOf(path, body)) ? "Copied" : curlOf(path, body);
  return html`
    <h2>Send a test event</h2>
    <form onSubmit=${(event: Event) => event.preventDefault()}>
      <label>Body
        <textarea rows="4" value=${body} onInput=${(event: Event) => {
          setBody((event.target as unknown as { readonly value: string }).value);
        }}></textarea>
      </label>
      <p class="bar">
        <${Action} label="Send" run=${send} />
        <${Action} label="Copy as curl" run=${curl} />
      </p>
      ${sentResult(sent)}
    </form>
  `;
}

function sentResult(sent: SentTest | string | undefined): unknown {
  if (sent === undefined) return null;
  if (typeof sent === "string") return html`<p class="error" role="alert">${sent}</p>`;
  return html`
    <p role="status">
      ${badge(sent.outcome ?? "not accepted")} answered with ${sent.status}, event
      <a href=${`#/events/${sent.event_id}`}><code>${sent.event_id}</code></a>
    </p>
    <pre>${sent.answer}</pre>
  `;
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

/** A line for a POSIX shell. */
function curlOf(path: string, body: string): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  return `curl -i ${
    quoted(`${location.origin}/webhook/${path}`)
  } -H 'content-type: application/json' --data-raw ${quoted(body)}`;
}
