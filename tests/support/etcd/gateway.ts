import { Buffer } from "node:buffer";

/** One key as etcd holds it. */
export interface EtcdValue {
  readonly revision: number;
  readonly value: string;
}

/** One operation of a transaction. */
export type EtcdOperation = { readonly put: string; readonly value: string } | { readonly delete: string };

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads and writes etcd over its JSON interface, which shares no code with what is tested. Keys and values
 * are texts; {@linkcode putBytes} takes anything.
 */
export class EtcdGateway {
  #token: string | undefined;

  /** @param user with authentication; used only once etcd asks for it */
  constructor(
    private readonly url: string,
    private readonly user?: { readonly name: string; readonly password: string },
  ) {}

  /** Returns the revision of the change. */
  async put(key: string, value: string): Promise<number> {
    return await this.putBytes(Buffer.from(key), Buffer.from(value));
  }

  async putBytes(key: Buffer, value: Buffer): Promise<number> {
    return revisionOf(
      await this.#post("kv/put", { key: key.toString("base64"), value: value.toString("base64") }),
    );
  }

  /** Stores a value as JSON. */
  async putJson(key: string, value: unknown): Promise<number> {
    return await this.put(key, JSON.stringify(value));
  }

  async delete(key: string): Promise<number> {
    return revisionOf(await this.#post("kv/deleterange", { key: base64(key) }));
  }

  async deletePrefix(prefix: string): Promise<number> {
    return revisionOf(await this.#post("kv/deleterange", { key: base64(prefix), range_end: endOf(prefix) }));
  }

  /** Does up to 128 operations in one revision. */
  async transact(operations: readonly EtcdOperation[]): Promise<number> {
    const success = operations.map((operation) =>
      "put" in operation
        ? { request_put: { key: base64(operation.put), value: base64(operation.value) } }
        : { request_delete_range: { key: base64(operation.delete) } }
    );
    return revisionOf(await this.#post("kv/txn", { success }));
  }

  /** Stores many keys, 128 in a revision. */
  async fill(entries: Iterable<readonly [key: string, value: string]>): Promise<number> {
    const operations = Array.from(entries, ([put, value]) => ({ put, value }));
    let revision = 0;
    for (let start = 0; start < operations.length; start += 128) {
      revision = await this.transact(operations.slice(start, start + 128));
    }
    return revision;
  }

  /** Everything below a prefix. */
  async read(prefix: string): Promise<Map<string, EtcdValue>> {
    const { kvs = [] } = await this.#post("kv/range", { key: base64(prefix), range_end: endOf(prefix) }) as {
      readonly kvs?: readonly {
        readonly key: string;
        readonly value?: string;
        readonly mod_revision: string;
      }[];
    };
    return new Map(kvs.map(({ key, value = "", mod_revision }) => [
      Buffer.from(key, "base64").toString(),
      { revision: Number(mod_revision), value: Buffer.from(value, "base64").toString() },
    ]));
  }

  /** The revision of the newest change. */
  async revision(): Promise<number> {
    return revisionOf(await this.#post("kv/range", { key: base64("x"), count_only: true }));
  }

  /** Forgets the history up to a revision. */
  async compact(revision: number): Promise<void> {
    await this.#post("kv/compaction", { revision });
  }

  async #post(path: string, body: Json): Promise<Json> {
    try {
      return await this.#call(path, body);
    } catch (error) {
      if (this.user === undefined) throw error;
      // Tokens expire, and etcd may ask for one only since a moment ago.
      this.#token = undefined;
      this.#token = (await this.#call("auth/authenticate", this.user))["token"] as string;
      return await this.#call(path, body);
    }
  }

  async #call(path: string, body: unknown): Promise<Json> {
    const response = await fetch(`${this.url}/v3/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: this.#token === undefined ? {} : { authorization: this.#token },
      signal: AbortSignal.timeout(2_000),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`etcd refused ${path}: ${answer}`);
    return JSON.parse(answer) as Json;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function endOf(prefix: string): string {
  const end = Buffer.from(prefix);
  end[end.length - 1]!++;
  return end.toString("base64");
}

function revisionOf(answer: Json): number {
  return Number((answer["header"] as { readonly revision: string }).revision);
}
