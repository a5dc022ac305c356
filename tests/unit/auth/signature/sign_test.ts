import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import type { Provider } from "../../../../src/auth/providers/provider.ts";
import { providers, schemesOf } from "../../../../src/auth/providers/providers.ts";
import { signAs, type SigningKey, withEventType } from "../../../../src/auth/providers/signing.ts";
import {
  CannotSignError,
  type RequestToSign,
  type SentRequest,
  signRequest,
} from "../../../../src/auth/signature/sign.ts";
import { accepts } from "../../../support/signatures/cases.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const NOW = Date.UTC(2026, 10, 30, 12);
const URL_OF_WEBHOOK = "https://hooks.example.com/webhook/shop/orders?b=2&a=1";

/** What a webhook has, and what its sender signs with. */
interface Material {
  readonly key: SigningKey;
  readonly config: Readonly<Record<string, unknown>>;
}

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

/** A secret in the form of the provider's, and the settings of a webhook that has it. */
async function materialOf(preset: string, provider: Provider, text: string): Promise<Material> {
  if ("keyed" in provider) return await publishedKeyOf(preset);
  const { secret: setting = "secret", settings = [] } = provider;
  if (setting === "public_key") return keyPairOf(preset);
  const isHex = preset === "adyen" || JSON.stringify(schemesOf(preset)[0]?.key ?? "").includes("hex");
  const bytes = new TextEncoder().encode(text.padEnd(32, "."));
  const secret = isHex || preset === "contentful" ? bytes.toHex() : `whsec_${bytes.toBase64()}`;
  const publicKey = settings.includes("public_key") ? { public_key: "key-1", merchant_id: "shop" } : {};
  return {
    key: { secret, keyName: "name", settings: publicKey },
    config: {
      ...(settings.includes("key") ? { key: "name" } : {}),
      ...(settings.includes("secondary_secret") ? { secondary_secret: "second" } : {}),
      ...publicKey,
      [setting]: secret,
    },
  };
}

function keyPairOf(preset: string): Material {
  const isEdwards = schemesOf(preset)[0]!.algorithm === "ed25519";
  const { publicKey, privateKey } = isEdwards
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ format: "der", type: "spki" });
  const bytes = isEdwards ? spki.subarray(-32) : spki;
  return {
    key: { secret: privateKey.export({ format: "pem", type: "pkcs8" }).toString() },
    config: { public_key: bytes.toString(preset === "discord" ? "hex" : "base64") },
  };
}

async function publishedKeyOf(preset: string): Promise<Material> {
  if (preset === "ebay") {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
    const settings = { public_keys: { "key-1": pem } };
    return {
      key: { secret: privateKey.export({ format: "pem", type: "pkcs8" }).toString(), settings },
      config: settings,
    };
  }
  const { key, certificate } = await makeCertificate();
  const url = preset === "sns"
    ? "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
    : "https://api.paypal.com/v1/notifications/certs/CERT-1";
  const settings = {
    certificates: { [url]: certificate },
    ...(preset === "paypal" ? { webhook_id: "WH-1" } : {}),
  };
  return { key: { secret: key, settings }, config: settings };
}

/** A key and its certificate, made by openssl. */
async function makeCertificate(): Promise<{ readonly key: string; readonly certificate: string }> {
  await using directory = await TempDir.create();
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    "/CN=test",
    "-days",
    "2",
  ];
  args.push("-keyout", "key.pem", "-out", "cert.pem");
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd: directory.path }).output();
  assert(success, new TextDecoder().decode(stderr));
  return {
    key: await Deno.readTextFile(directory.file("key.pem")),
    certificate: await Deno.readTextFile(directory.file("cert.pem")),
  };
}
