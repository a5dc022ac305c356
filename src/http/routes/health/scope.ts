/**
 * What of the health concerns a namespace, or one webhook: its own troubles, and those of what it depends on.
 *
 * @module
 */

import type { Catalog } from "../../../config/catalog.ts";
import { type CatalogEntry, WebhookEntry } from "../../../config/entry.ts";
import { describeKey, describeWebhook } from "../../../event/names.ts";
import type { ChannelConfig } from "../../../modules/webhook_connect/webhook_connect.ts";
import type { Subject, Trouble } from "../../../health/trouble.ts";

/** A namespace, or one webhook of it. */
export interface Scope {
  readonly namespace: string;
  /** `namespace/id`; left out for all of the namespace. */
  readonly path?: string;
}

/** Where a scope is looked up. */
export interface ScopeSource {
  readonly catalog: Pick<Catalog, "find" | "entries">;
  readonly channelsOf: (entry: CatalogEntry) => readonly Pick<ChannelConfig, "channel">[];
}

/** Says of troubles whether they are in a scope. */
export function scopeFilter(source: ScopeSource, scope: Scope): (trouble: Trouble) => boolean {
  const named = new Set<string>();
  for (const entry of entriesIn(source, scope)) {
    for (const subject of subjectsOf(source, entry)) named.add(keyOf(subject));
  }
  return (trouble) => isOfAll(trouble) || isOwn(trouble, scope) || named.has(keyOf(trouble));
}

/** The webhook and what it depends on, as troubles name it. */
export function subjectsOf({ channelsOf }: ScopeSource, entry: CatalogEntry): readonly Subject[] {
  const steps = entry.webhook?.steps ?? [];
  const connections = new Set(steps.flatMap(({ connectionName }) => connectionName ?? []));
  const outputs = new Set<string>();
  if (entry instanceof WebhookEntry) {
    for (const name of entry.outputNames) outputs.add(name);
    // One that the webhook does not name is the only one of its type.
    const modules = new Set(steps.map(({ module }) => module.name));
    for (const name of entry.connectionNames) if (!modules.has(name)) connections.add(name);
  }
  return [
    { part: "configuration", name: describeWebhook(entry.path) },
    { part: "webhook", name: entry.path },
    ...[...connections].flatMap((name): Subject[] => [
      { part: "configuration", name: describeKey({ kind: "connection", name }) },
      { part: "connection", name },
    ]),
    ...[...outputs].map((name): Subject => ({ part: "output", name })),
    ...channelsOf(entry).map(({ channel: name }): Subject => ({ part: "channel", name })),
  ];
}

function* entriesIn({ catalog }: ScopeSource, { namespace, path }: Scope): Iterable<CatalogEntry> {
  if (path !== undefined) {
    const entry = catalog.find(path);
    if (entry !== undefined) yield entry;
    return;
  }
  for (const entry of catalog.entries()) if (entry.path.startsWith(`${namespace}/`)) yield entry;
}

/** The journal, and the configuration as a whole, are everybody's. */
function isOfAll({ part, kind }: Trouble): boolean {
  return part === "journal" || part === "configuration" && kind === "outdated";
}

/** One of a webhook that is not in the catalog, too. */
function isOwn({ part, name }: Trouble, { namespace, path }: Scope): boolean {
  if (part !== "webhook" && part !== "configuration") return false;
  const prefix = part === "webhook" ? "" : describeWebhook("");
  return path === undefined ? name.startsWith(`${prefix}${namespace}/`) : name === `${prefix}${path}`;
}

function keyOf({ part, name }: Subject): string {
  return `${part}\0${name}`;
}
