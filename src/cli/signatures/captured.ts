/**
 * Requests that were captured, and the verdict on them by the code that serves requests.
 *
 * @module
 */

import { z } from "zod";
import { compileAuthenticator, RefusalError } from "../../auth/authenticator.ts";
import { ClientCertificates } from "../../auth/client_certificate/client_certificates.ts";
import { ClientAddressResolver } from "../../auth/client_address.ts";
import { PublicUrlResolver, requestTarget } from "../../auth/public_url.ts";
import { SenderMemory } from "../../auth/sender_memory.ts";
import { AuthServers } from "../../auth/servers/auth_servers.ts";
import type { SignatureConfig } from "../../auth/signature/settings.ts";
import { signatureVerifier } from "../../auth/signature/signature.ts";
import { GatewayError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import type { RepeatKey } from "../../event/repeat_key.ts";

/** Values of one name arrive joined, as in a request. */
const headersSchema = z.record(z.string(), z.union([z.string(), z.array(z.string())])).transform((given) =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [value].flat().join(", ")]))
).refine(isSendable, { error: "Must be headers that a request can have" });

/** One request as a file holds it. */
export const capturedSchema = z.object({
  method: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "Must be a method of HTTP").default("POST"),
  /** As the provider knows it. */
  url: z.url({ protocol: /^https?$/ }),
  headers: headersSchema,
  bodyBase64: z.base64().default(""),
});

export type CapturedRequest = z.output<typeof capturedSchema>;

function isSendable(headers: Readonly<Record<string, string>>): boolean {
  try {
    new Headers(headers);
    return true;
  } catch {
    // A name or a value that no request can have.
    return false;
  }
}

/** No secret is brought to a file. */
const NO_HANDSHAKES = {
  isOpen: () => false,
  secretOf: () => undefined,
  take: () => Promise.resolve(false),
};

/**
 * Why a request would be refused; `undefined` when it would be accepted.
 *
 * @param now the clock at which it is judged, in milliseconds since 1970
 */
export async function judgeCaptured(
  request: CapturedRequest,
  config: SignatureConfig,
  now: number,
): Promise<string | undefined> {
  return (await verdictOn(request, config, now)).refusal;
}

/** What is found of a request. */
export interface CapturedVerdict {
  readonly refusal?: string;
  /** By what a repeat of it is recognised. */
  readonly repeatKey?: RepeatKey | undefined;
}

/** The whole verdict on a request. @param now the clock at which it is judged, in milliseconds since 1970 */
export async function verdictOn(
  { method, url, headers, bodyBase64 }: CapturedRequest,
  config: SignatureConfig,
  now: number,
): Promise<CapturedVerdict> {
  await using servers = new AuthServers();
  const clientAddresses = new ClientAddressResolver([]);
  const target = requestTarget(url);
  const authenticator = compileAuthenticator([signatureVerifier(config, () => now)]);
  const request = {
    headers: new Headers(headers),
    method,
    url,
    peerAddress: "127.0.0.1",
    clientAddresses,
    publicUrls: new PublicUrlResolver(url.slice(0, url.length - target.length), clientAddresses),
    clientCertificates: new ClientCertificates(undefined, clientAddresses),
    memory: new SenderMemory(),
    servers,
    webhook: "default/captured",
    handshakes: NO_HANDSHAKES,
  };
  authenticator.hold();
  try {
    const body = EventBody.fromBytes(Uint8Array.fromBase64(bodyBase64));
    const { repeatKey } = await authenticator.verify(await authenticator.admit(request), request, body);
    return { repeatKey: typeof repeatKey === "function" ? repeatKey(body) : repeatKey };
  } catch (error) {
    if (error instanceof GatewayError && error.cause instanceof RefusalError) {
      return { refusal: error.cause.message };
    }
    throw error;
  } finally {
    authenticator.letGo();
  }
}
