/**
 * All presets by their names.
 *
 * @module
 */

import { type Scheme, schemeSchema } from "../signature/scheme.ts";
import { bodySigned } from "./body_signed.ts";
import { documented } from "./documented.ts";
import { keyedProviders } from "./keyed_providers.ts";
import type { Providers } from "./provider.ts";
import { codedProviders } from "./coded_providers.ts";
import { standardWebhooks } from "./standard_webhooks.ts";
import { timeSigned } from "./time_signed.ts";

/** Every provider that a configuration can name. */
export const providers: Providers = {
  ...bodySigned,
  ...timeSigned,
  ...standardWebhooks,
  ...codedProviders,
  ...keyedProviders,
  ...documented,
};

const schemes = new Map<string, readonly Scheme[]>();

/** The schemes of a preset, with their defaults: one object for all webhooks that name it. Empty where it is coded. */
export function schemesOf(name: string): readonly Scheme[] {
  let known = schemes.get(name);
  if (known === undefined) {
    const provider = providers[name];
    const sources = provider !== undefined && "scheme" in provider ? [provider.scheme].flat() : [];
    known = sources.map((source) => schemeSchema.parse(source));
    schemes.set(name, known);
  }
  return known;
}
