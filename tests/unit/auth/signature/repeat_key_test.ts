import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { providers } from "../../../../src/auth/providers/providers.ts";
import { signatureSchema } from "../../../../src/auth/signature/settings.ts";
import { type CapturedRequest, verdictOn } from "../../../../src/cli/signatures/captured.ts";
import { settingsOf, signatureCases } from "../../../support/signatures/cases.ts";
import { sentEvents } from "../../../support/signatures/sent_again.ts";

const cases = await signatureCases();

const DAY_MS = 24 * 3600 * 1000;

interface Webhook {
  readonly config: Readonly<Record<string, unknown>>;
  readonly now: number;
}

/** By what a repeat of a request is recognised; `undefined` where repeats are delivered. */
async function keyOf(preset: string, { config, now }: Webhook, request: CapturedRequest) {
  const parsed = signatureSchema.parse({ provider: preset, ...config });
  const { refusal, repeatKey } = await verdictOn(request, parsed, now);
  assertEquals(refusal, undefined, preset);
  return repeatKey;
}

for (const [preset, { title, alike }] of Object.entries(providers)) {
  Deno.test(`an event of ${preset} is known again, and no other one is taken for it`, async () => {
    const sent = sentEvents(preset, cases);
    const webhook = { ...sent, config: { ...sent.config, replay: true } };
    const first = await keyOf(preset, webhook, sent.first);
    assert(first !== undefined, title);
    assertEquals(await keyOf(preset, webhook, sent.again), first);
    assertNotEquals((await keyOf(preset, webhook, sent.other))?.key, first.key);
    assertEquals((await keyOf(preset, sent, sent.first))?.key, alike ? undefined : first.key);
    const off = { ...sent, config: { ...sent.config, replay: false } };
    assertEquals(await keyOf(preset, off, sent.first), undefined);
  });
}

Deno.test("no two recorded events of a provider are one", async () => {
  for (const preset of new Set(cases.map((each) => each.preset))) {
    const own = cases.filter((each) => each.preset === preset && each.why === "signed as documented");
    const byBody = new Map(own.map((each) => [each.request.bodyBase64, each]));
    const keys = await Promise.all([...byBody.values()].map(({ config, now, request }) => {
      return keyOf(preset, { config: settingsOf(config), now: now * 1000 }, request);
    }));
    assertEquals(new Set(keys.map((found) => found?.key)).size, byBody.size, preset);
  }
});

Deno.test("what was signed is known for twice the tolerance, or for a day without one", async () => {
  const ttlOf = async (preset: string, further: Readonly<Record<string, unknown>> = {}) => {
    const sent = sentEvents(preset, cases);
    return (await keyOf(preset, { ...sent, config: { ...sent.config, ...further } }, sent.first))?.ttlMs;
  };
  assertEquals(await ttlOf("stripe"), 600_000);
  assertEquals(await ttlOf("stripe", { tolerance: 60 }), 120_000);
  assertEquals(await ttlOf("cloudinary"), 14_400_000);
  assertEquals(await ttlOf("contentful"), 60_000);
  assertEquals(await ttlOf("contentful", { tolerance: 300 }), 600_000);
  for (const preset of ["github", "discord", "twilio", "sns"]) assertEquals(await ttlOf(preset), DAY_MS);
  assertEquals(await ttlOf("github", { replay: { ttl: 60 } }), 60_000);
  assertEquals(await ttlOf("stripe", { replay: { ttl: 3600 } }), 3_600_000);
});

Deno.test("what could still come again is never forgotten by the configuration", () => {
  const problemOf = (config: unknown) =>
    signatureSchema.safeParse(config).error?.issues.map(({ path, message }) =>
      `${path.join(".")}: ${message}`
    );
  const stripe = { provider: "stripe", secret: "s" };
  const expected = ["replay.ttl: Must be 600 at least, twice the tolerance"];
  assertEquals(problemOf({ ...stripe, replay: { ttl: 599 } }), expected);
  assertEquals(problemOf({ ...stripe, replay: { ttl: 600 } }), undefined);
  assertEquals(problemOf({ ...stripe, tolerance: 7200, replay: { ttl: 14_399 } }), [
    "replay.ttl: Must be 14400 at least, twice the tolerance",
  ]);
  assertEquals(problemOf({ provider: "inngest", secret: "s", replay: { ttl: 1 } }), expected);
  assertEquals(problemOf({ provider: "github", secret: "s", replay: { ttl: 1 } }), undefined);
  for (const replay of ["off", 60, {}, { ttl: 0 }, { ttl: "60" }, { ttl: 60, header: "X" }, null]) {
    assert(problemOf({ ...stripe, replay }) !== undefined, JSON.stringify(replay));
  }
});

Deno.test("an id in a signed body is one where it says something, and otherwise the content counts", async () => {
  const signed = (body: string) => ({
    method: "POST",
    url: "https://hooks.example.com/in",
    headers: { "x-vercel-signature": createHmac("sha1", "s").update(body).digest("hex") },
    bodyBase64: new TextEncoder().encode(body).toBase64(),
  });
  const webhook = { config: { secret: "s" }, now: 0 };
  const keys = async (...bodies: string[]) => {
    const found = await Promise.all(bodies.map((body) => keyOf("vercel", webhook, signed(body))));
    const texts = found.map((key) => key?.key);
    return texts.map((key) => texts.indexOf(key));
  };
  assertEquals(await keys('{"id":"a","n":1}', '{"id":"a","n":2}', '{"id":"b","n":1}'), [0, 0, 2]);
  assertEquals(await keys('{"id":1050118621198921728}', '{"id":1050118621198921729}'), [0, 1]);
  for (const id of ['""', '" "', "null", "true", "{}", "[]"]) {
    assertEquals(await keys(`{"id":${id},"n":1}`, `{"id":${id},"n":2}`, `{"id":${id},"n":1}`), [0, 1, 0], id);
  }
  assertEquals(await keys("no JSON", "no JSON either", "no JSON", ""), [0, 1, 0, 3]);
  const [long, longer] = ["a".repeat(5_000), "a".repeat(5_001)];
  assertEquals(await keys(`{"id":"${long}"}`, `{"id":"${longer}"}`, `{"id":"${long}","n":1}`), [0, 1, 0]);
  assertEquals(await keys('{"id":"\\ud800"}', '{"id":"\\ud801"}', '{"id":"\\ufffd"}'), [0, 1, 2]);
  const { key } = (await keyOf("vercel", webhook, signed(`{"id":"${long}"}`)))!;
  assert(key.length <= 150);
});

Deno.test("events of Shopify with one body are one for each topic", async () => {
  const body = '{"id":1,"financial_status":"paid"}';
  const signature = createHmac("sha256", "s").update(body).digest("base64");
  const sent = (topic: string, id: string) =>
    keyOf("shopify", { config: { secret: "s" }, now: 0 }, {
      method: "POST",
      url: "https://hooks.example.com/in",
      headers: { "X-Shopify-Hmac-Sha256": signature, "X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": id },
      bodyBase64: btoa(body),
    });
  const created = await sent("orders/create", "1");
  assertNotEquals((await sent("orders/paid", "2"))?.key, created?.key);
  assertEquals(await sent("orders/create", "3"), created);
});
