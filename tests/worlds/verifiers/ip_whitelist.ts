import { parseAddress } from "../../../src/io/address.ts";
import type { SenderWorld } from "../../contracts/sender.ts";
import type { VerifierWorld } from "../../contracts/verifier.ts";

const ALLOWED = "192.0.2.10";
const PROXY = "127.0.0.1";

/** An address is no secret, and no request carries it: all that the list does is in its own tests. */
export const world: VerifierWorld = {
  examples: [],
  senders: [
    senderOf("behind a proxy of all webhooks", {}, { TRUSTED_PROXIES: PROXY }),
    senderOf("behind a proxy of its own", { trusted_proxies: [PROXY] }, {}),
  ],
};

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
        meaning: (_, value) => clientIn(value),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

/** The entry of the proxy that is trusted. What stands before it says nothing, nor do a port and the way it is spelt. */
function clientIn(value: string): string {
  const client = value.split(",").findLast((entry) => addressIn(entry) !== PROXY);
  return client === undefined ? PROXY : addressIn(client);
}

function addressIn(entry: string): string {
  const hop = entry.trim().replace(/^([\d.]+):\d{1,5}$/, "$1").replace(/^\[(.*:.*)\](?::\d{1,5})?$/, "$1");
  return parseAddress(hop)?.toString() ?? hop;
}
