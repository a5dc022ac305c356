/**
 * The etcd side of a migration.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ICompare, IRequestOp, ITxnRequest, ITxnResponse } from "etcd3";
import { EtcdCallError, type EtcdConnection } from "../../config/etcd/wire/connection.ts";
import { KeySpace } from "../../config/etcd/wire/key_space.ts";
import { listPages } from "../../config/etcd/list/pages.ts";
import type { EtcdKeyValue } from "../../config/etcd/wire/fields.ts";
import { parseEtcdValue } from "../../config/etcd/wire/value.ts";
import { type ConfigKey, formatConfigKey, parseConfigKey, POLICY_KEY } from "../../event/names.ts";
import type { Settings } from "../../settings/settings.ts";
import { MAX_REQUEST_BYTES, planBatches, requestBytes } from "./batches.ts";
import {
  type Change,
  type ConfigStore,
  type Configuration,
  type Finding,
  MigrationError,
  type StoredValue,
  type WriteResult,
} from "../configuration.ts";
import { CALL_TIMEOUT_MS, connectToEtcd, TIMING } from "./etcd_connect.ts";
import { EtcdWriter } from "./etcd_writer.ts";
import { compactJson } from "../../json/members.ts";

/** What the keys of connections begin with. */
const CONNECTIONS = "global/connections/";

const PAGE = { pageKeys: 2_000, pageBytes: 1024 * 1024, pageTimeoutMs: CALL_TIMEOUT_MS } as const;

/** What of etcd is one side of a migration. */
export interface EtcdExtent {
  /** Whose webhooks; `undefined` for those of all namespaces. */
  readonly namespace: string | undefined;
  /** Whether connections are part of it, which all namespaces share; nothing of theirs is read otherwise. */
  readonly connections: boolean;
}

/** Webhooks, and the connections where they are asked for, in etcd as one side of a migration. */
export class EtcdStore implements ConfigStore {
  readonly description: string;
  readonly #settings: Settings["etcd"];
  readonly #extent: EtcdExtent;
  readonly #keySpaces: readonly KeySpace[];
  #connection: EtcdConnection | undefined;

  constructor(settings: Settings["etcd"], extent: EtcdExtent) {
    const { prefix, endpoints } = settings;
    const { namespace, connections } = extent;
    const prefixes = namespace === undefined
      ? [prefix]
      : [`${prefix}${namespace}/webhooks/`, ...connections ? [`${prefix}${CONNECTIONS}`] : []];
    this.description = `etcd ${endpoints.join(", ")}: ${prefixes.join(", ")}`;
    this.#settings = settings;
    this.#extent = extent;
    this.#keySpaces = prefixes.map((prefix) => new KeySpace(prefix));
  }

  async read(): Promise<Configuration> {
    const values = new Map<string, StoredValue>();
    const foreign: Finding[] = [];
    for (const keySpace of this.#keySpaces) {
      for await (const listed of this.#list(keySpace, false)) {
        const ownName = listed.nameIn(keySpace);
        const name = keySpace.prefix.slice(this.#settings.prefix.length) + ownName;
        if (!this.#isWithin(name)) continue;
        const parsed = parseConfigKey(name);
        if (typeof parsed === "string") {
          foreign.push({ subject: keySpace.print(ownName), path: "", message: parsed });
        } else values.set(name, storedValue(parsed, listed));
      }
    }
    // Whatever may be an entry in etcd is one.
    return { values, foreign, remarks: new Set() };
  }

  /** Whether a key belongs to the extent, as far as its range does not say so. */
  #isWithin(name: string): boolean {
    if (this.#extent.namespace !== undefined) return true;
    return name !== POLICY_KEY && (this.#extent.connections || !name.startsWith(CONNECTIONS));
  }

  refuse(value: StoredValue): string | undefined {
    const bytes = requestBytes(value, this.#settings.prefix);
    if (bytes <= MAX_REQUEST_BYTES) return undefined;
    return `The value needs a request of ${bytes} bytes, and etcd takes ${MAX_REQUEST_BYTES}`;
  }

  async findOtherNamespace(): Promise<string | undefined> {
    const { namespace } = this.#extent;
    if (namespace === undefined) return undefined;
    const keySpace = new KeySpace(this.#settings.prefix);
    for await (const listed of this.#list(keySpace, true)) {
      const parsed = parseConfigKey(listed.nameIn(keySpace));
      const isOther = typeof parsed !== "string" && parsed.kind === "webhook" &&
        parsed.namespace !== namespace;
      if (isOther) return parsed.namespace;
    }
    return undefined;
  }

  async write(changes: readonly Change[], onProgress: (done: number) => void): Promise<WriteResult> {
    await using writer = await this.#openWriter();
    const conflicts: ConfigKey[] = [];
    let done = 0;
    let removed = 0;
    for (const batch of planBatches(changes, this.#settings.prefix)) {
      try {
        const { committed, stale } = await commit(writer, batch, this.#settings.prefix);
        done += committed.length;
        removed += committed.filter(({ text }) => text === undefined).length;
        conflicts.push(...stale.map(({ key }) => key));
      } catch (cause) {
        if (cause instanceof EtcdCallError) throw interruption(cause, done, batch.length, changes.length);
        throw cause;
      }
      onProgress(done + conflicts.length);
    }
    return { written: done - removed, removed, conflicts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.[Symbol.asyncDispose]();
  }

  async *#list(keySpace: KeySpace, keysOnly: boolean): AsyncGenerator<EtcdKeyValue> {
    this.#connection ??= await this.#connect();
    try {
      for await (const { page } of listPages(this.#connection, keySpace, { ...PAGE, keysOnly })) {
        yield* page.keys();
      }
    } catch (cause) {
      if (!(cause instanceof EtcdCallError)) throw cause;
      throw new MigrationError("unreadable", `Cannot read from etcd: ${cause.message}`, { cause });
    }
  }

  async #openWriter(): Promise<EtcdWriter> {
    const { endpoint } = this.#connection ??= await this.#connect();
    try {
      return await EtcdWriter.open(endpoint, { ...this.#settings, ...TIMING });
    } catch (cause) {
      throw new MigrationError("unwritable", `Cannot write to etcd: ${(cause as Error).message}`, { cause });
    }
  }

  #connect(): Promise<EtcdConnection> {
    return connectToEtcd(this.#settings, this.#keySpaces[0]!.start);
  }
}

function storedValue(key: ConfigKey, listed: EtcdKeyValue): StoredValue {
  const read = listed.readValue();
  const value = parseEtcdValue(read);
  const text = read.text ?? "";
  const revision = String(listed.revision);
  return { key, value, text: "problem" in value ? text : compactJson(text), revision };
}

/**
 * Makes changes in one transaction, which fails as a whole when one of the keys was touched since it was
 * read; then again without those keys.
 */
async function commit(
  writer: EtcdWriter,
  batch: readonly Change[],
  prefix: string,
): Promise<{ readonly committed: readonly Change[]; readonly stale: readonly Change[] }> {
  const stale = new Set<Change>();
  while (stale.size < batch.length) {
    const rest = batch.filter((change) => !stale.has(change));
    const response = await writer.commit(transactionOf(rest, prefix));
    if (response.succeeded) return { committed: rest, stale: [...stale] };
    const touched = rest.filter((change, index) => revisionAt(response, index) !== revisionOf(change));
    if (touched.length === 0) throw new Error("etcd refuses a transaction whose conditions all hold");
    for (const change of touched) stale.add(change);
  }
  return { committed: [], stale: [...stale] };
}

function transactionOf(changes: readonly Change[], prefix: string): ITxnRequest {
  const compare: ICompare[] = [];
  const success: IRequestOp[] = [];
  const failure: IRequestOp[] = [];
  for (const change of changes) {
    const key = Buffer.from(prefix + formatConfigKey(change.key));
    compare.push({ key, target: "Mod", result: "Equal", mod_revision: revisionOf(change) });
    success.push(
      change.text === undefined
        ? { request_delete_range: { key } }
        : { request_put: { key, value: Buffer.from(change.text) } },
    );
    failure.push({ request_range: { key, keys_only: true } });
  }
  return { compare, success, failure };
}

/** The revision at which a change expects its key; a key that does not exist has revision 0. */
function revisionOf({ current }: Change): string {
  return current?.revision ?? "0";
}

/** The revision of a key in the answer to a transaction that failed. */
function revisionAt({ responses }: ITxnResponse, index: number): string {
  return responses[index]?.response_range.kvs[0]?.mod_revision ?? "0";
}

function interruption(cause: EtcdCallError, done: number, open: number, total: number): MigrationError {
  // What etcd has refused was not done. Of everything else, only its answer may be missing.
  const doubt = cause.failure === "denied" ? "" : `, and up to ${open} more may have been`;
  return new MigrationError(
    "interrupted",
    `Cannot go on writing: ${cause.message}. ${done} of ${total} keys were written${doubt}. ` +
      "Run the same command again to continue",
    { cause },
  );
}
