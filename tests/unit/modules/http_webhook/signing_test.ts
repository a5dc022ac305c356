import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { createPublicKey, verify } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { DeliverySigner } from "../../../../src/modules/http_webhook/signing.ts";
import { httpWebhookConfigSchema } from "../../../../src/modules/http_webhook/config.ts";
import { TestGateway } from "../../../support/gateway.ts";
import { HttpTarget, type RecordedRequest } from "../../../support/http/target.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/** The pair of keys that the documentation of Svix's server shows, its private key followed by the public one. */
const PRIVATE_KEY =
  "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PRIVATE_KEY_ALONE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
const PUBLIC_KEY = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

const encoder = new TextEncoder();

/** Published with the specification's libraries, and for Ed25519 with Svix's server. */
const VECTORS:
  readonly (readonly [secret: string, id: string, seconds: number, body: string, expected: string])[] = [
    [
      SECRET,
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1614265330,
      '{"test": 2432232314}',
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ],
    [
      OTHER_SECRET,
      "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
      1649367553,
      '{"email":"test@example.com","username":"test_user"}',
      "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ],
    ...[PRIVATE_KEY, PRIVATE_KEY_ALONE].map((secret) =>
      [
        secret,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        '{"test": 2432232314}',
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
      ] as const
    ),
  ];

Deno.test("signed deliveries have the signatures that are published for Standard Webhooks", () => {
  for (const [secret, id, seconds, body, expected] of VECTORS) {
    const headers: Record<string, unknown> = {};
    new DeliverySigner(secret).sign(headers, id, encoder.encode(body), seconds * 1000 + 999);
    assertEquals(headers, {
      "webhook-id": id,
      "webhook-timestamp": String(seconds),
      "webhook-signature": expected,
    });
  }
});

/** What a target gets for a body, with the name of its webhook. */
async function delivered(
  config: Readonly<Record<string, unknown>>,
  body: string,
  headers: HeadersInit = {},
): Promise<RecordedRequest> {
  await using target = await HttpTarget.start();
  const moduleConfig = { url: target.url, allowed_hosts: ["127.0.0.1"], ...config };
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: {
        module: "http_webhook",
        accept: "delivered",
        data_type: "blob",
        "module-config": moduleConfig,
      },
    },
    environment: { SECRET, OTHER_SECRET },
  });
  assertEquals((await gateway.post("/webhook/orders", body, headers)).status, 200);
  return target.requests[0]!;
}

/** As a target has them that hands all of its headers to a library. */
function plainHeaders({ headers }: RecordedRequest): Record<string, string> {
  return Object.fromEntries(headers);
}

const BODIES = {
  "a small document": '{"order":1,"name":"Zoë 🎉"}',
  "a document of 19 KB": JSON.stringify({ text: "ü".repeat(9_500) }),
  "a document of 100 KB": JSON.stringify({
    text: "x".repeat(100_000),
  }),
};

for (const [kind, body] of Object.entries(BODIES)) {
  Deno.test(`the library of Standard Webhooks accepts ${kind}, unless one byte of it is changed`, async () => {
    const request = await delivered({ sign: { secret: "{$SECRET}" } }, body);
    const library = new Webhook(SECRET);
    assertEquals(library.verify(request.text, plainHeaders(request)), JSON.parse(body));
    assertThrows(() => library.verify(request.text + " ", plainHeaders(request)));
    assertThrows(() => new Webhook(OTHER_SECRET).verify(request.text, plainHeaders(request)));
    assertEquals(request.headers.get("webhook-id"), request.headers.get("cwm-event-id"));
  });
}

Deno.test("while a secret is changed, targets with the old and with the new one accept a delivery", async () => {
  const secret = ["{$SECRET}", "{$OTHER_SECRET}", PRIVATE_KEY];
  const request = await delivered({ sign: { secret } }, "{}");
  assertMatch(request.headers.get("webhook-signature")!, /^v1,[^ ,]+ v1,[^ ,]+ v1a,[^ ,]+$/);
  for (const each of [SECRET, OTHER_SECRET]) {
    assertEquals(new Webhook(each).verify(request.text, plainHeaders(request)), {});
  }
  assert(isSignedWithThePrivateKey(request));
});

function isSignedWithThePrivateKey({ headers, text }: RecordedRequest): boolean {
  const [, signature] = / v1a,(\S+)$/.exec(headers.get("webhook-signature")!)!;
  const content = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${text}`;
  const x = Uint8Array.fromBase64(PUBLIC_KEY.slice("whpk_".length))
    .toBase64({ alphabet: "base64url", omitPadding: true });
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(null, encoder.encode(content), key, Uint8Array.fromBase64(signature!));
}

const RECEIVED = {
  "webhook-id": "forged",
  "webhook-timestamp": "1",
  "Webhook-Signature": "v1,forged",
  "webhook_id": "forged",
  "webhook.timestamp": "1",
};

Deno.test("no received header can be taken for one of the signature's", async () => {
  for (const allowed of [{}, { allowed_headers: Object.keys(RECEIVED) }]) {
    const config = { sign: { secret: SECRET }, forward_headers: true, ...allowed };
    const { headers } = await delivered(config, "{}", RECEIVED);
    const names = [...headers.keys()].filter((name) =>
      /^webhook\W/i.test(name) || name.startsWith("webhook_")
    );
    assertEquals(names.sort(), ["webhook-id", "webhook-signature", "webhook-timestamp"]);
    assertEquals(headers.get("webhook-id"), headers.get("cwm-event-id"));
  }
});

/** The problems of `module-config`. */
function problemsOf(config: Readonly<Record<string, unknown>>): readonly string[] {
  const { error } = httpWebhookConfigSchema.safeParse({ url: "https://orders.example", ...config });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

Deno.test("a secret that cannot sign is a problem that says what it lacks and does not show it", () => {
  const short = new Uint8Array(23).toBase64();
  const wrong: Readonly<Record<string, string>> = {
    "": "Must not be empty",
    "pa55word": "Must begin with whsec_ or, for a private key of Ed25519, with whsk_",
    "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":
      "Must begin with whsec_ or, for a private key of Ed25519, with whsk_",
    "whsec_": "What stands behind whsec_ is not base64",
    "whsec_pa55-word": "What stands behind whsec_ is not base64",
    [`whsec_${short}`]: "Must hold 24 to 64 bytes behind whsec_, not 23",
    [`whsec_${new Uint8Array(65).toBase64()}`]: "Must hold 24 to 64 bytes behind whsec_, not 65",
    "whsk_pa55-word": "What stands behind whsk_ is not base64",
    [`whsk_${short}`]:
      "Must hold the 32 bytes of a private key of Ed25519 behind whsk_, or 64 with the public key, not 23",
    [PRIVATE_KEY.replace("vg==", "vw==")]: "The public key behind whsk_ does not belong to the private one",
    [PUBLIC_KEY]: "This is a public key: give the private one, which begins with whsk_",
  };
  for (const [secret, expected] of Object.entries(wrong)) {
    assertEquals(problemsOf({ sign: { secret } }), [`sign.secret: ${expected}`]);
    assertEquals(problemsOf({ sign: { secret: [SECRET, secret] } }), [`sign.secret.1: ${expected}`]);
  }
  assertEquals(problemsOf({ sign: {} }).length, 1);
  assertEquals(problemsOf({ sign: { secret: [] } }), ["sign.secret: Must hold one secret at least"]);
});

Deno.test("a configured header that signing sets is a problem, and none where nothing is signed", () => {
  const headers = { "Webhook-Id": "1", "webhook_timestamp": "1", "x-webhook-id": "1" };
  assertEquals(problemsOf({ headers }), []);
  assertEquals(problemsOf({ headers, sign: { secret: SECRET } }), [
    "headers.Webhook-Id: This header is set by sign",
    "headers.webhook_timestamp: This header is set by sign",
  ]);
});

/** A gateway whose webhook `orders` signs for this target, with its journal in `data`. */
function startDurable(target: HttpTarget, data: TempDir): Promise<TestGateway> {
  return TestGateway.start({
    webhooks: {
      orders: {
        module: "http_webhook",
        accept: "durable",
        retry: { initial_delay: 0.01 },
        "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"], sign: { secret: SECRET } },
      },
    },
    environment: { DATA_DIR: data.path },
  });
}

Deno.test("attempts have one id and are counted on after a restart", async () => {
  await using target = await HttpTarget.start();
  await using data = await TempDir.create();
  target.answer("hang");
  target.answerNext({ status: 503 }, { status: 503 });
  {
    await using gateway = await startDurable(target, data);
    assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
    await target.waitForRequests(3);
  }
  target.answer({ status: 200 });
  await using _restarted = await startDurable(target, data);
  const requests = await target.waitForRequests(4);
  assertEquals(requests.map(({ headers }) => headers.get("cwm-attempt")), ["1", "2", "3", "4"]);
  assertEquals(new Set(requests.map(({ headers }) => headers.get("webhook-id"))).size, 1);
  for (const request of requests) new Webhook(SECRET).verify(request.text, plainHeaders(request));
});
