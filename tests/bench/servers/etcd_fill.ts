// Puts webhooks into etcd, 128 in a transaction. Usage: etcd_fill.ts ENDPOINT KEYS COUNT VERSION
import { Etcd3, type IRequestOp } from "etcd3";
import { nameOf, OPEN_WEBHOOK, prefixOf, valueOf } from "../etcd_data.ts";

const PUTS_IN_A_TRANSACTION = 128;
const TRANSACTIONS_AT_ONCE = 8;

const [endpoint = ""] = Deno.args;
const [keys = 0, count = 0, version = 0] = Deno.args.slice(1).map(Number);
const prefix = prefixOf(keys);
const etcd = new Etcd3({ hosts: endpoint });

const puts: IRequestOp[] = Array.from({ length: count }, (_, index) => {
  const key = Math.floor(index * keys / count);
  return put(nameOf(key), valueOf(key, version));
});
await Promise.all(Array.from({ length: TRANSACTIONS_AT_ONCE }, async () => {
  while (puts.length > 0) await transact(puts.splice(0, PUTS_IN_A_TRANSACTION));
}));
if (version === 0) {
  await transact([put(`${OPEN_WEBHOOK.namespace}/webhooks/${OPEN_WEBHOOK.id}`, OPEN_WEBHOOK.value)]);
}
etcd.close();

function put(name: string, value: string): IRequestOp {
  return { request_put: { key: Buffer.from(prefix + name), value: Buffer.from(value) } };
}

async function transact(operations: IRequestOp[]): Promise<void> {
  await etcd.kv.txn({ compare: [], success: operations, failure: [] });
}
