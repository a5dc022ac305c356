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
