import { assert, assertEquals, assertMatch } from "@std/assert";
import { SiteVerifyService } from "../support/auth/site_verify.ts";
import { TestGateway } from "../support/gateway.ts";

const SECRET = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe";
const ADMIN_TOKEN = "an-admin-token-of-the-test";

Deno.test("a browser's form gets in with its token, also when it is sent again, and no other does", async () => {
  await using service = new SiteVerifyService(SECRET);
  const recaptcha = {
    secret_key: "{$RECAPTCHA_SECRET}",
    verify_url: service.url,
    allowed_hosts: ["127.0.0.1"],
    token_source: "body",
    token_field: "g-recaptcha-response",
  };
  await using gateway = await TestGateway.start({
    webhooks: { contact: { module: "log", data_type: "form", recaptcha } },
    environment: { ADMIN_TOKEN, RECAPTCHA_SECRET: SECRET },
  });
  const post = async (fields: Record<string, string>) => {
    const { status, headers, text } = await gateway.post("/webhook/contact", new URLSearchParams(fields));
    return [status, headers.get("retry-after"), JSON.parse(text).error?.code];
  };
  const sent = { name: "Łódź", "g-recaptcha-response": service.issue() };
  service.failure = { status: 503, text: "" };
  assertEquals(await post(sent), [503, "5", "authentication_unavailable"]);
  service.failure = undefined;
  assertEquals(await post(sent), [200, null, undefined]);
  assertEquals(await post(sent), [200, null, undefined]);
  assertEquals(await post({ ...sent, name: "other" }), [401, null, "unauthorized"]);
  assertEquals(await post({ name: "none" }), [401, null, "unauthorized"]);
  const page = await gateway.request("/admin/webhooks/default/contact", {
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const reasons = JSON.parse(page.text).refusals.map(({ reason }: { readonly reason: string }) => reason);
  assertMatch(reasons[0], /^The body holds no token/);
  assertEquals(reasons[1], "The token was there before, with another request");
  assertMatch(reasons[2], /^The service answers 503/);
});

Deno.test("a used token is refused with another request also when the webhook was changed in between", async () => {
  await using service = new SiteVerifyService(SECRET);
  const recaptcha = { secret_key: SECRET, verify_url: service.url, allowed_hosts: ["127.0.0.1"] };
  await using gateway = await TestGateway.start({ webhooks: { contact: { module: "log", recaptcha } } });
  const headers = { "X-Recaptcha-Token": service.issue() };
  const send = async (body: string) => (await gateway.post("/webhook/contact", body, headers)).status;
  assertEquals(await send('{"n":1}'), 200);
  await gateway.writeWebhooks({ contact: { module: "log", recaptcha: { ...recaptcha, min_score: 0.1 } } });
  await gateway.reload();
  assertEquals([await send('{"n":1}'), await send('{"n":2}')], [200, 401]);
});

Deno.test("a stranger with very many tokens does not keep others from having theirs judged", async () => {
  await using service = new SiteVerifyService(SECRET);
  const recaptcha = { secret_key: SECRET, verify_url: service.url, allowed_hosts: ["127.0.0.1"] };
  await using gateway = await TestGateway.start({
    webhooks: { contact: { module: "log", recaptcha } },
    environment: { TRUSTED_PROXIES: "127.0.0.1" },
  });
  const send = async (address: string, token: string) => {
    const headers = { "X-Forwarded-For": address, "X-Recaptcha-Token": token };
    return (await gateway.post("/webhook/contact", "{}", headers)).status;
  };
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  service.gate = held;
  const ofStranger = Array.from({ length: 400 }, (_, index) => send("192.0.2.66", `made-up-${index}`));
  // All places and the queue are taken once requests are refused.
  assertEquals(await Promise.race(ofStranger), 503);
  const ofShop = Array.from({ length: 5 }, () => send("198.51.100.1", service.issue()));
  letGo();
  assertEquals(await Promise.all(ofShop), Array(5).fill(200));
  for (const status of await Promise.all(ofStranger)) assert(status === 401 || status === 503, `${status}`);
});
