import { z } from "zod";
import { DeliveryError } from "../../src/errors.ts";
import type { Delivery, DeliveryResult, OutputModule } from "../../src/modules/module.ts";

/** What the output sends for each event of a batch. */
export interface BatchItem {
  readonly id: string;
  readonly webhook: string;
  readonly body: string;
}

interface OrderedConfig {
  readonly url: string;
}

/**
 * An output whose events must arrive in order: sends each batch as one JSON document, and says which attempt
 * it is. A batch is taken or refused as a whole.
 */
export function orderedModule(name: string, maxBatch: number): OutputModule<OrderedConfig> {
  return {
    name,
    connectionTypes: [],
    configSchema: z.strictObject({ url: z.string() }),
    acceptance: "durable",
    reads: "text",
    concurrency: 8,
    maxBatch,
    ordered: () => true,
    open: () =>
      Promise.resolve({
        deliver: (batch, attempt) => send(batch, attempt.number, attempt.signal),
        probe: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

async function send(
  batch: readonly Delivery<OrderedConfig>[],
  attempt: number,
  signal: AbortSignal,
): Promise<readonly DeliveryResult[]> {
  const items = batch.map(({ event }): BatchItem => {
    return { id: event.id, webhook: event.webhook, body: event.body.text };
  });
  let status: number;
  try {
    const answer = await fetch(batch[0]!.config.url, {
      method: "POST",
      body: JSON.stringify(items),
      headers: { "attempt": String(attempt) },
      signal,
    });
    await answer.body?.cancel();
    status = answer.status;
  } catch (cause) {
    throw new DeliveryError("output_failed", undefined, { cause });
  }
  if (status !== 200) throw new DeliveryError("output_failed", `The receiver answered ${status}`);
  return batch.map(() => "delivered");
}
