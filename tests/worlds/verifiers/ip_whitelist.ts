import type { SenderWorld } from "../../contracts/sender.ts";
import type { VerifierWorld } from "../../contracts/verifier.ts";

/** An address is no secret, and no request carries it: all that the list does is in its own tests. */
export const world: VerifierWorld = {
  examples: [],
  senders: [
    senderOf("behind a proxy of all webhooks", {}, { TRUSTED_PROXIES: "127.0.0.1" }),
    senderOf("behind a proxy of its own", { trusted_proxies: ["127.0.0.1"] }, {}),
  ],
};

const ALLOWED = "192.0.2.10";

/** A client whose address a proxy on this machine writes. */
function senderOf(
  variant: string,
  more: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>>,
): SenderWorld {
  return {
    variant,
    open: () =>
      Promise.resolve({
        webhook: { ip_whitelist: [ALLOWED], ...more },
        environment,
        sign: (request) => ({ ...request, headers: [...request.headers, ["X-Forwarded-For", ALLOWED]] }),
        meaning: (_, value) => lastAddress(value),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

/** The proxy writes the last entry; a port behind it, white space and what stands before it say nothing. */
function lastAddress(value: string): string {
  return value.slice(value.lastIndexOf(",") + 1).trim();
}
