/**
 * The files' side of a migration.
 *
 * @module
 */

import { CONNECTIONS, WEBHOOKS } from "../../config/values/file_members.ts";
import { type ConfigKey, formatConfigKey } from "../../event/names.ts";
import type { Settings } from "../../settings/settings.ts";
import { ConfigFile, type FileValues } from "./config_file.ts";
import { readLayeredFiles } from "./layered_files.ts";
import type {
  Change,
  ConfigStore,
  Configuration,
  StoredValue,
  StoreRole,
  WriteResult,
} from "../configuration.ts";

/** The files of the file backend as one side of a migration. */
export class FileStore implements ConfigStore {
  readonly description: string;
  /** In the order in which they are written: a connection comes before the webhooks that use it. */
  readonly #files: Readonly<Record<ConfigKey["kind"], ConfigFile>>;
  /** What is merged into them; nothing for most. */
  readonly #overlays: Readonly<Record<ConfigKey["kind"], readonly string[]>>;

  readonly #withConnections: boolean;

  /**
   * @param namespace which the webhooks in the file belong to
   * @param withConnections whether connections are part of the migration; their file is not looked at otherwise
   */
  constructor(files: Settings["files"], namespace: string, withConnections = true) {
    const { webhooks = [], connections = [] } = files.overlays ?? {};
    this.#withConnections = withConnections;
    this.#overlays = { connection: connections, webhook: webhooks };
    const ofConnections = withConnections ? [files.connections, ...connections] : [];
    this.description = `files ${[files.webhooks, ...webhooks, ...ofConnections].join(", ")}`;
    this.#files = {
      connection: new ConfigFile(files.connections, {
        ...CONNECTIONS,
        keyOf: (name) => ({ kind: "connection", name }),
        optional: !files.named.includes("connections"),
      }),
      webhook: new ConfigFile(files.webhooks, {
        ...WEBHOOKS,
        keyOf: (id) => ({ kind: "webhook", namespace, id }),
        optional: false,
      }),
    };
  }

  async read(role: StoreRole): Promise<Configuration> {
    // One after the other: where one is refused, nothing goes on reading the other.
    const ofConnections = this.#withConnections ? [await this.#read("connection", role)] : [];
    const read = [...ofConnections, await this.#read("webhook", role)];
    const values = read.flatMap(({ values }) => values);
    return {
      values: new Map(values.map((value) => [formatConfigKey(value.key), value])),
      foreign: read.flatMap(({ foreign }) => foreign),
      remarks: new Set(read.flatMap(({ remarks }) => remarks.map(formatConfigKey))),
    };
  }

  #read(kind: ConfigKey["kind"], role: StoreRole): Promise<FileValues> {
    const file = this.#files[kind];
    const overlays = this.#overlays[kind];
    if (overlays.length === 0) return file.read(role);
    return readLayeredFiles([file.path, ...overlays], file.kind, role);
  }

  refuse({ key, value }: StoredValue): string | undefined {
    return "problem" in value ? undefined : this.#files[key.kind].refuse(nameOf(key), value.json);
  }

  findOtherNamespace(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async write(changes: readonly Change[], onProgress: (done: number) => void): Promise<WriteResult> {
    const conflicts: ConfigKey[] = [];
    let done = 0;
    let removed = 0;
    for (const [kind, file] of Object.entries(this.#files)) {
      const own = changes.filter(({ key }) => key.kind === kind);
      if (own.length === 0) continue;
      if (await file.write(new Map(own.map(({ key, text }) => [nameOf(key), text])))) {
        removed += own.filter(({ text }) => text === undefined).length;
        done += own.length;
        onProgress(done);
      } else conflicts.push(...own.map(({ key }) => key));
    }
    return { written: done - removed, removed, conflicts };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function nameOf(key: ConfigKey): string {
  return key.kind === "webhook" ? key.id : key.name;
}
