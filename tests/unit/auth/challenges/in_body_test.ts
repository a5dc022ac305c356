import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import type { Answer } from "../../../support/gateway.ts";
import {
  assertEmpty,
  assertJson,
  assertRefused,
  assertText,
  ChallengedGateway,
} from "../../../support/signatures/challenged_gateway.ts";

const SECRET = "signing-secret-of-the-tests";
const discordKeys = generateKeyPairSync("ed25519");

function hmac(content: string, secret = SECRET): Buffer {
  return createHmac("sha256", secret).update(content).digest();
}

function now(): string {
  return String(Math.floor(Date.now() / 1000));
}

/** Asks as one provider does, signed with a secret. */
type Ask = (body: string, secret?: string, headers?: Record<string, string>) => Promise<Answer>;

async function start(): Promise<ChallengedGateway & { readonly ask: Readonly<Record<string, Ask>> }> {
  const publicKey = discordKeys.publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString(
    "hex",
  );
  const signed = (provider: string, secret: string | string[] = SECRET) => ({
    signature: { provider, secret },
    data_type: "blob",
  });
  const gateway = await ChallengedGateway.start({
    slack: signed("slack"),
    twitch: signed("twitch"),
    zoom: signed("zoom", ["new-secret", SECRET]),
    xero: signed("xero"),
    discord: {
      signature: { provider: "discord", public_key: publicKey },
      rate_limit: { max_requests: 5, window_seconds: 3600 },
    },
  });
  const ask: Record<string, Ask> = {
    slack: (body, secret, headers) => {
      const t = now();
      const signature = `v0=${hmac(`v0:${t}:${body}`, secret).toString("hex")}`;
      const signed = { "x-slack-signature": signature, "x-slack-request-timestamp": t };
      return gateway.post("slack", body, { ...signed, ...headers });
    },
    twitch: (body, secret, headers) => {
      const t = new Date().toISOString();
      const id = crypto.randomUUID();
      return gateway.post("twitch", body, {
        "twitch-eventsub-message-id": id,
        "twitch-eventsub-message-timestamp": t,
        "twitch-eventsub-message-signature": `sha256=${hmac(`${id}${t}${body}`, secret).toString("hex")}`,
        "twitch-eventsub-message-type": "webhook_callback_verification",
        ...headers,
      });
    },
    zoom: (body, secret) => {
      const t = now();
      const signature = `v0=${hmac(`v0:${t}:${body}`, secret).toString("hex")}`;
      return gateway.post("zoom", body, { "x-zm-signature": signature, "x-zm-request-timestamp": t });
    },
    xero: (body, secret) =>
      gateway.post("xero", body, { "x-xero-signature": hmac(body, secret).toString("base64") }),
    discord: (body, secret) => {
      const t = now();
      const signature = sign(null, Buffer.from(`${t}${body}`), discordKeys.privateKey).toString("hex");
      return gateway.post("discord", secret === undefined ? body : `${body} `, {
        "x-signature-ed25519": signature,
        "x-signature-timestamp": t,
      });
    },
  };
  return Object.assign(gateway, { ask });
}

Deno.test("Slack gets the challenge of a signed url_verification back", async () => {
  await using provider = await start();
  const ask = provider.ask["slack"]!;
  const question = (challenge: unknown) =>
    JSON.stringify({ token: "t", challenge, type: "url_verification" });
  assertText(
    await ask(question("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")),
    "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
  );
  assertRefused(await ask(question("abc"), "another-secret"), 401, "unauthorized");
  for (const challenge of ["", 7, null, undefined, "c".repeat(1025), "a\u0000b"]) {
    assertRefused(await ask(question(challenge)), 400, "invalid_challenge");
  }
  assertEquals(await provider.count("slack", "challenge"), 1);
  assertEquals(provider.probe.events, []);
});

Deno.test("Slack's check of a slash command's address gets an empty 200, and events stay events", async () => {
  await using provider = await start();
  const ask = provider.ask["slack"]!;
  const form = { "content-type": "application/x-www-form-urlencoded" };
  assertEmpty(await ask("ssl_check=1&token=abc", SECRET, form));
  assertRefused(await ask("ssl_check=1&token=abc", "another-secret", form), 401, "unauthorized");
  const events = [
    '{"type":"event_callback","event":{"text":"url_verification"},"challenge":"x"}',
    '{"event":{"type":"url_verification","challenge":"x"}}',
    '["url_verification"]',
    "text=ssl_check%3D1",
    JSON.stringify({ type: "url_verification", challenge: "c", padding: "p".repeat(9000) }),
  ];
  for (const event of events) assertEmpty(await ask(event));
  assertEquals(provider.probe.events.map(({ text }) => text), events);
});

Deno.test("Twitch gets the challenge of a signed verification back, in its exact length", async () => {
  await using provider = await start();
  const ask = provider.ask["twitch"]!;
  const question = '{"challenge":"pogchamp-kappa-360noscope-vohiyo","subscription":{}}';
  const answer = await ask(question);
  assertText(answer, "pogchamp-kappa-360noscope-vohiyo");
  assertEquals(answer.headers.get("content-length"), "32");
  assertRefused(await ask(question, "another-secret"), 401, "unauthorized");
  assertRefused(await ask('{"challenge":""}'), 400, "invalid_challenge");
  // The type is not signed: it makes no challenge of an event, and an event of no challenge.
  assertEquals((await ask('{"subscription":{},"event":{}}')).status, 200);
  assertEquals((await ask(question, SECRET, { "twitch-eventsub-message-type": "notification" })).status, 200);
  assertEquals(provider.probe.events.length, 2);
});

Deno.test("Zoom gets its token signed with the secret that it signed the question with", async () => {
  await using provider = await start();
  const ask = provider.ask["zoom"]!;
  const question = (plainToken: unknown) =>
    JSON.stringify({ event: "endpoint.url_validation", payload: { plainToken }, event_ts: 1 });
  const plainToken = "qgg8vlvZRS6UYooatFL8Aw";
  for (const secret of [SECRET, "new-secret"]) {
    const encryptedToken = hmac(plainToken, secret).toString("hex");
    assertJson(await ask(question(plainToken), secret), { plainToken, encryptedToken });
  }
  assertRefused(await ask(question(plainToken), "another-secret"), 401, "unauthorized");
  for (const token of ["", undefined, 1, "v0:1700000000:{}", "t".repeat(257), '{"event":"x"}']) {
    assertRefused(await ask(question(token)), 400, "invalid_challenge");
  }
  assertEquals(
    (await ask('{"event":"meeting.ended","payload":{"note":"endpoint.url_validation"}}')).status,
    200,
  );
  assertEquals(provider.probe.events.length, 1);
});

Deno.test("Discord's pings are answered, and a wrong signature is 401 as Discord tests it", async () => {
  await using provider = await start();
  const ask = provider.ask["discord"]!;
  assertJson(await ask('{"id":"1","type":1,"token":"t","version":1}'), { type: 1 });
  assertEmpty(await ask('{"version":1,"application_id":"1","type":0}'), 204);
  assertRefused(await ask('{"type":1}', "another-secret"), 401, "unauthorized");
  assertEquals((await ask('{"type":2,"data":{"name":"deploy"}}')).status, 200);
  assertEquals((await ask('{"version":1,"type":1,"event":{"type":"ENTITLEMENT_CREATE"}}')).status, 200);
  assertEquals(provider.probe.events.length, 2);
  assertEquals(await provider.count("discord", "challenge"), 2);
  // Four of these six had a right signature, and so has the next one.
  assertJson(await ask('{"type":1}'), { type: 1 });
  assertRefused(await ask('{"type":1}'), 429, "rate_limited");
});

Deno.test("Xero's intent to receive gets an empty 200, or an empty 401 where its signature is wrong", async () => {
  await using provider = await start();
  const ask = provider.ask["xero"]!;
  const intent = '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4Nd0mt3xt"}';
  assertEmpty(await ask(intent));
  assertEmpty(await ask(intent, "another-secret"), 401);
  assertEmpty(await provider.post("xero", intent), 401);
  assertEmpty(await ask('{"events":[{"eventId":"1"}],"entropy":"x"}'));
  assertEquals(provider.probe.events.length, 1);
  assertEquals(await provider.count("xero", "challenge"), 1);
  assertEquals(await provider.count("xero", "unauthorized"), 2);
});
