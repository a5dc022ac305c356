import { assert, assertEquals } from "@std/assert";
import { withoutSecrets } from "../../../../src/cli/print/without_secrets.ts";

Deno.test("what logs in, signs and opens proxies is not printed, and what it stands beside is", () => {
  const printed = withoutSecrets({
    url: "https://orders.example/",
    ca: "/run/tls/ca.crt",
    proxy: "http://gateway:hunter2@proxy.example:3128",
    sign: { secret: ["whsec_hunter2", "{$SECRET}"] },
    auth: {
      bearer: "hunter2",
      basic: { username: "gateway", password: "hunter2" },
      oauth2: { token_url: "https://login.example/token", client_id: "gateway", client_secret: "hunter2" },
      client_certificate: { cert: "/run/tls/tls.crt", key: "-----BEGIN PRIVATE KEY-----\nhunter2" },
    },
  });
  assert(!JSON.stringify(printed).includes("hunter2"));
  const { ca, sign, auth } = printed as {
    ca: string;
    sign: { secret: string[] };
    auth: Record<string, object>;
  };
  assertEquals([ca, sign.secret[1]], ["/run/tls/ca.crt", "{$SECRET}"]);
  assertEquals((auth["oauth2"] as { token_url: string }).token_url, "https://login.example/token");
});

Deno.test("references are printed as they are written, and never what would stand in for them", () => {
  const printed = withoutSecrets({
    url: "{$URL:https://orders.example/in?token=hunter2}",
    topic: "{$env:TOPIC:hunter2} and {$TOPIC}",
    headers: { "X-Shop": "{$file:shop:hunter2}", "X-Api-Key": "{$KEY:hunter2}" },
  });
  assertEquals(printed, {
    url: "{$URL:[REDACTED]}",
    topic: "{$env:TOPIC:[REDACTED]} and {$TOPIC}",
    headers: { "X-Shop": "{$file:shop:[REDACTED]}", "X-Api-Key": "{$KEY:[REDACTED]}" },
  });
});
