import { nameOf } from "./answers.ts";
import type { HttpWebhookConfig } from "./config.ts";

/** Which deliveries share an output: where a server of tokens or a proxy is down, only those wait that need it. */
export function partitionOf({ destination, targets = [destination], tokens }: HttpWebhookConfig): string {
  const proxies = targets.flatMap(({ proxy }) => proxy === undefined ? [] : `by ${nameOf(proxy)}`);
  return [...targets.map(nameOf), ...proxies, ...(tokens === undefined ? [] : [tokens.key])].join(" ");
}
