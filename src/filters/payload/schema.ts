/**
 * `payload` of webhooks and of steps: what outputs get of an event.
 *
 * @module
 */

import { z } from "zod";
import { reportAt } from "../../schema/fields.ts";
import { MAX_POINTERS, refusePointer, refusePointers } from "./places.ts";

const pointer = z.string().superRefine((text, issues) => {
  const reason = refusePointer(text);
  if (reason !== undefined) issues.addIssue({ code: "custom", message: reason });
});

const pointers = z.array(pointer).min(1, {
  error: "Must name one place at least: remove the key to change nothing",
})
  .max(MAX_POINTERS).superRefine((texts, issues) => {
    if (texts.some((text) => refusePointer(text) !== undefined)) return;
    const reason = refusePointers(texts);
    if (reason !== undefined) issues.addIssue({ code: "custom", message: reason });
  });

const expression = z.string();

const fields = {
  keep: pointers.optional().meta({
    description:
      "JSON Pointers (RFC 6901) to what is handed on, and nothing else. `*` stands for every element or member.",
  }),
  drop: pointers.optional().meta({
    description: "Instead of `keep`: JSON Pointers to what is taken out, such as `/commits/*/author/email`.",
  }),
  mask: pointers.optional().meta({
    description: "JSON Pointers to values in whose place the text `***REDACTED***` stands.",
  }),
  build: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional().meta({
    description:
      'A new document: an object or list in which each text is an expression. `{"value": …}` is put in as it is.',
  }),
  wrap: z.enum(["cloudevents"]).optional().meta({
    description: "`cloudevents`: the document becomes the `data` of a CloudEvent 1.0 in JSON.",
  }),
  type: expression.optional().meta({
    description: "With `wrap`: an expression for the `type`. Default: the event's type, or `cwm.webhook`.",
    emptyIsValue: true,
  }),
  subject: expression.optional().meta({
    description: "With `wrap`: an expression for the `subject`. Default: none.",
    emptyIsValue: true,
  }),
  source: expression.optional().meta({
    description: "With `wrap`: an expression for the `source`. Default: `/webhook/{namespace}/{webhook}`.",
    emptyIsValue: true,
  }),
};

type PayloadFields = z.infer<z.ZodObject<typeof fields>>;

function check(config: PayloadFields, issues: z.RefinementCtx): void {
  if (config.keep !== undefined && config.drop !== undefined) {
    reportAt(issues, "drop", "Has no meaning beside 'keep': leave out one of them");
  }
  for (const key of ["type", "subject", "source"] as const) {
    if (config[key] !== undefined && config.wrap === undefined) {
      reportAt(issues, key, "Has no meaning without 'wrap'");
    }
  }
  const { keep, drop, mask, build, wrap } = config;
  if ([keep, drop, mask, build, wrap].every((key) => key === undefined)) {
    issues.addIssue({
      code: "custom",
      message: "Says nothing: name one of 'keep', 'drop', 'mask', 'build', 'wrap'",
    });
  }
}

/** `payload` of a step of a chain. */
export const stepPayloadSchema = z.strictObject(fields).superRefine(check);

/** `payload` of a webhook. */
export const payloadSchema = z.strictObject({
  ...fields,
  at: z.enum(["accept", "delivery"]).default("delivery").meta({
    description:
      "`delivery`: the journal keeps the event as it was sent. `accept`: it keeps what is left, and `when` reads that.",
  }),
}).superRefine(check);

/** `payload` as configured. */
export type PayloadConfig = z.output<typeof stepPayloadSchema>;
