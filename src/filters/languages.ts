/**
 * The languages of webhooks' expressions, which are loaded with the first webhook that has any: most gateways have
 * none.
 *
 * @module
 */

import { ExpressionLanguage } from "../expressions/expressions.ts";
import { DECLARATIONS, WITHOUT_BODY } from "./variables.ts";

/** The languages of webhooks: with a body that is JSON, and with one of any bytes. */
export interface WebhookLanguages {
  readonly json: ExpressionLanguage;
  readonly blob: ExpressionLanguage;
}

let loaded: WebhookLanguages | undefined;

/** What {@linkcode loadLanguages} has loaded; `undefined` before. */
export function loadedLanguages(): WebhookLanguages | undefined {
  return loaded;
}

/** Loads them. They are the same for all gateways of a process, and equal expressions are one. */
export async function loadLanguages(): Promise<WebhookLanguages> {
  const [json, blob] = await Promise.all([
    ExpressionLanguage.load(DECLARATIONS),
    ExpressionLanguage.load(WITHOUT_BODY),
  ]);
  return loaded ??= { json, blob };
}

/** Whether a webhook has expressions, so that the languages have to be there before it is compiled. @param webhook as parsed */
export function mayHaveExpressions(webhook: unknown): boolean {
  if (!isObject(webhook)) return false;
  if ("filter" in webhook || "payload" in webhook) return true;
  const { chain } = webhook as { readonly chain?: unknown };
  return Array.isArray(chain) &&
    chain.some((step) => isObject(step) && ("when" in step || "payload" in step));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
