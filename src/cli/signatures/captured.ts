/**
 * Requests that were captured, and the verdict on them by the code that serves requests.
 *
 * @module
 */

import { z } from "zod";
import { ClientCertificates } from "../../auth/client_certificate/client_certificates.ts";
import { ClientAddressResolver } from "../../auth/client_address.ts";
import { PublicUrlResolver, requestTarget } from "../../auth/public_url.ts";
import { SenderMemory } from "../../auth/sender_memory.ts";
import { AuthServers } from "../../auth/servers/auth_servers.ts";
import type { SignatureConfig } from "../../auth/signature/settings.ts";
import { signatureVerifier } from "../../auth/signature/signature.ts";
import { isRefusal } from "../../auth/verifier.ts";

/** One request as a file holds it. */
export const capturedSchema = z.object({
  method: z.string().default("POST"),
  /** As the provider knows it. */
  url: z.url(),
  headers: z.record(z.string(), z.string()),
  bodyBase64: z.base64(),
});

export type CapturedRequest = z.output<typeof capturedSchema>;

/**
 * Why a request would be refused; `undefined` when it would be accepted.
 *
 * @param now the clock at which it is judged, in milliseconds since 1970
 */
export async function judgeCaptured(
  { method, url, headers, bodyBase64 }: CapturedRequest,
  config: SignatureConfig,
  now: number,
): Promise<string | undefined> {
  await using servers = new AuthServers();
  const clientAddresses = new ClientAddressResolver([]);
  const target = requestTarget(url);
  const verifier = signatureVerifier(config, () => now);
  const outcome = await verifier.verify({
    headers: new Headers(headers),
    method,
    url,
    peerAddress: "127.0.0.1",
    clientAddresses,
    publicUrls: new PublicUrlResolver(url.slice(0, url.length - target.length), clientAddresses),
    clientCertificates: new ClientCertificates(undefined, clientAddresses),
    memory: new SenderMemory(),
    servers,
  });
  const verdict = typeof outcome === "function" ? await outcome(Uint8Array.fromBase64(bodyBase64)) : outcome;
  verifier.release?.();
  return isRefusal(verdict) ? verdict.reason : undefined;
}
