import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { providers, schemesOf } from "../../../../src/auth/providers/providers.ts";
import { signAs, type SigningKey, withEventType } from "../../../../src/auth/providers/signing.ts";
import {
  CannotSignError,
  type RequestToSign,
  type SentRequest,
  signRequest,
} from "../../../../src/auth/signature/sign.ts";
import { accepts } from "../../../support/signatures/cases.ts";
import { type Material, materialOf } from "../../../support/signatures/material.ts";

const NOW = Date.UTC(2026, 10, 30, 12);
const URL_OF_WEBHOOK = "https://hooks.example.com/webhook/shop/orders?b=2&a=1";

/** Bodies that providers send, and some that they might. */
const BODIES: readonly string[] = [
  '{"id":"evt_1","text":"Grüße 😀"}',
  '{"id":"evt_2","list":[1,2.5,-3e7,null,true],"deep":{"a":{"b":["/","\\\\"]}}}',
  `{"id":"evt_3","long":"${"ä/".repeat(5_000)}"}`,
];

const ADYEN = JSON.stringify({
  notificationItems: [
    {
      NotificationRequestItem: { pspReference: "1", amount: { value: 5, currency: "EUR" }, success: "true" },
    },
    { NotificationRequestItem: { pspReference: "2", additionalData: { shopper: "ü" } } },
  ],
});

/** Bodies that a provider cannot send otherwise. */
const BODIES_OF: Readonly<Record<string, readonly string[]>> = {
  adyen: [ADYEN],
  twilio: [...BODIES, "From=%2B1555&Body=Hi&Body=There", ""],
  plivo: ["From=%2B1555&Text=Gr%C3%BC%C3%9Fe", ""],
};

Deno.test("what is signed as a provider does passes as that provider's, and with no other secret", async () => {
  for (const [preset, provider] of Object.entries(providers)) {
    const material = await materialOf(preset, provider, "one");
    const other = await materialOf(preset, provider, "another");
    for (const body of BODIES_OF[preset] ?? BODIES) {
      const signed = await signAs(preset, material.key, requestWith(body));
      assert(await passes(preset, material, signed), `${preset}: ${body.slice(0, 40)}`);
      assert(!await passes(preset, other, signed), `${preset}, another secret: ${body.slice(0, 40)}`);
    }
  }
});

Deno.test("a proof that stands in the body is written into it, and needs a JSON object", async () => {
  for (const preset of ["figma", "linear", "mailgun", "plain", "adyen", "dropbox-sign"]) {
    const { key } = await materialOf(preset, providers[preset]!, "one");
    for (const body of ["", "[]", "text", "null"]) {
      await assertRejects(async () => await signAs(preset, key, requestWith(body)), CannotSignError);
    }
  }
  const { body } = signRequest(schemesOf("mailgun")[0]!, "s", requestWith('{"event-data":{"id":1}}'));
  const { signature, ...rest } = JSON.parse(new TextDecoder().decode(body));
  assertEquals(Object.keys(signature).sort(), ["signature", "timestamp", "token"]);
  assertEquals(rest, { "event-data": { id: 1 } });
});

Deno.test("what cannot be signed says why, without the secret", async () => {
  const wrong: readonly (readonly [preset: string, key: SigningKey, said: string])[] = [
    ["adyen", { secret: "not-hex" }, "form"],
    ["contentful", { secret: "not-hex" }, "form"],
    ["liveblocks", { secret: "not-hex" }, "form"],
    ["discord", { secret: "not-hex" }, "private key"],
    ["sns", { secret: "not-hex" }, "certificates"],
    ["ebay", { secret: "not-hex", keyName: "k" }, "private key"],
    ["nobody", { secret: "not-hex" }, "no provider"],
  ];
  for (const preset of ["square", "qstash", "twilio", "hubspot"]) {
    const request = { ...requestWith("{}"), url: "" };
    const error = await assertRejects(
      async () => await signAs(preset, { secret: "s" }, request),
      CannotSignError,
    );
    assertStringIncludes(error.message, "--url");
  }
  for (const [preset, key, said] of wrong) {
    const error = await assertRejects(
      async () => await signAs(preset, key, requestWith("{}")),
      CannotSignError,
    );
    assertStringIncludes(error.message, said, preset);
    assert(!error.message.includes("not-hex"));
  }
});

Deno.test("a time is written in the unit of the provider", () => {
  const timeOf = (preset: string, header: string) => {
    return signRequest(schemesOf(preset)[0]!, "s", requestWith("{}")).headers[header];
  };
  assertEquals(timeOf("slack", "X-Slack-Request-Timestamp"), "1796040000");
  assertEquals(timeOf("webflow", "x-webflow-timestamp"), "1796040000000");
  assertEquals(timeOf("twitch", "Twitch-Eventsub-Message-Timestamp"), "2026-11-30T12:00:00.000Z");
  assertEquals(timeOf("metronome", "x-metronome-date"), "Mon, 30 Nov 2026 12:00:00 GMT");
});

Deno.test("a request says the type of its event where its provider does", () => {
  const typed = (preset: string, body = "{}") => {
    const { request, headers } = withEventType(preset, "made", requestWith(body));
    return [headers, new TextDecoder().decode(request.body)];
  };
  assertEquals(typed("github"), [{ "X-GitHub-Event": "made" }, "{}"]);
  assertEquals(typed("stripe"), [{}, '{"type":"made"}']);
  assertEquals(typed("slack", '{"event":{"ts":1}}'), [{}, '{"event":{"ts":1,"type":"made"}}']);
  assertThrows(() => typed("xero"), CannotSignError);
  assertThrows(() => typed("stripe", "[]"), CannotSignError);
});

Deno.test("a private key that is none is no key", () => {
  assertThrows(() => signRequest(schemesOf("telnyx")[0]!, "s", requestWith("{}")), CannotSignError);
});

function requestWith(body: string): RequestToSign {
  return { method: "POST", url: URL_OF_WEBHOOK, body: new TextEncoder().encode(body), now: NOW, id: "msg_1" };
}

async function passes(preset: string, { config }: Material, signed: SentRequest): Promise<boolean> {
  const { method, url, headers, body } = signed;
  const captured = { method, url, headers: { ...headers }, bodyBase64: body.toBase64() };
  const given = { preset, config, now: NOW / 1000, request: captured, valid: true, why: "" };
  return await accepts(given, captured, NOW / 1000);
}
