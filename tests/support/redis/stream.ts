import type { RedisServer } from "./server.ts";

/** The entries of a stream in order: the values of their fields as bytes. */
export async function streamEntries(
  redis: RedisServer,
  stream: string,
): Promise<readonly ReadonlyMap<string, Uint8Array>[]> {
  const entries = await redis.callForBytes("XRANGE", stream, "-", "+") as [Uint8Array, Uint8Array[]][];
  const decoder = new TextDecoder();
  return entries.map(([, fields]) => {
    const entry = new Map<string, Uint8Array>();
    for (let index = 0; index < fields.length; index += 2) {
      entry.set(decoder.decode(fields[index]), fields[index + 1]!);
    }
    return entry;
  });
}

/** The values of one field of a stream's entries, in order, as texts. */
export async function streamTexts(redis: RedisServer, stream: string, field: string): Promise<string[]> {
  const decoder = new TextDecoder();
  return (await streamEntries(redis, stream)).map((entry) => decoder.decode(entry.get(field)));
}
