/**
 * Any body to webhooks of every type: read, decoded, judged, and looked into.
 *
 * @module
 */

import { SocketlessGateway } from "../../support/socketless_gateway.ts";
import { anyBody } from "../bodies.ts";
import { discardingModule } from "../discarding_module.ts";
import { FuzzRequest, headersOf } from "../requests.ts";
import type { FuzzSubject } from "../subject.ts";

const base = { module: "discarding" };

const WEBHOOKS = {
  json: base,
  blob: { ...base, data_type: "blob" },
  form: { ...base, data_type: "form" },
  field: { ...base, data_type: "form", form_field: "payload" },
  empty: { ...base, empty_body: "accept" },
  small: { ...base, max_body_bytes: 100 },
  once: { ...base, idempotency: { json_pointer: "/id" } },
  signed: { ...base, hmac: { secret: "of-the-fuzzing" } },
};

/** Everything that reads bodies. */
export const bodySubject: FuzzSubject = {
  name: "body",
  share: 3,
  open: async () => {
    const gateway = await SocketlessGateway.start({ webhooks: WEBHOOKS, modules: [discardingModule] });
    const names = Object.keys(WEBHOOKS);
    return {
      next: (random) => {
        const { bytes, headers } = anyBody(random);
        const webhook = random.pick(names);
        return new FuzzRequest(gateway, {
          method: "POST",
          url: `http://localhost/webhook/${webhook}`,
          headers: headersOf([...headers, ["x-hmac-signature", "0".repeat(64)]]),
          body: bytes,
        }, ({ outcome }) => {
          if (webhook === "signed" && outcome === "accepted") throw new Error("Let in without a signature");
        });
      },
      [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
    };
  },
};
