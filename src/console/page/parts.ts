/**
 * What the views are put together from. Texts from outside are texts here and never markup.
 *
 * @module
 */

import { htm } from "./library.ts";
import { h, type VNode } from "./library.ts";
import { useEffect, useState } from "./library.ts";
import { ApiError } from "./api.ts";
import { page } from "./browser.ts";

/** Writes elements as templates. */
export const html: (texts: TemplateStringsArray, ...values: unknown[]) => VNode = htm.bind(h);

/** What was read, or why it could not be. */
export interface Loaded<Value> {
  readonly value: Value | undefined;
  readonly error: string | undefined;
  readonly again: () => void;
}

/** How often a view looks again, in milliseconds. */
export const USUAL_MS = 5_000;

/** Reads something now, and again as long as the view and its tab are to be seen. @param key reads at once when it changes */
export function useLoaded<Value>(
  read: () => Promise<Value>,
  key: string,
  everyMs: number = USUAL_MS,
): Loaded<Value> {
  const [state, setState] = useState<{ value?: Value; error?: string; key: string }>({ key });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        if (page.visibilityState === "visible") {
          const value = await read();
          if (!isOver) setState({ value, key });
        }
      } catch (error) {
        if (!isOver) setState((before) => ({ ...before, key, error: textOf(error) }));
      }
      if (!isOver) timer = setTimeout(look, everyMs);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key, turn]);
  const isCurrent = state.key === key;
  return {
    value: isCurrent ? state.value : undefined,
    error: isCurrent ? state.error : undefined,
    again: () => setTurn((before) => before + 1),
  };
}

/** An error in one sentence. */
export function textOf(error: unknown): string {
  return error instanceof ApiError ? error.message : "The gateway cannot be reached";
}

/** What was read, as soon as it was. */
export function shown<Value>({ value, error }: Loaded<Value>, show: (value: Value) => unknown): VNode {
  return html`
    ${error === undefined ? null : html`<p class="error" role="alert">${error}</p>`}
    ${value === undefined ? (error === undefined ? html`<p class="quiet">Loading …</p>` : null) : show(value)}
  `;
}

/** A column of a table. */
export interface Column<Row> {
  readonly name: string;
  readonly show: (row: Row) => unknown;
  /** Whether it holds numbers. @default false */
  readonly isNumber?: boolean;
}

/** A table that a narrow window scrolls. */
export function table<Row>(
  name: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  none: string,
): VNode {
  if (rows.length === 0) return html`<p class="quiet">${none}</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${name}>
      <table>
        <caption class="hidden">${name}</caption>
        <thead>
          <tr>${columns.map((column) =>
            html`<th scope="col" class=${column.isNumber ? "number" : ""}>${column.name}</th>`
          )}</tr>
        </thead>
        <tbody>
          ${rows.map((row) =>
            html`<tr>${
              columns.map((column) =>
                html`<td class=${column.isNumber ? "number" : ""}>${column.show(row)}</td>`
              )
            }</tr>`
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** How a state looks. */
const LOOKS: Readonly<Record<string, string>> = {
  well: "good",
  ok: "good",
  on: "good",
  open: "good",
  accepted: "good",
  delivered: "good",
  impaired: "warn",
  stale: "warn",
  off: "warn",
  paused: "warn",
  waiting: "warn",
  filtered: "plain",
  disabled: "plain",
  idle: "plain",
  under_way: "plain",
  in_channel: "plain",
};

/** A state, told by its word and its colour. */
export function badge(state: string): VNode {
  return html`<span class="badge ${LOOKS[state] ?? "bad"}">${state.replaceAll("_", " ")}</span>`;
}

/** A time, how long ago it was, and when that was exactly. */
export function ago(time: string | null | undefined): VNode {
  if (!time) return html`<span class="quiet">–</span>`;
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1_000);
  return html`<time datetime=${time} title=${time}>${duration(seconds)} ago</time>`;
}

/** So many seconds in the largest unit that fits. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** A button that does something, says that it is under way, and what came of it. */
export function Action(
  { label, run, isDanger }: {
    readonly label: string;
    readonly run: () => Promise<string | undefined>;
    readonly isDanger?: boolean;
  },
): VNode {
  const [state, setState] = useState<{ isBusy: boolean; told?: string; isError?: boolean }>({
    isBusy: false,
  });
  const click = async () => {
    setState({ isBusy: true });
    try {
      const told = await run();
      setState({ isBusy: false, ...(told === undefined ? {} : { told }) });
    } catch (error) {
      setState({ isBusy: false, told: textOf(error), isError: true });
    }
  };
  return html`
    <span class="action">
      <button type="button" class=${isDanger ? "danger" : ""} disabled=${state
        .isBusy} onClick=${click}>${label}</button>
      ${state.told === undefined
        ? null
        : html`<span role="status" class=${state.isError ? "error" : "quiet"}>${state.told}</span>`}
    </span>
  `;
}

/** Asks a question before something that cannot be taken back. */
export function isSure(question: string): boolean {
  return confirm(question);
}

/** The address of a webhook's view. */
export function webhookLink(namespace: string, webhook: string): VNode {
  const path = `${namespace}/${webhook}`;
  return html`<a href=${`#/webhooks/${path}`}>${path}</a>`;
}

/** A count with its noun. */
export function countOf(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
