import type { Etcd3 } from "etcd3";

const PAGE_KEYS = 1000;

/** A loaded configuration, and the revision that it is the state of. */
export interface Loaded {
  readonly entries: Map<string, unknown>;
  readonly revision: string;
}

/** The least that loads a prefix of etcd as one state: pages at one revision, parsed into a map. */
export async function loadAll(etcd: Etcd3, prefix: string): Promise<Loaded> {
  const entries = new Map<string, unknown>();
  const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  let start: string | Buffer = prefix;
  let revision: string | undefined;
  while (true) {
    const request = etcd.getAll().inRange({ start, end }).limit(PAGE_KEYS);
    if (revision !== undefined) request.revision(revision);
    const page = await request.exec();
    revision ??= page.header.revision;
    for (const { key, value } of page.kvs) entries.set(key.toString(), JSON.parse(value.toString()));
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) return { entries, revision };
    start = Buffer.concat([last.key, Buffer.of(0)]);
  }
}
