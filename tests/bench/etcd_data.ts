/** What the benchmarks of the etcd backend fill etcd with: namespaces of five webhooks, about 200 bytes each. */

import { join } from "@std/path";
import { Etcd3 } from "etcd3";
import { REPOSITORY } from "../support/repository.ts";

const WEBHOOKS = ["orders", "payments", "github", "alerts", "signups"] as const;

/** The one webhook besides, below {@linkcode prefixOf}: it takes requests from anybody. */
export const OPEN_WEBHOOK = { namespace: "bench", id: "open", value: `{"module":"log"}` } as const;

/** Where the keys of a data set of this size stand. */
export function prefixOf(keys: number): string {
  return `/bench-${keys}/`;
}

/** The name of a key, below the prefix. */
export function nameOf(index: number): string {
  const namespace = `team-${String(Math.floor(index / WEBHOOKS.length)).padStart(6, "0")}`;
  return `${namespace}/webhooks/${WEBHOOKS[index % WEBHOOKS.length]}`;
}

/** The value of a key: equal for equal arguments, and another one for another version. */
export function valueOf(index: number, version: number): string {
  const secret = `${index.toString(16).padStart(8, "0")}${version.toString(16).padStart(8, "0")}`.repeat(2);
  const guard = index % 2 === 0
    ? { authorization: `Bearer ${secret}` }
    : { hmac: { secret, header: "X-Hub-Signature-256", algorithm: "sha256" } };
  return JSON.stringify({
    _owner: `team-${index % 100}@example.com`,
    data_type: "json",
    module: "log",
    "module-config": { pretty_print: false, redact_sensitive: true },
    ...guard,
    max_body_bytes: 1_048_576,
  });
}

/**
 * Puts keys from a process of its own, 128 in a transaction, so that neither its work nor its garbage is
 * measured along.
 *
 * @param keys the size of the data set
 * @param count how many of its keys are put, evenly spread
 */
export async function fillEtcd(
  endpoint: string,
  keys: number,
  count: number,
  version: number,
): Promise<void> {
  const program = join(REPOSITORY, "tests/bench/servers/etcd_fill.ts");
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", program, endpoint, ...[keys, count, version].map(String)],
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Filling etcd with ${count} keys failed`);
}

/** Deletes all keys of a data set but the open webhook, in one revision. */
export async function deleteKeys(endpoint: string, keys: number): Promise<void> {
  using etcd = disposable(new Etcd3({ hosts: endpoint }));
  await etcd.client.delete().prefix(`${prefixOf(keys)}team-`);
}

function disposable(client: Etcd3): Disposable & { readonly client: Etcd3 } {
  return { client, [Symbol.dispose]: () => client.close() };
}
