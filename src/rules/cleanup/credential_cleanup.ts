/**
 * `credential_cleanup` of a webhook: credentials are taken out of what is handed on. What is verified, and what the
 * id of an event is made of, is what was sent.
 *
 * @module
 */

import { z } from "zod";
import { EventBody } from "../../event/event.ts";
import type { JsonPointer } from "../../json/pointer.ts";
import { booleanField } from "../../schema/fields.ts";
import { cleanedJson, type Cleaning } from "./json_cleaner.ts";
import { isCredentialName } from "./names.ts";

/** What the Python service writes in the place of a credential. */
const MASK = "***REDACTED***";

/** `credential_cleanup` of a webhook. */
export const cleanupSchema = z.strictObject({
  enabled: booleanField().default(true).meta({
    description: "`false`: everything is handed on as it was sent.",
  }),
  mode: z.enum(["mask", "remove"]).default("mask").meta({
    description:
      `\`mask\`: the text \`${MASK}\` stands in the place of the value. \`remove\`: name and value go.`,
  }),
  fields: z.array(z.string().min(1).max(200)).max(100).default([]).meta({
    description: "Further names, whole and in any case.",
  }),
});

type CleanupConfig = z.output<typeof cleanupSchema>;

/** Where the id of an event stands: a header, or a place in the document. */
interface IdPart {
  readonly header?: string | undefined;
  readonly json_pointer?: JsonPointer | undefined;
}

/** Takes credentials out of the events of one webhook. */
export class CredentialCleanup implements Cleaning {
  /** JSON that stands in the place of a value; `undefined` where members go whole. */
  readonly mask: string | undefined;
  readonly #removes: boolean;
  readonly #fields: ReadonlySet<string>;
  /** Names that events are known again by: without them every event would be the same one. */
  readonly #kept: ReadonlySet<string>;

  constructor({ mode, fields }: Pick<CleanupConfig, "mode" | "fields">, kept: readonly string[]) {
    this.#removes = mode === "remove";
    this.mask = this.#removes ? undefined : JSON.stringify(MASK);
    this.#fields = new Set(fields.map((field) => field.toLowerCase()));
    this.#kept = new Set(kept.map((name) => name.toLowerCase()));
  }

  /** Whether values of this name are taken out. */
  isLookedFor(name: string): boolean {
    if (isCredentialName(name)) return !this.#kept.has(name.toLowerCase());
    return this.#fields.size > 0 && this.#fields.has(name.toLowerCase()) &&
      !this.#kept.has(name.toLowerCase());
  }

  /** The headers without credentials; the same ones where there are none. */
  cleanedHeaders(headers: Headers): Headers {
    let cleaned: Headers | undefined;
    headers.forEach((_value, name) => {
      if (!this.isLookedFor(name)) return;
      cleaned ??= new Headers(headers);
      if (this.#removes) cleaned.delete(name);
      else cleaned.set(name, MASK);
    });
    return cleaned ?? headers;
  }

  /** The document without credentials; the same one where there are none. It may be interrupted wherever it yields. */
  *cleanedBody(body: EventBody): Generator<void, EventBody, void> {
    const text = yield* body.textInPieces();
    const cleaned = yield* cleanedJson(text, this);
    return cleaned === text ? body : EventBody.fromText(cleaned);
  }
}

/** Compiles `credential_cleanup`; `undefined` where it is switched off. */
export function compileCleanup(
  config: CleanupConfig,
  idempotency: (IdPart & { readonly of?: readonly IdPart[] | undefined }) | undefined,
): CredentialCleanup | undefined {
  if (!config.enabled) return undefined;
  const parts = idempotency === undefined ? [] : [idempotency, ...idempotency.of ?? []];
  return new CredentialCleanup(config, parts.flatMap(namesOf));
}

function namesOf({ header, json_pointer: pointer }: IdPart): readonly string[] {
  return [...header === undefined ? [] : [header], ...pointer?.keys ?? []];
}
