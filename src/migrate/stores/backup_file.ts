/**
 * All namespaces in one file: each webhook and connection by its key in etcd, `team-a/webhooks/orders`.
 *
 * @module
 */

import { formatConfigKey, parseConfigKey } from "../../event/names.ts";
import type {
  Change,
  ConfigStore,
  Configuration,
  StoredValue,
  StoreRole,
  WriteResult,
} from "../configuration.ts";
import { ConfigFile, type FileKind } from "./config_file.ts";

const KEYS: FileKind = {
  isName: (name) => typeof parseConfigKey(name) !== "string",
  rule: "Expected a key such as team-a/webhooks/orders or global/connections/kafka_main",
  marks: ["module", "chain", "type"],
  namesDecide: true,
  keyOf: (name) => {
    const key = parseConfigKey(name);
    if (typeof key === "string") throw new TypeError(key);
    return key;
  },
  optional: false,
};

/** A file with all namespaces as one side of a migration. */
export class BackupFile implements ConfigStore {
  readonly description: string;
  readonly #file: ConfigFile;
  readonly #withConnections: boolean;

  /** @param withConnections whether connections are part of it; otherwise those in the file stay as they are */
  constructor(path: string, withConnections: boolean) {
    this.description = `file ${path} with all namespaces`;
    this.#file = new ConfigFile(path, KEYS);
    this.#withConnections = withConnections;
  }

  async read(role: StoreRole): Promise<Configuration> {
    const { values, foreign } = await this.#file.read(role);
    const own = values.filter(({ key }) => this.#withConnections || key.kind === "webhook");
    return {
      values: new Map(own.map((value) => [formatConfigKey(value.key), value])),
      foreign,
      // Whatever has the name of an entry is one.
      remarks: new Set(),
    };
  }

  refuse({ key, value }: StoredValue): string | undefined {
    return "problem" in value ? undefined : this.#file.refuse(formatConfigKey(key), value.json);
  }

  findOtherNamespace(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async write(changes: readonly Change[], onProgress: (done: number) => void): Promise<WriteResult> {
    const texts = new Map(changes.map(({ key, text }) => [formatConfigKey(key), text]));
    if (!await this.#file.write(texts)) {
      return { written: 0, removed: 0, conflicts: changes.map(({ key }) => key) };
    }
    onProgress(changes.length);
    const removed = changes.filter(({ text }) => text === undefined).length;
    return { written: changes.length - removed, removed, conflicts: [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
