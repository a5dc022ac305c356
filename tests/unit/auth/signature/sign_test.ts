import { assert, assertEquals, assertThrows } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import type { Provider } from "../../../../src/auth/providers/provider.ts";
import { providers, schemesOf } from "../../../../src/auth/providers/providers.ts";
import { CannotSignError, signRequest } from "../../../../src/auth/signature/sign.ts";
import { accepts } from "../../../support/signatures/cases.ts";

const NOW = Date.UTC(2026, 10, 30, 12);
const URL_OF_WEBHOOK = "https://hooks.example.com/webhook/shop/orders?b=2&a=1";
const BODY = new TextEncoder().encode('{"id":"evt_1","text":"Grüße"}');

/** Providers whose proof stands in the body. */
const IN_THE_BODY = ["figma", "linear", "mailgun", "plain"];

Deno.test("what is signed as a provider does passes as that provider's, and with no other secret", async () => {
  let signed = 0;
  for (const [preset, provider] of Object.entries(providers)) {
    const [scheme] = schemesOf(preset);
    if (scheme === undefined || IN_THE_BODY.includes(preset)) continue;
    const { secret, config } = secretsOf(preset, provider);
    const request = { method: "POST", url: URL_OF_WEBHOOK, body: BODY, now: NOW, id: "msg_1" };
    const headers = signRequest(scheme, secret, request, "name");
    const captured = { method: "POST", url: URL_OF_WEBHOOK, headers, bodyBase64: BODY.toBase64() };
    const given = { preset, config, now: NOW / 1000, request: captured, valid: true, why: "" };
    assert(await accepts(given, captured, NOW / 1000), preset);
    const others = { ...given, config: secretsOf(preset, provider, "another").config };
    assert(!await accepts(others, captured, NOW / 1000), preset);
    signed++;
  }
  assert(signed > 95, `${signed} providers`);
});

Deno.test("a proof that stands in the body is not signed", () => {
  for (const preset of IN_THE_BODY) {
    const request = { method: "POST", url: URL_OF_WEBHOOK, body: BODY, now: NOW, id: "msg_1" };
    assertThrows(() => signRequest(schemesOf(preset)[0]!, "s", request), CannotSignError);
  }
});

Deno.test("a time is written in the unit of the provider", () => {
  const request = { method: "POST", url: URL_OF_WEBHOOK, body: BODY, now: NOW, id: "msg_1" };
  const timeOf = (preset: string, header: string) => signRequest(schemesOf(preset)[0]!, "s", request)[header];
  assertEquals(timeOf("slack", "X-Slack-Request-Timestamp"), "1796040000");
  assertEquals(timeOf("webflow", "x-webflow-timestamp"), "1796040000000");
  assertEquals(timeOf("twitch", "Twitch-Eventsub-Message-Timestamp"), "2026-11-30T12:00:00.000Z");
  assertEquals(timeOf("metronome", "x-metronome-date"), "Mon, 30 Nov 2026 12:00:00 GMT");
});

/** A secret in the form of the provider's, and the settings of a webhook that has it. */
function secretsOf(preset: string, { secret, settings = [] }: Provider, text = "one") {
  const further = {
    ...settings.includes("key") ? { key: "name" } : {},
    ...settings.includes("secondary_secret") ? { secondary_secret: "second" } : {},
  };
  if (secret === "public_key") return keyPairOf(preset);
  const isHex = JSON.stringify(schemesOf(preset)[0]!.key).includes("hex");
  const form = isHex ? new TextEncoder().encode(text).toHex() : `whsec_${btoa(text)}`;
  return { secret: form, config: { ...further, secret: form } };
}

function keyPairOf(preset: string) {
  const { publicKey, privateKey } = preset === "sendgrid"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("ed25519");
  const spki = publicKey.export({ format: "der", type: "spki" });
  const bytes = preset === "sendgrid" ? spki : spki.subarray(-32);
  return {
    secret: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    config: { public_key: bytes.toString(preset === "discord" ? "hex" : "base64") },
  };
}
