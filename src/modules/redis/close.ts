import type { Redis } from "ioredis";

/**
 * Ends a client without asking the server, which might not answer. Every command under way is rejected.
 *
 * @returns resolves when its socket is closed
 */
export function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === "end") return Promise.resolve();
  const ended = new Promise<void>((resolve) => redis.once("end", resolve));
  redis.disconnect();
  // There is no socket before the first attempt to connect, whatever the type says.
  (redis.stream as typeof redis.stream | undefined)?.destroy();
  return ended;
}
