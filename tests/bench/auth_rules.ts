import type { ruleFields } from "../../src/rules/rules.ts";

/** How a rule is measured. */
interface RuleCase {
  /** A value of its key that every request of the load keeps. */
  readonly value: unknown;
  /** A body that keeps it. @default that of the benchmark */
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** An order with twenty properties. */
const ORDER: Readonly<Record<string, string | number | boolean>> = {
  id: "ord_1029384756",
  number: 10_293,
  state: "paid",
  currency: "EUR",
  amount: 129.95,
  tax: 20.75,
  discount: 0,
  items: 3,
  express: true,
  gift: false,
  customer: "cus_5647382910",
  email: "somebody@shop.example",
  phone: "+49 30 1234567",
  street: "Long Street 17",
  city: "Berlin",
  zip: "10115",
  country: "DE",
  created_at: "2026-11-30T10:15:30Z",
  updated_at: "2026-11-30T10:16:00Z",
  note: "Leave it with the neighbours",
};

/** A case for each rule; it does not compile without one. */
export const RULES: Readonly<Record<keyof typeof ruleFields, RuleCase> & Record<string, RuleCase>> = {
  rate_limit: { value: { max_requests: 1_000_000, window_seconds: 0.1 } },
  json_schema: {
    value: {
      type: "object",
      required: Object.keys(ORDER),
      additionalProperties: false,
      properties: Object.fromEntries(Object.entries(ORDER).map(([name, value]) => [name, propertyOf(value)])),
    },
    body: new TextEncoder().encode(JSON.stringify(ORDER)),
  },
  cors: { value: { origins: ["https://shop.example"] } },
  credential_cleanup: {
    value: {},
    body: new TextEncoder().encode(JSON.stringify({ ...ORDER, api_key: "k", customer: { token: "t" } })),
  },
};

function propertyOf(value: string | number | boolean): unknown {
  if (typeof value === "string") return { type: "string", minLength: 1, maxLength: 100 };
  return typeof value === "number" ? { type: "number", minimum: 0 } : { type: "boolean" };
}
