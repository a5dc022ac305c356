import type { SenderWorld } from "../../contracts/sender.ts";
import type { VerifierWorld } from "../../contracts/verifier.ts";

/** There is no secret: what proxies say, and who is believed, is in its own tests. */
export const world: VerifierWorld = { examples: [], senders: [behindEnvoy()] };

/** A client whose subject an Envoy on this machine writes. */
function behindEnvoy(): SenderWorld {
  const element = 'Subject="CN=billing"';
  return {
    variant: "behind Envoy",
    open: () =>
      Promise.resolve({
        webhook: { client_certificate: { subject: "CN=billing" } },
        environment: { TRUSTED_PROXIES: "127.0.0.1", CLIENT_CERTIFICATE_HEADERS: "envoy" },
        sign: (request) => ({
          ...request,
          headers: [...request.headers, ["X-Forwarded-Client-Cert", element]],
        }),
        // Keys, and the types of attributes, are the same in any case.
        meaning: (_, value) => value.replace(/^Subject="CN=/i, 'Subject="CN='),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}
