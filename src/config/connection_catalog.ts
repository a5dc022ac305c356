/**
 * The connections in service, and which webhooks depend on which of them.
 *
 * @module
 */

import type { CompiledConnection } from "./compiled_connection.ts";
import type { CompiledWebhook } from "./compile/compiler.ts";
import type { CompiledStep } from "./compile/delivery_compiler.ts";
import type { OutputModule } from "../modules/module.ts";

/** The connection of an output (none where its module needs none), or why it is not known. */
export type Resolution = { readonly connection: CompiledConnection | undefined } | {
  readonly unresolved: string;
};

/** The connections by name, and which webhooks depend on which of them. */
export class Connections {
  readonly #byName = new Map<string, CompiledConnection>();
  readonly #byType = new Map<string, Map<string, CompiledConnection>>();
  readonly #namedBy = new Map<string, Set<string>>();
  readonly #chosenByType = new Map<string, Set<string>>();
  readonly #own = new Map<string, { readonly connection: CompiledConnection; users: number }>();

  get(name: string): CompiledConnection | undefined {
    return this.#byName.get(name);
  }

  /** Those that have a name. */
  values(): Iterable<CompiledConnection> {
    return this.#byName.values();
  }

  /** Those that webhooks hold themselves, equal ones once. */
  *own(): Iterable<CompiledConnection> {
    for (const { connection } of this.#own.values()) yield connection;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Sets or removes a connection. */
  set(name: string, connection: CompiledConnection | undefined): void {
    const former = this.#byName.get(name);
    if (former !== undefined) this.#byType.get(former.type)?.delete(name);
    if (connection === undefined) {
      this.#byName.delete(name);
      return;
    }
    this.#byName.set(name, connection);
    const ofType = this.#byType.get(connection.type);
    if (ofType === undefined) this.#byType.set(connection.type, new Map([[name, connection]]));
    else ofType.set(name, connection);
  }

  /**
   * Finds the connection of one output of a webhook: the one that is named or, where none is, the only one of
   * a type that its module accepts.
   */
  resolve({ module, connectionName, ownConnection }: CompiledStep): Resolution {
    if (ownConnection !== undefined) return { connection: ownConnection };
    if (module.connectionTypes.length === 0) return { connection: undefined };
    return connectionName === undefined
      ? this.#resolveByType(module)
      : this.#resolveByName(module, connectionName);
  }

  #resolveByName(module: OutputModule, name: string): Resolution {
    const connection = this.#byName.get(name);
    if (connection === undefined) {
      return { unresolved: `Connection '${name}' does not exist or is not valid` };
    }
    const types = [...module.connectionTypes, ...module.namedConnectionTypes ?? []];
    if (types.includes(connection.type)) return { connection };
    const expected = types.join("' or '");
    return {
      unresolved:
        `Connection '${name}' has type '${connection.type}', but module '${module.name}' needs '${expected}'`,
    };
  }

  #resolveByType(module: OutputModule): Resolution {
    const candidates = module.connectionTypes.flatMap((type) => [...this.#byType.get(type)?.values() ?? []]);
    if (candidates.length === 1) return { connection: candidates[0] };
    const types = module.connectionTypes.join("' or '");
    const others = module.namedConnectionTypes?.map((type) => `, or name one of type '${type}'`).join("") ??
      "";
    return {
      unresolved: candidates.length === 0
        ? `There is no connection of type '${types}': define one${others}`
        : `There are several connections of type '${types}' (${
          candidates.map(({ name }) => name).sort().join(", ")
        }): ` +
          "name one with 'connection'",
    };
  }

  /**
   * Notes which connections a webhook depends on, so that {@linkcode dependents} finds it, and which ones it
   * holds itself.
   */
  track(path: string, webhook: CompiledWebhook): void {
    for (const connection of ownConnections(webhook)) {
      const { fingerprint } = connection;
      const users = (this.#own.get(fingerprint)?.users ?? 0) + 1;
      this.#own.set(fingerprint, { connection, users });
    }
    for (const [index, key] of this.#indexKeys(webhook)) {
      const paths = index.get(key);
      if (paths === undefined) index.set(key, new Set([path]));
      else paths.add(path);
    }
  }

  /** The inverse of {@linkcode track}. */
  untrack(path: string, webhook: CompiledWebhook): void {
    for (const { fingerprint } of ownConnections(webhook)) {
      const own = this.#own.get(fingerprint);
      if (own === undefined) continue;
      if (--own.users === 0) this.#own.delete(fingerprint);
    }
    for (const [index, key] of this.#indexKeys(webhook)) {
      const paths = index.get(key);
      paths?.delete(path);
      if (paths?.size === 0) index.delete(key);
    }
  }

  /** The webhooks whose resolution may change when a connection of this name and these types does. */
  *dependents(name: string, types: Iterable<string>): Iterable<string> {
    yield* this.#namedBy.get(name) ?? [];
    for (const type of new Set(types)) yield* this.#chosenByType.get(type) ?? [];
  }

  #indexKeys({ steps }: CompiledWebhook): readonly [Map<string, Set<string>>, string][] {
    return steps.flatMap(
      ({ module, connectionName, ownConnection }): [Map<string, Set<string>>, string][] => {
        if (module.connectionTypes.length === 0 || ownConnection !== undefined) return [];
        if (connectionName !== undefined) return [[this.#namedBy, connectionName]];
        return module.connectionTypes.map((type) => [this.#chosenByType, type]);
      },
    );
  }
}

function ownConnections({ steps }: CompiledWebhook): readonly CompiledConnection[] {
  return steps.flatMap(({ ownConnection }) => ownConnection ?? []);
}
