import { assertEquals } from "@std/assert";
import { findingsOf } from "../../support/findings.ts";

const UNDERSCORE = "Some proxies drop headers whose names have more than letters, digits and '-': " +
  "nginx without 'underscores_in_headers on', Caddy without 'expected_underscore_headers'";
const DOT = "Some proxies drop headers whose names have more than letters, digits and '-': " +
  "nginx without 'ignore_invalid_headers off', Caddy always";

const outgoing = { url: "https://example.com", headers: { X_Shop: "a", "X-Shop": "b" } };
const forwarded = { forward_headers: true, allowed_headers: ["X-Plain", "X.Dotted", "x_low"] };

Deno.test("header names that proxies drop are warned of wherever a webhook or its outputs name one", async () => {
  const { warnings, problems } = await findingsOf({
    webhooks: {
      hmac: { module: "log", hmac: { secret: "s", header: "X_Signature" } },
      key: { module: "log", header_auth: { api_key: "k", header_name: "X.Key" } },
      captcha: { module: "log", recaptcha: { secret_key: "s", token_field: "X_Token" } },
      once: { module: "log", idempotency: { header: "X_Event" } },
      parts: { module: "log", idempotency: { of: [{ json_pointer: "/id" }, { header: "X.Shop" }] } },
      pages: { module: "log", cors: { origins: ["https://shop.example"], headers: ["X-Ok", "X_Page"] } },
      out: { module: "http_webhook", "module-config": { ...outgoing, ...forwarded } },
      beside: { module: "http_webhook", ...outgoing },
      records: {
        module: "kafka",
        connection: "broker",
        "module-config": { topic: "t", key: { header: "X_Order" } },
      },
      steps: {
        chain: ["log", {
          module: "http_webhook",
          "module-config": { url: "https://example.com", ...forwarded },
        }],
      },
      plain: {
        module: "http_webhook",
        "module-config": { url: "https://example.com", headers: { "X-Shop": "a" } },
        hmac: { secret: "s", header: "X-Signature" },
        idempotency: { header: "X-Event-2" },
      },
    },
    connections: { broker: { type: "kafka", bootstrap_servers: "127.0.0.1:1" } },
  });
  assertEquals(problems, {});
  const of = (id: string) => (warnings[`webhook default/${id}`] ?? []).toSorted();
  assertEquals(of("hmac"), [`hmac.header: ${UNDERSCORE} (auth_notice)`]);
  assertEquals(of("key"), [`header_auth.header_name: ${DOT} (auth_notice)`]);
  assertEquals(of("captcha"), [`recaptcha.token_field: ${UNDERSCORE} (auth_notice)`]);
  assertEquals(of("once"), [`idempotency.header: ${UNDERSCORE} (header_name)`]);
  assertEquals(of("parts"), [`idempotency.of.1.header: ${DOT} (header_name)`]);
  assertEquals(of("pages"), [`cors.headers.1: ${UNDERSCORE} (header_name)`]);
  const allowed = [
    `module-config.allowed_headers.1: ${DOT} (header_name)`,
    `module-config.allowed_headers.2: ${UNDERSCORE} (header_name)`,
  ];
  const added = `module-config.headers: ${UNDERSCORE} (header_name)`;
  assertEquals(of("out"), [...allowed, added]);
  assertEquals(of("beside"), [added]);
  assertEquals(of("records"), [`module-config.key.header: ${UNDERSCORE} (header_name)`]);
  assertEquals(of("steps"), allowed.map((warning) => `chain.1.${warning}`));
  assertEquals(of("plain"), []);
});
