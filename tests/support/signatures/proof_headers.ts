import { providers, schemesOf } from "../../../src/auth/providers/providers.ts";

/** The headers that a preset's proof stands in, and what is signed with it: those without which nothing is proven. */
export function proofHeaders(preset: string): readonly string[] {
  const provider = providers[preset]!;
  if ("coded" in provider) return provider.coded.headers;
  if ("keyed" in provider) return KEYED[preset] ?? [];
  return schemesOf(preset).flatMap(({ signature, timestamp, id, nonce, equals, keyName, content }) => [
    ...[signature.at].flat(),
    ...[timestamp?.at ?? []].flat(),
    ...[nonce ?? [], keyName ?? []].flat(),
    ...id !== undefined && [content].flat().join().includes("{id}") ? [id] : [],
    ...Object.keys(equals),
  ]);
}

/** Of providers that publish their keys. Where PayPal's certificate stands is not signed. */
const KEYED: Readonly<Record<string, readonly string[]>> = {
  ebay: ["X-EBAY-SIGNATURE"],
  paypal: ["PAYPAL-TRANSMISSION-SIG", "PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-TIME"],
};
