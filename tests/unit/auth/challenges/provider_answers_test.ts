import { assertEquals } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import { dialogues } from "../../../../src/auth/challenges/dialogues.ts";
import { providers } from "../../../../src/auth/providers/providers.ts";
import { assertRefused, ChallengedGateway } from "../../../support/signatures/challenged_gateway.ts";

const ADYEN_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

/** An item that Adyen publishes, with its signature. */
function adyenItem(hmacSignature = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="): string {
  const item = {
    pspReference: "7914073381342284",
    merchantAccountCode: "TestMerchant",
    merchantReference: "TestPayment-1407325143704",
    amount: { value: 1130, currency: "EUR" },
    eventCode: "AUTHORISATION",
    success: "true",
    additionalData: { hmacSignature },
  };
  return JSON.stringify({ notificationItems: [{ NotificationRequestItem: item }] });
}

Deno.test("everything that is said of a provider is said of one that there is", () => {
  const unknown = Object.keys(dialogues).filter((name) => !Object.hasOwn(providers, name));
  assertEquals(unknown, []);
});

Deno.test("the answer to an event is the one that its provider wants, unless the webhook says another", async () => {
  const signature = { provider: "adyen", secret: ADYEN_KEY };
  await using provider = await ChallengedGateway.start({
    adyen: { signature },
    own: { signature, response: { status: 202, body: "taken" } },
    plain: { signature: { provider: "github", secret: "s" } },
    sign: { signature: { provider: "dropbox-sign", secret: "api-key" }, data_type: "blob" },
    twilio: {
      signature: { provider: "twilio", secret: "12345", public_url: "https://a.example/t" },
      data_type: "blob",
    },
    idempotent: {
      signature,
      idempotency: { json_pointer: "/notificationItems/0/NotificationRequestItem/pspReference" },
    },
  });
  for (const webhook of ["adyen", "idempotent", "idempotent"]) {
    const answer = await provider.post(webhook, adyenItem());
    assertEquals([answer.status, answer.text], [200, "[accepted]"]);
    assertEquals(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  }
  const own = await provider.post("own", adyenItem());
  assertEquals([own.status, own.text], [202, "taken"]);
  assertRefused(await provider.post("adyen", adyenItem("AAAA")), 401, "unauthorized");

  const form = new FormData();
  const event_hash = createHmac("sha256", "api-key").update("1348177752signature_request_sent").digest("hex");
  form.set(
    "json",
    JSON.stringify({ event: { event_time: "1348177752", event_type: "signature_request_sent", event_hash } }),
  );
  const sign = await provider.post("sign", form);
  assertEquals([sign.status, sign.text], [200, "Hello API Event Received"]);

  const body = "a=1";
  const twilio = createHmac("sha1", "12345").update("https://a.example/ta1").digest("base64");
  const headers = { "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": twilio };
  const answer = await provider.post("twilio", body, headers);
  assertEquals([answer.status, answer.text, answer.headers.get("content-type")], [
    200,
    "<Response/>",
    "text/xml; charset=utf-8",
  ]);
});

Deno.test("a refusal has the status that its provider wants, and is counted as every other", async () => {
  const key =
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqC0PPh8HUqv1ZnAJOxo4LwlAwCjubWpKyNqnqbQBjPPvakz6hoCLDqoysI3ETVf5t3ok/H8HAC8DY/C5bEjMVQ==\n-----END PUBLIC KEY-----";
  await using provider = await ChallengedGateway.start({
    ebay: { signature: { provider: "ebay", public_keys: { k: key } } },
    figma: { signature: { provider: "figma", secret: "passcode-1" } },
    github: { signature: { provider: "github", secret: "s" } },
  });
  const signature = btoa(JSON.stringify({ alg: "ecdsa", kid: "k", signature: "MEUCIQ==", digest: "SHA1" }));
  for (const headers of [{}, { "x-ebay-signature": signature }]) {
    assertRefused(await provider.post("ebay", "{}", headers), 412, "unauthorized");
  }
  assertRefused(await provider.post("figma", '{"passcode":"passcode-2"}'), 400, "unauthorized");
  assertRefused(await provider.post("github", "{}"), 401, "unauthorized");
  assertEquals(await provider.count("ebay", "unauthorized"), 2);
  const { text } = await provider.admin("GET", "/admin/webhooks/default/ebay");
  const { refusals } = JSON.parse(text) as { refusals: { code: string }[] };
  assertEquals(refusals.map(({ code }) => code), ["unauthorized", "unauthorized"]);
});

Deno.test("an answer without the gateway's text repeats no challenge of another provider", async () => {
  await using provider = await ChallengedGateway.start({
    plain: {},
    hmac: { hmac: { secret: "s" } },
  });
  const body = JSON.stringify({ type: "url_verification", challenge: createHash("md5").digest("hex") });
  assertEquals((await provider.post("plain?validationToken=abc", body)).status, 200);
  assertRefused(await provider.post("hmac?validationToken=abc", body), 401, "unauthorized");
  assertRefused(await provider.get("plain?challenge=abc"), 405, "method_not_allowed");
  assertEquals(provider.probe.events.length, 1);
});
