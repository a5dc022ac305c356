/**
 * The names of configuration entries, and where they stand in etcd:
 *
 *     {prefix}{namespace}/webhooks/{id}
 *     {prefix}global/connections/{name}
 *
 * @module
 */

const NAMESPACE = /^[a-zA-Z0-9_-]{1,64}$/;
const WEBHOOK_ID = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/;
const WEBHOOK_KEY = /^([a-zA-Z0-9_-]{1,64})\/webhooks\/([a-zA-Z0-9][a-zA-Z0-9_-]{0,63})$/;
const CONNECTION_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** What a configuration value belongs to. */
export type ConfigKey =
  | { readonly kind: "webhook"; readonly namespace: string; readonly id: string }
  | { readonly kind: "connection"; readonly name: string };

/** Whether the text may name a namespace. */
export function isNamespace(text: string): boolean {
  return NAMESPACE.test(text);
}

/** Whether the text may be the id of a webhook. */
export function isWebhookId(text: string): boolean {
  return WEBHOOK_ID.test(text);
}

/** Whether the text may name a connection. */
export function isConnectionName(text: string): boolean {
  return CONNECTION_NAME.test(text);
}

/** The catalog's key of a webhook, and the path of its route below `/webhook/`. */
export function webhookPath(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}

/** The key as operators see it in problems and logs: `webhook team-a/orders`, `connection kafka_main`. */
export function describeKey(key: ConfigKey): string {
  return key.kind === "webhook"
    ? describeWebhook(webhookPath(key.namespace, key.id))
    : `connection ${key.name}`;
}

/** The same of a webhook's {@linkcode webhookPath}. */
export function describeWebhook(path: string): string {
  return `webhook ${path}`;
}

/**
 * Reads an etcd key below the prefix, already cut off: `team-a/webhooks/orders`.
 *
 * @returns the key, or the reason why it is none of ours
 */
export function parseConfigKey(keyBelowPrefix: string): ConfigKey | string {
  // Nearly every key is a webhook's, and one expression takes a third of the time of what follows.
  const [, namespace, id] = WEBHOOK_KEY.exec(keyBelowPrefix) ?? [];
  if (namespace !== undefined && id !== undefined) return { kind: "webhook", namespace, id };
  const parts = keyBelowPrefix.split("/");
  const [group, kind, name] = parts;
  if (parts.length !== 3 || group === undefined || kind === undefined || name === undefined) {
    return "Expected '{namespace}/webhooks/{id}' or 'global/connections/{name}'";
  }
  if (kind === "webhooks") {
    if (!isNamespace(group)) return `Namespace must match ${NAMESPACE.source}`;
    return `Webhook id must match ${WEBHOOK_ID.source}`;
  }
  if (kind === "connections") {
    if (group !== "global") return "Connections are global: expected 'global/connections/{name}'";
    if (!isConnectionName(name)) return `Connection name must match ${CONNECTION_NAME.source}`;
    return { kind: "connection", name };
  }
  return `Unknown kind '${kind}': expected 'webhooks' or 'connections'`;
}

/** The inverse of {@linkcode parseConfigKey}. */
export function formatConfigKey(key: ConfigKey): string {
  return key.kind === "webhook" ? `${key.namespace}/webhooks/${key.id}` : `global/connections/${key.name}`;
}
