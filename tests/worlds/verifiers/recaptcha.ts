import type { SenderWorld } from "../../contracts/sender.ts";
import type { VerifierWorld } from "../../contracts/verifier.ts";
import { SiteVerifyService } from "../../support/auth/site_verify.ts";

/** A service has to be asked, and tokens are good once: all that the kind does is in its own tests. */
export const world: VerifierWorld = { examples: [], senders: [senderOf()] };

function senderOf(): SenderWorld {
  return {
    variant: "",
    open: () => {
      const secret = "Correct-Horse-Battery-Staple-1";
      const service = new SiteVerifyService(secret);
      return Promise.resolve({
        webhook: {
          recaptcha: { secret_key: secret, verify_url: service.url, allowed_hosts: ["127.0.0.1"] },
        },
        sign: (request) => ({
          ...request,
          headers: [...request.headers, ["X-Recaptcha-Token", service.issue()]],
        }),
        [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
      });
    },
  };
}
