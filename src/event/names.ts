/**
 * The names of configuration entries, and where they stand in etcd:
 *
 *     {prefix}{namespace}/webhooks/{id}
 *     {prefix}global/connections/{name}
 *     {prefix}global/policy
 *
 * @module
 */

const NAMESPACE = /^[a-zA-Z0-9_-]{1,64}$/;
/** Behind a dot comes something else, so that no id can be taken for a step on a path, nor lose its end there. */
export const WEBHOOK_ID = /^[a-zA-Z0-9](?:\.?[a-zA-Z0-9_-])*$/;
/** Longest id of a webhook, in characters. */
export const MAX_WEBHOOK_ID = 64;
const WEBHOOK_KEY = /^([a-zA-Z0-9_-]{1,64})\/webhooks\/([a-zA-Z0-9](?:\.?[a-zA-Z0-9_-])*)$/;
/** The name of a connection. */
export const CONNECTION_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** Where the policy of namespaces stands, below the prefix. */
export const POLICY_KEY = "global/policy";

/** What the id of a webhook must look like. */
export const WEBHOOK_ID_RULE =
  "A webhook id has 1 to 64 characters of a-z A-Z 0-9 _ - and single dots inside, and begins with a letter or digit";

/** What the name of a connection must look like. */
export const CONNECTION_NAME_RULE =
  "A connection name has 1 to 128 characters of a-z A-Z 0-9 _ . - and begins with a letter or digit";

/** The webhook of a namespace that may take requests to those that do not exist. */
export const DEFAULT_WEBHOOK_ID = "default";

/** What a configuration value belongs to. */
export type ConfigKey =
  | { readonly kind: "webhook"; readonly namespace: string; readonly id: string }
  | { readonly kind: "connection"; readonly name: string };

/** What any value of a backend belongs to: an entry, or the policy of namespaces, of which there is one. */
export type BackendKey = ConfigKey | { readonly kind: "policy" };

/** Whether the text may name a namespace. */
export function isNamespace(text: string): boolean {
  return NAMESPACE.test(text);
}

/** Whether the text may be the id of a webhook. */
export function isWebhookId(text: string): boolean {
  return text.length <= MAX_WEBHOOK_ID && WEBHOOK_ID.test(text);
}

/** Whether the text may name a connection. */
export function isConnectionName(text: string): boolean {
  return CONNECTION_NAME.test(text);
}

/** The catalog's key of a webhook, and the path of its route below `/webhook/`. */
export function webhookPath(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}

/** The names in a {@linkcode webhookPath}, as records of the log have them. */
export function namesIn(path: string): { readonly namespace: string; readonly webhook: string } {
  const slash = path.indexOf("/");
  return { namespace: path.slice(0, slash), webhook: path.slice(slash + 1) };
}

/** The key as operators see it in problems and logs: `webhook team-a/orders`, `connection kafka_main`. */
export function describeKey(key: BackendKey): string {
  if (key.kind === "policy") return "policy";
  return key.kind === "webhook"
    ? describeWebhook(webhookPath(key.namespace, key.id))
    : `connection ${key.name}`;
}

/** A webhook as operators see it, by its {@linkcode webhookPath}: `webhook team-a/orders`. */
export function describeWebhook(path: string): string {
  return `webhook ${path}`;
}

/** The inverse of {@linkcode describeKey}; `undefined` for what is no key, such as the path of a file. */
export function parseDescribedKey(described: string): ConfigKey | undefined {
  const [, kind, first = "", second] = /^(webhook|connection) ([^/\s]+)(?:\/([^/\s]+))?$/.exec(described) ??
    [];
  if (kind === "connection") return second === undefined ? { kind, name: first } : undefined;
  return kind === "webhook" && second !== undefined ? { kind, namespace: first, id: second } : undefined;
}

/**
 * Reads an etcd key below the prefix, already cut off: `team-a/webhooks/orders`.
 *
 * @returns the key, or the reason why it is not a key of the gateway
 */
export function parseConfigKey(keyBelowPrefix: string): ConfigKey | string {
  // Nearly every key is a webhook's, and one expression takes a third of the time of what follows.
  const [, namespace, id] = WEBHOOK_KEY.exec(keyBelowPrefix) ?? [];
  if (namespace !== undefined && id !== undefined && id.length <= MAX_WEBHOOK_ID) {
    return { kind: "webhook", namespace, id };
  }
  const parts = keyBelowPrefix.split("/");
  const [group, kind, name] = parts;
  if (parts.length !== 3 || group === undefined || kind === undefined || name === undefined) {
    return "Expected '{namespace}/webhooks/{id}', 'global/connections/{name}' or 'global/policy'";
  }
  if (kind === "webhooks") {
    if (!isNamespace(group)) return `Namespace must match ${NAMESPACE.source}`;
    return WEBHOOK_ID_RULE;
  }
  if (kind === "connections") {
    if (group !== "global") return "Connections are global: expected 'global/connections/{name}'";
    if (!isConnectionName(name)) return CONNECTION_NAME_RULE;
    return { kind: "connection", name };
  }
  return `Unknown kind '${kind}': expected 'webhooks' or 'connections'`;
}

/** Reads an etcd key as {@linkcode parseConfigKey} does, and knows that of the policy as well. */
export function parseBackendKey(keyBelowPrefix: string): BackendKey | string {
  return keyBelowPrefix === POLICY_KEY ? { kind: "policy" } : parseConfigKey(keyBelowPrefix);
}

/** The inverse of {@linkcode parseConfigKey}. */
export function formatConfigKey(key: ConfigKey): string {
  return key.kind === "webhook" ? `${key.namespace}/webhooks/${key.id}` : `global/connections/${key.name}`;
}
