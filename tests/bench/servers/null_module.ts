import { z } from "zod";
import type { OutputModule } from "../../../src/modules/module.ts";

const DELIVERED = ["delivered"] as const;

/** An output that does nothing. */
export const nullModule: OutputModule = {
  name: "null",
  connectionTypes: [],
  configSchema: z.strictObject({}),
  acceptance: "delivered",
  reads: "text",
  open: () =>
    Promise.resolve({
      deliver: () => DELIVERED,
      probe: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

/** The same behind the journal, in batches as outputs of the journal have them. */
export const durableNullModule: OutputModule = {
  ...nullModule,
  name: "null_durable",
  acceptance: "durable",
  maxBatch: 256,
  open: () =>
    Promise.resolve({
      deliver: (batch) => batch.map(() => DELIVERED[0]),
      probe: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};
