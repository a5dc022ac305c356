/**
 * The configuration as `cwm check --print` shows it: as it is after its files are merged, with references as they are
 * written and without what looks like a secret.
 *
 * @module
 */

import type { ConfigChange, ConfigSink } from "../../config/provider.ts";
import type { ConfigKey } from "../../event/names.ts";
import { withoutSecrets } from "./without_secrets.ts";

/** Notes what a provider reports on its way to a sink. */
export class ConfigurationCopy implements ConfigSink {
  readonly #sink: ConfigSink;
  readonly #namespace: string | undefined;
  readonly #values = {
    webhook: new Map<string, unknown>(),
    connection: new Map<string, unknown>(),
  };

  /** @param namespace of which webhooks are shown by their ids alone; others have theirs before it */
  constructor(sink: ConfigSink, namespace: string | undefined) {
    this.#sink = sink;
    this.#namespace = namespace;
  }

  apply(changes: readonly ConfigChange[], moreFollow?: boolean): void {
    for (const change of changes) {
      if (change.key.kind === "policy") continue;
      const values = this.#values[change.key.kind];
      const name = this.#nameOf(change.key);
      if ("deleted" in change) values.delete(name);
      else if ("json" in change.value) values.set(name, change.value.json);
    }
    this.#sink.apply(changes, moreFollow);
  }

  reportSource(...report: Parameters<ConfigSink["reportSource"]>): void {
    this.#sink.reportSource(...report);
  }

  /** `{"webhooks": {…}, "connections": {…}}`, laid out for people. What is no JSON is not in it. */
  toText(): string {
    const { webhook, connection } = this.#values;
    return JSON.stringify({ webhooks: shown(webhook), connections: shown(connection) }, undefined, 2);
  }

  #nameOf(key: ConfigKey): string {
    if (key.kind === "connection") return key.name;
    return key.namespace === this.#namespace ? key.id : `${key.namespace}/${key.id}`;
  }
}

function shown(values: ReadonlyMap<string, unknown>): unknown {
  return Object.fromEntries(Array.from(values, ([name, value]) => [name, withoutSecrets(value)]));
}
