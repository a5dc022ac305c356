/**
 * Asks Sentinels where the primary is. All of them are asked at once, and the answer with the highest epoch counts: a
 * Sentinel that was away while the others replaced the primary still names the old one.
 *
 * @see https://redis.io/docs/latest/develop/reference/sentinel-clients/
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import type { RedisSentinels } from "./connection.ts";
import type { ServerAddress } from "../../schema/addresses.ts";
import { replyCode } from "./errors.ts";
import { closeRedis, createRedis, inTime, logIn, type RedisTls } from "./socket.ts";

/** How long one Sentinel may take to answer, connecting included, in milliseconds. */
export const SENTINEL_TIMEOUT_MS = 1000;

/** Where a Sentinel says the primary is, and since which change of primaries. */
interface Answer extends ServerAddress {
  readonly epoch: number;
}

/** How messages write the address of a server. */
export function addressText({ host, port }: ServerAddress): string {
  return authorityOf(host, port);
}

/**
 * Where the primary is.
 *
 * @param tls options of connections to the Sentinels; none without TLS
 * @param signal ends the questions when it aborts
 * @throws {DeliveryError} when no Sentinel answers, or when none knows the name
 */
export async function findPrimary(
  group: RedisSentinels,
  tls: RedisTls,
  signal: AbortSignal,
): Promise<ServerAddress> {
  const answers = await Promise.allSettled(
    group.sentinels.map((address) => askSentinel(address, group, tls, signal)),
  );
  const known = answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : []);
  if (known.length > 0) return known.reduce((newest, one) => one.epoch > newest.epoch ? one : newest);
  const reasons = answers.flatMap((answer) => answer.status === "rejected" ? [answer.reason as Error] : []);
  throw new DeliveryError(
    "output_unavailable",
    `No Sentinel says where ${group.master} is: ${reasons.map(({ message }) => message).join("; ")}`,
  );
}

async function askSentinel(
  address: ServerAddress,
  { master, username, password }: RedisSentinels,
  tls: RedisTls,
  signal: AbortSignal,
): Promise<Answer> {
  const name = `Sentinel ${addressText(address)}`;
  const redis = createRedis(address, tls);
  try {
    return await inTime(redis, name, SENTINEL_TIMEOUT_MS, signal, async () => {
      await redis.connect();
      const [, primary, details] = await Promise.all([
        password === undefined ? undefined : logIn(redis, { username, password }),
        redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master),
        // Its ERR says that there is no such name, as the absence of an address does.
        redis.call("SENTINEL", "MASTER", master).catch(ignoreUnknownName),
      ]);
      return readAnswer(name, master, primary, details);
    });
  } finally {
    await closeRedis(redis);
  }
}

function readAnswer(name: string, master: string, primary: unknown, details: unknown): Answer {
  if (!Array.isArray(primary)) {
    throw new DeliveryError(
      "output_unavailable",
      `${name} knows no master '${master}': see master of the connection`,
    );
  }
  const fields = Array.isArray(details) ? details.map(String) : [];
  const at = fields.findIndex((field, index) => index % 2 === 0 && field === "config-epoch");
  return {
    host: String(primary[0]),
    port: Number(primary[1]),
    epoch: at === -1 ? 0 : Number(fields[at + 1]),
  };
}

function ignoreUnknownName(error: unknown): undefined {
  if (replyCode(error) !== "ERR") throw error;
}
