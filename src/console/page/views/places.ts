/**
 * Where events go: connections with their outputs, and channels with their connectors.
 *
 * @module
 */

import type { VNode } from "../library.ts";
import { get, post, query } from "../api.ts";
import { Action, ago, badge, html, isSure, shown, table, useLoaded } from "../parts.ts";
import { type Status, troublesTable } from "./now.ts";

interface Output {
  readonly module: string;
  readonly state: string;
  readonly active: number;
  readonly failure?: { readonly code: string; readonly message: string };
}

interface Connections {
  readonly connections: readonly {
    readonly name: string;
    readonly type: string;
    readonly outputs: readonly Output[];
  }[];
  readonly other_outputs: readonly Output[];
}

/** Connections, and outputs that need none. */
export function ConnectionsView(): VNode {
  const loaded = useLoaded(() => get<Connections>("/admin/connections"), "connections");
  return html`
    <h1>Connections</h1>
    ${shown(loaded, ({ connections, other_outputs: others }) =>
      html`
        ${outputsTable(
          "Connections",
          connections.flatMap(({ name, type, outputs }) =>
            outputs.length === 0
              ? [{ name, type, module: "", state: "idle", active: 0 }]
              : outputs.map((output) => ({ name, type, ...output }))
          ),
          "No connection is configured",
        )}
        <h2>Outputs without a connection</h2>
        ${outputsTable(
          "Other outputs",
          others.map((output) => ({ name: "", type: "", ...output })),
          "None is in use",
        )}
      `)}
  `;
}

function outputsTable(
  name: string,
  outputs: readonly (Output & { readonly name: string; readonly type: string })[],
  none: string,
): VNode {
  return table(
    name,
    [
      { name: "Connection", show: (output) => output.name || "–" },
      { name: "Type", show: ({ type, module }) => module || type },
      { name: "State", show: ({ state }) => badge(state) },
      { name: "Under way", show: ({ active }) => active, isNumber: true },
      { name: "Last failure", show: ({ failure }) => failure === undefined ? "" : failure.message },
    ],
    outputs,
    none,
  );
}

interface Connector {
  readonly id: string;
  readonly channel: string;
  readonly name: string;
  readonly address: string;
  readonly connected: boolean;
  readonly since: string;
  readonly window: number;
  readonly in_flight: number;
  readonly acknowledged_at: string | null;
}

/** Channels and their connectors. */
export function Channels(): VNode {
  const loaded = useLoaded(
    () => get<{ readonly connectors: readonly Connector[] }>("/admin/connectors"),
    "connectors",
  );
  const status = useLoaded(() => get<Status>("/admin/status"), "status");
  return html`
    <h1>Channels</h1>
    ${shown(status, ({ troubles }) => {
      const own = troubles.filter(({ part }) => part === "channel");
      return own.length === 0 ? null : troublesTable(own);
    })}
    <h2>Connectors</h2>
    ${shown(loaded, ({ connectors }) =>
      table(
        "Connectors",
        [
          { name: "Channel", show: ({ channel }) => channel },
          {
            name: "Connector",
            show: ({ name }) => name,
          },
          { name: "From", show: ({ address }) => address },
          { name: "State", show: ({ connected }) => badge(connected ? "on" : "away") },
          { name: "Since", show: ({ since }) => ago(since) },
          { name: "Holds", show: ({ in_flight: held, window }) => `${held} of ${window}`, isNumber: true },
          { name: "Acknowledged", show: ({ acknowledged_at: time }) => ago(time) },
          {
            name: "",
            show: (connector) =>
              html`<${Action} label="End" isDanger run=${() => end(connector, loaded.again)} />`,
          },
        ],
        connectors,
        "No connector takes events here",
      ))}
  `;
}

async function end({ id, name, channel }: Connector, again: () => void): Promise<undefined> {
  if (!isSure(`End the connection of ${name} to ${channel}? What it holds is handed out again.`)) return;
  await post(`/admin/connectors/end${query({ id })}`);
  again();
}
