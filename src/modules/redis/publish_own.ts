/**
 * The webhook's key `redis`, as the Python original reads it for `redis_publish`: a connection of the webhook's
 * own, and the channel.
 *
 * @module
 */

import { z } from "zod";
import { authorityOf } from "../../io/address.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import { hostField } from "../../schema/connection_fields.ts";
import { reportAt } from "../../schema/fields.ts";
import type { OwnConnection } from "../module.ts";
import { type RedisConnection, redisConnectionFields, redisConnectionOf } from "./connection.ts";

const fields = z.strictObject({
  ...redisConnectionFields,
  host: hostField().default("localhost").meta({ description: "Host name or IP address." }),
  channel: z.string().min(1).optional().meta({
    description: "Channel to publish on, as in `module-config`.",
  }),
  allowed_hosts: z.array(z.string()).nullish().meta({
    description: "When given, `host` must be one of them. Default: any host.",
  }),
});

/** Strict schema of the key `redis`. */
export const redisOwnConnectionSchema: z.ZodType<OwnConnection<RedisConnection>> = fields.transform(
  (input, issues) => {
    const { host, port } = input;
    const connection = redisConnectionOf(input, { host, port }, issues);
    const allowed = input.allowed_hosts?.map((host) => host.trim().toLowerCase());
    if (allowed?.includes(host.toLowerCase()) === false) {
      reportAt(issues, "host", "The host is not one of allowed_hosts");
    }
    return {
      address: addressOf({ host, port }, connection),
      connection: { ...connection, isOfWebhook: true },
      moduleConfig: input.channel === undefined ? {} : { channel: input.channel },
    };
  },
);

/** `redis://host:port/database`, which is `rediss:` with TLS. Database 0 is left out. */
function addressOf({ host, port }: ServerAddress, { db, tls }: RedisConnection): string {
  const scheme = tls === undefined ? "redis" : "rediss";
  return `${scheme}://${authorityOf(host, port)}${db === 0 ? "" : `/${db}`}`;
}
