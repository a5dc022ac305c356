/** Bursts of requests that are to take as much memory as they can, generated from a seed. */

import { SeededRandom } from "../faults/random.ts";
import { RawHttpConnection } from "../support/http/raw_http.ts";
import { generateHostileRequest, type HostileRequest } from "./hostile_request.ts";
import { httpWebhook, MIB, type Victim, type VictimOptions } from "./victim.ts";

/** How long an answer is waited for, in milliseconds: longer than the slow destination takes. */
const ANSWER_TIMEOUT_MS = 20_000;

/** What the gateway's memory is bounded by in these bursts. */
const MAX_INFLIGHT_BYTES = 64 * MIB;

/** Seconds after which an output gives the slow destination up. */
const SLOW_TIMEOUT = 3;

/** What is not delivered at once is a dead letter soon: events that wait are held for as long as they do. */
const GIVES_UP = { max_attempts: 1 };

/** One generated burst. */
export interface Burst {
  /** For messages: how many connections send which requests. */
  readonly name: string;
  readonly connections: number;
  /** Connections take them in turn. */
  readonly requests: readonly HostileRequest[];
}

/**
 * A gateway with a webhook for each way to read a body and to hold an event.
 *
 * @param slow where nobody answers
 * @param quick where every event is taken at once
 */
export function burstVictim(slow: string, quick: string): VictimOptions {
  const held = { accept: "delivered" };
  const config = { timeout: SLOW_TIMEOUT };
  return {
    webhooks: {
      log: { module: "log" },
      "log-blob": { module: "log", data_type: "blob" },
      "log-form": { module: "log", data_type: "form" },
      "log-field": { module: "log", data_type: "form", form_field: "payload" },
      held: httpWebhook(slow, held, config),
      "held-blob": httpWebhook(slow, { ...held, data_type: "blob" }, config),
      durable: httpWebhook(quick, { accept: "durable" }),
      "durable-blob": httpWebhook(quick, { accept: "durable", data_type: "blob" }),
      backlog: httpWebhook(slow, { accept: "durable", data_type: "blob", retry: GIVES_UP }, config),
      repeated: httpWebhook(quick, { accept: "durable", idempotency: { json_pointer: "/a/0/b" } }),
      relay: {
        module: "webhook_connect",
        "module-config": { channel: "burst", channel_token: "only-for-the-attacks" },
      },
      signed: { module: "log", hmac: { secret: "only for the attacks" } },
    },
    env: { MAX_INFLIGHT_BYTES: String(MAX_INFLIGHT_BYTES) },
  };
}

/** Generates the burst of a seed: a few requests, each sent many times. */
export async function generateBurst(seed: number, webhooks: readonly string[]): Promise<Burst> {
  const random = new SeededRandom(seed);
  const requests: HostileRequest[] = [];
  const kinds = random.pick([1, 1, 2, 4]);
  while (requests.length < kinds) {
    const leastBytes = random.pick([1, 64 * 1024, MIB, 9 * MIB]);
    requests.push(await generateHostileRequest(random, webhooks, leastBytes));
  }
  const connections = random.pick([1, 4, 8, 16, 64, 150]);
  const names = requests.map(({ name, webhook, parts }) => {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    return `${webhook}: ${name}, ${bytes} bytes`;
  });
  return { name: `${connections} connections, ${names.join(" | ")}`, connections, requests };
}

/** Sends a burst, and returns how often each status was answered; 0 stands for no answer. */
export async function send(victim: Victim, { connections, requests }: Burst): Promise<Map<number, number>> {
  const statuses = await Promise.all(
    Array.from(
      { length: connections },
      (_, index) => sendOne(victim.port, requests[index % requests.length]!),
    ),
  );
  return new Map(
    Array.from(Map.groupBy(statuses, (status) => status), ([status, all]) => [status, all.length]),
  );
}

async function sendOne(port: number, { head, parts, ending }: HostileRequest): Promise<number> {
  try {
    await using connection = await RawHttpConnection.open(port);
    const sent = ending === "leaves" ? parts.slice(0, parts.length / 2) : parts;
    const writing = (async () => {
      await connection.write(head);
      for (const part of ending === "stalls" ? sent.slice(0, -1) : sent) await connection.write(part);
    })();
    if (ending === "leaves") {
      await writing;
      return 0;
    }
    const reading = connection.readResponse({ method: "POST", timeoutMs: ANSWER_TIMEOUT_MS });
    const [{ status }] = await Promise.all([reading, writing.catch(() => {})]);
    return status;
  } catch {
    // Connections that are refused or cut off are what such senders get; the gateway's state tells the rest.
    return 0;
  }
}
