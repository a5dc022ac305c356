import { z } from "zod";
import type { DeliveryResult, OutputModule } from "../../src/modules/module.ts";

const DELIVERED: readonly DeliveryResult[] = ["delivered"];

/** An output that reads each event whole and keeps nothing of it. */
export const discardingModule: OutputModule = {
  name: "discarding",
  connectionTypes: [],
  configSchema: z.strictObject({}),
  acceptance: "delivered",
  reads: "text",
  open: () =>
    Promise.resolve({
      deliver: (batch) => {
        for (const { event } of batch) void [...event.headers, event.body.text];
        return batch.length === 1 ? DELIVERED : batch.map(() => "delivered" as const);
      },
      probe: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};
