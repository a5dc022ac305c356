/**
 * Dead letters in groups of one webhook and one reason: how many, since when, and both ways out.
 *
 * @module
 */

import type { VNode } from "../library.ts";
import { useState } from "../library.ts";
import { get, post, query } from "../api.ts";
import { Action, ago, badge, countOf, html, isSure, shown, table, useLoaded, webhookLink } from "../parts.ts";

interface Letter {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly reason: string;
  readonly message: string;
  readonly died_at: string;
}

interface LetterPage {
  readonly dead_letters: readonly Letter[];
  readonly cursor: string | null;
}

/** Letters of one webhook and one reason. */
interface Group {
  readonly namespace: string;
  readonly webhook: string;
  readonly reason: string;
  readonly message: string;
  readonly last: string;
  readonly example: string;
  count: number;
}

interface Groups {
  readonly groups: readonly Group[];
  /** Whether there are more letters than were looked at. */
  readonly isPart: boolean;
}

/** Letters that are looked at, and of a page. */
const MOST_LETTERS = 20_000;
const PAGE = 1_000;

/** How many letters one step delivers again. */
const STEP = 200;

/** The view. @param webhook `namespace/id`, or nothing for all */
export function DeadLetters({ webhook }: { readonly webhook: string | undefined }): VNode {
  const loaded = useLoaded(() => readGroups(webhook), webhook ?? "", 15_000);
  return html`
    <h1>Dead letters</h1>
    ${webhook === undefined ? null : html`<p>of ${webhook} <a href="#/dead-letters">all</a></p>`}
    ${shown(loaded, ({ groups, isPart }) =>
      html`
        ${table(
          "Dead letters",
          [
            { name: "Webhook", show: ({ namespace, webhook: id }) => webhookLink(namespace, id) },
            {
              name: "Count",
              show: ({ count }) => count.toLocaleString("en"),
              isNumber: true,
            },
            { name: "Reason", show: ({ reason, message }) => html`${badge(reason)} ${message}` },
            { name: "Last", show: ({ last }) => ago(last) },
            {
              name: "One of them",
              show: ({ example }) => html`<a href=${`#/events/${example}`}><code>${example}</code></a>`,
            },
            {
              name: "",
              show: (group) => html`<${Ways} key=${keyOf(group)} group=${group} again=${loaded.again} />`,
            },
          ],
          groups,
          "There are none",
        )}
        ${isPart
          ? html`<p class="quiet">The first ${MOST_LETTERS.toLocaleString("en")} were looked at</p>`
          : null}
      `)}
  `;
}

function keyOf({ namespace, webhook, reason }: Pick<Group, "namespace" | "webhook" | "reason">): string {
  return `${namespace}/${webhook} ${reason}`;
}

async function readGroups(webhook: string | undefined): Promise<Groups> {
  const groups = new Map<string, Group>();
  let cursor: string | null | undefined;
  let count = 0;
  do {
    const page: LetterPage = await get(
      `/admin/dead-letters${
        query({ ...placeOf(webhook), limit: String(PAGE), cursor: cursor ?? undefined })
      }`,
    );
    for (const { namespace, webhook: id, reason, message, died_at: last, id: example } of page.dead_letters) {
      const key = keyOf({ namespace, webhook: id, reason });
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, { namespace, webhook: id, reason, message, last, example, count: 1 });
      } else group.count++;
    }
    count += page.dead_letters.length;
    cursor = page.cursor;
  } while (cursor !== null && count < MOST_LETTERS);
  return { groups: [...groups.values()].sort((a, b) => b.count - a.count), isPart: cursor !== null };
}

function placeOf(path: string | undefined): { readonly namespace?: string; readonly webhook?: string } {
  if (path === undefined) return {};
  const slash = path.indexOf("/");
  return { namespace: path.slice(0, slash), webhook: path.slice(slash + 1) };
}

function Ways({ group, again }: { readonly group: Group; readonly again: () => void }): VNode {
  const [progress, setProgress] = useState<number>();
  const { namespace, webhook, reason, count } = group;
  const filter = { namespace, webhook, reason };
  const replay = async () => {
    if (!isSure(`Deliver ${countOf(count, "dead letter")} of ${namespace}/${webhook} again?`)) {
      return undefined;
    }
    let [done, cursor]: [number, string | undefined] = [0, undefined];
    for (;;) {
      setProgress(done);
      const step: { readonly replayed: number; readonly cursor: string | null } = await post(
        `/admin/events/replay${
          query({ webhook: `${namespace}/${webhook}`, state: "dead_letter", limit: String(STEP), cursor })
        }`,
      );
      done += step.replayed;
      if (step.cursor === null) break;
      cursor = step.cursor;
    }
    setProgress(undefined);
    again();
    return `${countOf(done, "event")} delivered again`;
  };
  const drop = async () => {
    if (!isSure(`Remove ${countOf(count, "dead letter")} of ${namespace}/${webhook} for good?`)) {
      return undefined;
    }
    const { dropped } = await post<{ readonly dropped: number }>(`/admin/dead-letters/drop${query(filter)}`);
    again();
    return `${countOf(dropped, "dead letter")} removed`;
  };
  return html`
    <span class="bar">
      <${Action} label="Deliver again" run=${replay} />
      <${Action} label="Remove" isDanger run=${drop} />
      ${progress === undefined
        ? null
        : html`<progress value=${progress} max=${
          Math.max(count, progress)
        } aria-label="Delivered again"></progress>`}
    </span>
  `;
}
