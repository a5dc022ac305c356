import { assertEquals } from "@std/assert";
import {
  isCredentialHeader,
  isForwardable,
  refuseConfiguredHeader,
} from "../../../src/event/header_policy.ts";

const CREDENTIALS = [
  "authorization",
  "x-jwt",
  "x-jwt-assertion",
  "x_jwt",
  "x-pass",
  "x-userpass",
  "x-passcode",
  "x-access-key",
  "x-accesskey",
  "x_access_key",
  "x-functions-key",
  "ocp-apim-subscription-key",
  "x-amzn-oidc-data",
  "dpop",
  "x-otp",
  "x-forwarded-client-cert",
  "x-forwarded-tls-client-cert",
  "x-ssl-client-verify",
  "ssl-client-verify",
  "ssl-client-cert",
  "client-cert",
  "x-arr-clientcert",
];

const TAKEN_FOR_OURS = [
  "cwm-event-id",
  "cwm_event_id",
  "cwm-event_id",
  "cwm.event.id",
  "cwm_anything",
  "content_length",
  "transfer_encoding",
  "content_type",
  "proxy",
  "host",
];

const HARMLESS = [
  "content-type",
  "idempotency-key",
  "x-event-key",
  "x-bypass-cache",
  "x-compass",
  "x-passenger",
  "x-shopify-topic",
  "x_custom",
  "x-client-version",
  "x-pinned",
  "cwmevent",
];

for (const name of CREDENTIALS) {
  Deno.test(`the header ${name} is a credential: it is not forwarded, and its value is not shown`, () => {
    assertEquals([isForwardable(name), isCredentialHeader(name)], [false, true]);
  });
}

for (const name of TAKEN_FOR_OURS) {
  Deno.test(`the header ${name} is not forwarded: receivers may take it for one of ours`, () => {
    assertEquals(isForwardable(name), false);
  });
}

for (const name of HARMLESS) {
  Deno.test(`the header ${name} is forwarded`, () => {
    assertEquals([isForwardable(name), isCredentialHeader(name)], [true, false]);
  });
}

Deno.test("a header that receivers may take for ours cannot be configured", () => {
  for (const name of ["CWM_Event_Id", "Cwm.Webhook", "Content_Length", "Proxy"]) {
    assertEquals(typeof refuseConfiguredHeader(name, "1"), "string", name);
  }
  assertEquals(refuseConfiguredHeader("X-Jwt", "1"), undefined);
});
