import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { providers } from "../../../../src/auth/providers/providers.ts";
import { signatureSchema } from "../../../../src/auth/signature/settings.ts";
import { TestGateway } from "../../../support/gateway.ts";
import { accepts, type SignatureCase } from "../../../support/signatures/cases.ts";

/** Examples that providers publish. */
const PUBLISHED: readonly Omit<SignatureCase, "valid" | "why">[] = [
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  {
    preset: "github",
    config: { secret: "It's a Secret to Everybody" },
    now: 0,
    request: captured("https://hooks.example.com/in", "Hello, World!", {
      "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    }),
  },
  // https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries
  {
    preset: "standard",
    config: { secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
    now: 1_614_265_330,
    request: captured("https://hooks.example.com/in", '{"test": 2432232314}', {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }),
  },
  // https://docs.slack.dev/authentication/verifying-requests-from-slack
  {
    preset: "slack",
    config: { secret: "8f742231b10e8888abcd99yyyzzz85a5" },
    now: 1_531_420_618,
    request: captured(
      "https://hooks.example.com/in",
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&" +
        "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&" +
        "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F" +
        "96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
      {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
      },
    ),
  },
  // https://developer.squareup.com/docs/webhooks/step3validate
  {
    preset: "square",
    config: { secret: "asdf1234" },
    now: 0,
    request: captured("https://example.com/webhook", '{"hello":"world"}', {
      "X-Square-HmacSha256-Signature": "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=",
    }),
  },
  // https://circleci.com/docs/outbound-webhooks
  {
    preset: "circleci",
    config: { secret: "hunter123" },
    now: 0,
    request: captured("https://hooks.example.com/in", "an-important-request-payload", {
      "circleci-signature": "v1=9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa",
    }),
  },
  // https://www.twilio.com/docs/usage/security
  {
    preset: "twilio",
    config: { secret: "12345" },
    now: 0,
    request: captured(
      "https://mycompany.com/myapp.php?foo=1&bar=2",
      "CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%2B18005551212",
      { "X-Twilio-Signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ=" },
    ),
  },
  // https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures
  {
    preset: "adyen",
    config: { secret: "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056" },
    now: 0,
    request: captured(
      "https://hooks.example.com/in",
      JSON.stringify({
        notificationItems: [{
          NotificationRequestItem: {
            pspReference: "7914073381342284",
            merchantAccountCode: "TestMerchant",
            merchantReference: "TestPayment-1407325143704",
            amount: { value: 1130, currency: "EUR" },
            eventCode: "AUTHORISATION",
            success: "true",
            additionalData: { hmacSignature: "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=" },
          },
        }],
      }),
      {},
    ),
  },
];

function captured(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): SignatureCase["request"] {
  return { method: "POST", url, headers, bodyBase64: btoa(body) };
}

for (const each of PUBLISHED) {
  Deno.test(`signature verifies the example that ${providers[each.preset]!.title} publishes`, async () => {
    assert(await accepts({ ...each, valid: true, why: "" }, each.request, each.now));
  });
}

Deno.test("a webhook with a provider's secret accepts what it signs, and nobody else", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      payments: { module: "log", signature: { provider: "stripe", secret: ["whsec_new", "whsec_old"] } },
    },
  });
  const body = '{"id":"evt_1","type":"invoice.paid"}';
  const send = async (secret: string, age: number) => {
    const time = Math.floor(Date.now() / 1000) - age;
    const signature = createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
    const headers = { "Stripe-Signature": `t=${time},v1=${signature},v0=${signature}` };
    const response = await fetch(gateway.url("/webhook/payments"), { method: "POST", headers, body });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await send("whsec_new", 0), 200);
  assertEquals(await send("whsec_old", 200), 200);
  assertEquals(await send("whsec_new", 400), 401);
  assertEquals(await send("whsec_another", 0), 401);
});

Deno.test("signature refuses settings that could let somebody in, or have no effect", () => {
  const refused: readonly unknown[] = [
    {},
    { provider: "stripe" },
    { provider: "stripe", secret: "" },
    { provider: "nobody", secret: "s" },
    { provider: "stripe", secret: "s", public_key: "00" },
    { provider: "stripe", secret: "s", next_secret: "t" },
    { provider: "stripe", secret: "s", scheme: { signature: { at: "X-A" } } },
    { provider: "discord", public_key: "no key" },
    { provider: "discord", secret: "s" },
    { provider: "liveblocks", secret: "without its prefix" },
    { provider: "standard", secret: "whsec_not base64" },
    { provider: "adyen", secret: "not hexadecimal" },
    { provider: "contentful", secret: "short" },
    { provider: "braintree", private_key: "k" },
    { provider: "pusher", secret: "s" },
    { provider: "ebay" },
    { secret: "s", scheme: { signature: { at: "X A" } } },
    { secret: "s", scheme: { signature: { at: "X-A" }, content: "{nothing}" } },
    { secret: "s", scheme: { signature: { at: "X-A" }, timestamp: { unit: "s" } } },
  ];
  for (const each of refused) assert(!signatureSchema.safeParse(each).success, JSON.stringify(each));
});

Deno.test("what is wrong with a secret is said without the secret", () => {
  const { error } = signatureSchema.safeParse({ provider: "adyen", secret: "not-hexadecimal" });
  assertEquals(error?.issues.map(({ path, message }) => [path.join("."), message]), [
    ["secret", "Has not the form that this provider's secrets have"],
  ]);
});

Deno.test("each secret of a list is taken under the webhook's name of it, and under no other", async () => {
  const config = { secret: ["one", "two", "three"], key: "shop", previous: { key: "old", secret: "four" } };
  const sends = (secret: string, name: string) => {
    const signature = createHmac("sha256", secret).update("{}").digest("hex");
    const request = captured("https://hooks.example.com/in", "{}", {
      "X-Pusher-Key": name,
      "X-Pusher-Signature": signature,
    });
    return accepts({ preset: "pusher", config, now: 0, request, valid: true, why: "" }, request, 0);
  };
  for (const secret of config.secret) {
    assert(await sends(secret, "shop"), secret);
    assert(!await sends(secret, "old"), secret);
    assert(!await sends(secret, "another"), secret);
  }
  assert(await sends("four", "old"));
  assert(!await sends("four", "shop"));
});
