/**
 * Who has changed what lately.
 *
 * @module
 */

import { get } from "../api.ts";
import type { VNode } from "../library.ts";
import { ago, badge, html, shown, table, useLoaded } from "../parts.ts";

interface Change {
  readonly time: string;
  readonly level: "info" | "warning";
  readonly action: string;
  readonly key?: string;
  readonly revision?: string;
  readonly paths?: readonly string[];
  readonly who?: string;
  readonly route?: string;
  readonly outcome?: string;
  readonly client?: string;
}

/** The view. */
export function Changes(): VNode {
  const loaded = useLoaded(() => get<{ readonly changes: readonly Change[] }>("/admin/changes"), "changes");
  return html`
    <h1>Changes</h1>
    <p class="quiet">The last ones since the start of this gateway; the log has all, as the category cwm.audit</p>
    ${shown(loaded, ({ changes }) => table("Changes", COLUMNS, changes, "Nothing has been changed"))}
  `;
}

const COLUMNS = [
  { name: "When", show: ({ time }: Change) => ago(time) },
  {
    name: "What",
    show: ({ action, level }: Change) =>
      html`${badge(level === "warning" ? "refused" : "ok")} ${wordsOf(action)}`,
  },
  { name: "Of", show: ({ key, route }: Change) => html`<code>${key ?? route ?? ""}</code>` },
  { name: "Which parts", show: ({ paths, revision }: Change) => partsOf(paths, revision) },
  {
    name: "Who",
    show: ({ who, client }: Change) => who === undefined ? "–" : `${who}${client ? `, ${client}` : ""}`,
  },
];

function wordsOf(action: string): string {
  return action.replaceAll("_", " ");
}

function partsOf(paths: readonly string[] | undefined, revision: string | undefined): string {
  const at = revision === undefined ? "" : `revision ${revision}`;
  return paths === undefined ? at : `${paths.join(", ")}${at === "" ? "" : `, ${at}`}`;
}
