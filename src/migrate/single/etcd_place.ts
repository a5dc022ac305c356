/**
 * One key in etcd, written by transaction on the revision that was seen.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ITxnRequest } from "etcd3";
import { listPages } from "../../config/etcd/list/pages.ts";
import { EtcdCallError, type EtcdConnection } from "../../config/etcd/wire/connection.ts";
import { KeySpace } from "../../config/etcd/wire/key_space.ts";
import { parseEtcdValue } from "../../config/etcd/wire/value.ts";
import type { ConfigPut } from "../../config/provider.ts";
import { parseConfigValue } from "../../config/values/json_value.ts";
import { type ConfigKey, formatConfigKey, parseConfigKey, POLICY_KEY } from "../../event/names.ts";
import type { Settings } from "../../settings/settings.ts";
import { MigrationError } from "../configuration.ts";
import { MAX_REQUEST_BYTES, requestBytes } from "../stores/batches.ts";
import { CALL_TIMEOUT_MS, connectToEtcd, TIMING } from "../stores/etcd_connect.ts";
import { EtcdWriter } from "../stores/etcd_writer.ts";
import { readHistory } from "./etcd_history.ts";
import type { KeyHistory, KeyPlace, OtherValue, StoredText, Written } from "./place.ts";

const PAGE = {
  pageKeys: 2_000,
  pageBytes: 1024 * 1024,
  pageTimeoutMs: CALL_TIMEOUT_MS,
  keysOnly: false,
} as const;

/** A key in etcd. Nobody's credentials but those that it is given are used. */
export class EtcdPlace implements KeyPlace {
  readonly description: string;
  readonly #settings: Settings["etcd"];
  readonly #key: ConfigKey;
  readonly #bytes: Buffer;
  #connection: EtcdConnection | undefined;

  constructor(settings: Settings["etcd"], key: ConfigKey) {
    const name = settings.prefix + formatConfigKey(key);
    this.description = `etcd ${settings.endpoints.join(", ")}: ${name}`;
    this.#settings = settings;
    this.#key = key;
    this.#bytes = Buffer.from(name);
  }

  async read(): Promise<StoredText | undefined> {
    return await this.#reading(async (connection) => {
      const page = await connection.range({ key: this.#bytes }, Date.now() + CALL_TIMEOUT_MS);
      const { last } = page;
      if (last === undefined) return undefined;
      return { text: last.readValue().text ?? "", revision: String(last.revision) };
    });
  }

  valueOf(text: string | undefined): Promise<ConfigPut["value"] | undefined> {
    return Promise.resolve(text === undefined ? undefined : parseConfigValue(text));
  }

  async connections(): Promise<readonly OtherValue[] | undefined> {
    const { prefix } = this.#settings;
    const keySpace = new KeySpace(`${prefix}global/connections/`);
    return await this.#reading(async (connection) => {
      const others: OtherValue[] = [];
      try {
        for await (const { page } of listPages(connection, keySpace, PAGE)) {
          for (const listed of page.keys()) {
            const key = parseConfigKey(`global/connections/${listed.nameIn(keySpace)}`);
            if (typeof key !== "string") others.push({ key, value: parseEtcdValue(listed.readValue()) });
          }
        }
      } catch (cause) {
        if (cause instanceof EtcdCallError && cause.failure === "denied") return undefined;
        throw cause;
      }
      return others;
    });
  }

  async policy(): Promise<ConfigPut["value"] | "denied" | undefined> {
    const key = Buffer.from(this.#settings.prefix + POLICY_KEY);
    return await this.#reading(async (connection) => {
      try {
        const { last } = await connection.range({ key }, Date.now() + CALL_TIMEOUT_MS);
        return last === undefined ? undefined : parseEtcdValue(last.readValue());
      } catch (cause) {
        if (cause instanceof EtcdCallError && cause.failure === "denied") return "denied";
        throw cause;
      }
    });
  }

  refuse(text: string): string | undefined {
    const bytes = requestBytes({ key: this.#key, text }, this.#settings.prefix);
    if (bytes <= MAX_REQUEST_BYTES) return undefined;
    return `The value needs a request of ${bytes} bytes, and etcd takes ${MAX_REQUEST_BYTES}`;
  }

  async write(text: string | undefined, seen: StoredText | undefined): Promise<Written> {
    const { endpoint } = this.#connection ??= await connectToEtcd(this.#settings, this.#bytes);
    try {
      await using writer = await EtcdWriter.open(endpoint, { ...this.#settings, ...TIMING });
      const answer = await writer.commit(this.#transaction(text, seen));
      if (answer.succeeded) return { done: `revision ${answer.header.revision}` };
      const [standing] = answer.responses[0]?.response_range.kvs ?? [];
      if (standing === undefined) return { conflict: undefined };
      return { conflict: { text: standing.value.toString(), revision: standing.mod_revision } };
    } catch (cause) {
      if (!(cause instanceof EtcdCallError)) throw cause;
      throw writeError(cause);
    }
  }

  async history(): Promise<KeyHistory> {
    return await this.#reading((connection) => readHistory(connection, this.#bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.[Symbol.asyncDispose]();
  }

  #transaction(text: string | undefined, seen: StoredText | undefined): ITxnRequest {
    const key = this.#bytes;
    return {
      // A key that does not exist has revision 0.
      compare: [{ key, target: "Mod", result: "Equal", mod_revision: seen?.revision ?? "0" }],
      success: [
        text === undefined
          ? { request_delete_range: { key } }
          : { request_put: { key, value: Buffer.from(text) } },
      ],
      failure: [{ request_range: { key } }],
    };
  }

  async #reading<Result>(read: (connection: EtcdConnection) => Promise<Result>): Promise<Result> {
    this.#connection ??= await connectToEtcd(this.#settings, this.#bytes);
    try {
      return await read(this.#connection);
    } catch (cause) {
      if (!(cause instanceof EtcdCallError)) throw cause;
      throw new MigrationError("unreadable", `Cannot read from etcd: ${cause.message}`, { cause });
    }
  }
}

function writeError(cause: EtcdCallError): MigrationError {
  if (cause.failure === "denied") {
    const remedy = "nothing was written. Use a user whose role may write the key";
    return new MigrationError("unwritable", `Cannot write to etcd: ${cause.message}: ${remedy}`, { cause });
  }
  return new MigrationError(
    "interrupted",
    `Cannot write to etcd: ${cause.message}. Whether it was written is not known: run cwm get to see`,
    { cause },
  );
}
