import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import { signatureSchema } from "../../../../src/auth/signature/settings.ts";
import {
  assertJson,
  assertRefused,
  assertText,
  ChallengedGateway,
} from "../../../support/signatures/challenged_gateway.ts";

const EBAY_TOKEN = "verification-token_of-the-tests-0123456789";
const EBAY_KEY =
  "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqC0PPh8HUqv1ZnAJOxo4LwlAwCjubWpKyNqnqbQBjPPvakz6hoCLDqoysI3ETVf5t3ok/H8HAC8DY/C5bEjMVQ==\n-----END PUBLIC KEY-----";
const EBAY_URL = "https://hooks.example.com/ebay";

function start(): Promise<ChallengedGateway> {
  const meta = (provider: string) => ({
    signature: { provider, secret: "app-secret", verify_token: "token-1" },
  });
  return ChallengedGateway.start({
    meta: meta("meta"),
    whatsapp: meta("whatsapp"),
    messenger: meta("messenger"),
    instagram: meta("instagram"),
    "without-token": { signature: { provider: "meta", secret: "app-secret" } },
    dropbox: {
      signature: { provider: "dropbox", secret: "app-secret" },
      rate_limit: { max_requests: 1, window_seconds: 3600 },
    },
    nylas: { signature: { provider: "nylas", secret: "webhook-secret" } },
    graph: { signature: { provider: "msgraph", secret: "client-state" } },
    x: { signature: { provider: "x", secret: ["consumer-secret", "former-secret"] }, data_type: "blob" },
    braintree: {
      signature: { provider: "braintree", public_key: "key-1", private_key: "private", merchant_id: "m" },
      data_type: "blob",
    },
    ebay: {
      signature: {
        provider: "ebay",
        public_keys: {
          k: EBAY_KEY,
        },
        verify_token: EBAY_TOKEN,
        public_url: EBAY_URL,
      },
    },
    guarded: {
      signature: { provider: "dropbox", secret: "app-secret" },
      query_auth: { parameter_name: "key", api_key: "k-1" },
    },
    github: { signature: { provider: "github", secret: "app-secret" } },
    probed: { signature: { provider: "dropbox", secret: "app-secret" }, probes: true },
  }, { PUBLIC_URL: "https://hooks.example.com" });
}

Deno.test("Meta and its like get hub.challenge back for the token that they were given", async () => {
  await using provider = await start();
  for (const webhook of ["meta", "whatsapp", "messenger", "instagram"]) {
    const query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=token-1";
    assertText(await provider.get(`${webhook}?${query}`), "1158201444");
    assertEquals(await provider.count(webhook, "challenge"), 1);
  }
  assertEquals(provider.probe.events, []);
});

Deno.test("Meta is refused with another token, mode or text, and reasons show no token", async () => {
  await using provider = await start();
  const ask = (query: string) => provider.get(`meta?${query}`);
  for (
    const token of ["", "token-2", "TOKEN-1", "token-1%20", "token-1&hub.verify_token=token-1"]
  ) {
    const answer = await ask(`hub.mode=subscribe&hub.challenge=1&hub.verify_token=${token}`);
    assertRefused(answer, 403, "forbidden");
    assertEquals(await provider.lastReason("meta"), "hub.verify_token is not the webhook's verify_token");
  }
  const token = "hub.verify_token=token-1";
  for (
    const query of [
      `hub.mode=unsubscribe&hub.challenge=1&${token}`,
      `hub.challenge=1&${token}`,
      `hub.mode=subscribe&${token}`,
      `hub.mode=subscribe&hub.challenge=&${token}`,
      `hub.mode=subscribe&hub.challenge=1&hub.challenge=2&${token}`,
      `hub.mode=subscribe&hub.challenge=${"1".repeat(1025)}&${token}`,
      `hub.mode=subscribe&hub.challenge=a%0Ab&${token}`,
    ]
  ) {
    assertRefused(await ask(query), 400, "invalid_challenge");
  }
  assertEquals(await provider.count("meta", "challenge"), 0);
});

Deno.test("without verify_token, a challenge and every other GET get 405 as ever", async () => {
  await using provider = await start();
  const query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=";
  assertRefused(await provider.get(`without-token?${query}`), 405, "method_not_allowed");
  for (const path of ["meta", "meta?page=1", "dropbox?chall=1", "github?challenge=1", "x", "ebay"]) {
    assertRefused(await provider.get(path), 405, "method_not_allowed");
  }
  const head = await provider.gateway.request("/webhook/dropbox?challenge=1", { method: "HEAD" });
  assertEquals([head.status, head.headers.get("allow")], [405, "POST"]);
  assertEquals((await provider.get("probed")).status, 200);
  assertText(await provider.get("probed?challenge=1"), "1");
});

Deno.test("Dropbox and Nylas get the challenge back as text, never as a page", async () => {
  await using provider = await start();
  for (const webhook of ["dropbox", "nylas"]) {
    assertText(await provider.get(`${webhook}?challenge=abc-123_X`), "abc-123_X");
    assertText(await provider.get(`${webhook}/?challenge=1`), "1");
    assertText(
      await provider.get(`${webhook}?challenge=%3Cscript%3Ealert(1)%3C%2Fscript%3E`),
      "<script>alert(1)</script>",
    );
    assertText(await provider.get(`${webhook}?challenge=${"c".repeat(1024)}`), "c".repeat(1024));
    for (const challenge of ["", "c".repeat(1025), "%00", "a%0D%0Ab", "%ED%A0%80&challenge=b"]) {
      assertRefused(await provider.get(`${webhook}?challenge=${challenge}`), 400, "invalid_challenge");
    }
    assertEquals(await provider.count(webhook, "challenge"), 4);
  }
  assertEquals(provider.probe.events, []);
});

Deno.test("Microsoft Graph gets its validation token back, decoded, however large its body is", async () => {
  await using provider = await start();
  const token = "Validation: Testing client application reachability for subscription Request-Id: 522a8e7e";
  const query = new URLSearchParams({ validationToken: token });
  assertText(await provider.post(`graph?${query}`, ""), token);
  assertText(await provider.post("graph?validationToken=a%3Cb", "x".repeat(2_000_000)), "a<b");
  assertRefused(
    await provider.post(`graph?validationToken=${"t".repeat(1025)}`, ""),
    400,
    "invalid_challenge",
  );
  assertRefused(await provider.post("graph?validationToken=", ""), 400, "invalid_challenge");
  assertRefused(await provider.get("graph?validationToken=a"), 405, "method_not_allowed");
  const event = JSON.stringify({ value: [{ clientState: "client-state", resource: "users/1" }] });
  assertEquals((await provider.post("graph", event)).status, 200);
  assertRefused(await provider.post("graph", event.replace("client-state", "another")), 401, "unauthorized");
  assertEquals(provider.probe.events.length, 1);
});

Deno.test("other methods of authentication have to let a challenge pass, too", async () => {
  await using provider = await start();
  assertText(await provider.get("guarded?key=k-1&challenge=1"), "1");
  assertRefused(await provider.get("guarded?key=k-2&challenge=1"), 401, "unauthorized");
  assertRefused(await provider.get("guarded?challenge=1"), 401, "unauthorized");
});

Deno.test("X gets its token signed with the newest secret", async () => {
  await using provider = await start();
  for (const token of ["challenge", "ZmFi+OTk/x_-=", "t".repeat(256)]) {
    const signature = createHmac("sha256", "consumer-secret").update(token).digest("base64");
    const answer = await provider.get(`x?crc_token=${encodeURIComponent(token)}`);
    assertJson(answer, { response_token: `sha256=${signature}` });
  }
});

Deno.test("X's answer is never the signature of an event", async () => {
  await using provider = await start();
  const events = ['{"for_user_id":"1"}', "[]", '"text"', "a.b", "v0:1:2", " 1", "1\n", "t".repeat(257), "ä"];
  for (const body of events) {
    const answer = await provider.get(`x?crc_token=${encodeURIComponent(body)}`);
    assertRefused(answer, 400, "invalid_challenge");
  }
  for (const token of ["12345", "null", "true", "t".repeat(256)]) {
    const { text } = await provider.get(`x?crc_token=${token}`);
    const { response_token } = JSON.parse(text) as { response_token: string };
    const headers = { "x-twitter-webhooks-signature": response_token };
    assertRefused(await provider.post("x", token, headers), 401, "unauthorized");
    assertStringIncludes(await provider.lastReason("x"), "crc_token");
  }
  assertEquals(provider.probe.events, []);
  const signature = createHmac("sha256", "former-secret").update(events[0]!).digest("base64");
  const headers = { "x-twitter-webhooks-signature": `sha256=${signature}` };
  assertEquals((await provider.post("x", events[0]!, headers)).status, 200);
});

Deno.test("Braintree gets its challenge signed, and the answer is never a payload's signature", async () => {
  await using provider = await start();
  const key = createHash("sha1").update("private").digest();
  const sign = (text: string) => createHmac("sha1", key).update(text).digest("hex");
  const challenge = "20f9f8ed05f77439fe955c977e4c8a53"; // 32 digits
  assertText(await provider.get(`braintree?bt_challenge=${challenge}`), `key-1|${sign(challenge)}`);
  for (const other of ["", "20f9", `${challenge}0`, challenge.toUpperCase(), "PHhtbD4K", "z".repeat(24)]) {
    assertRefused(await provider.get(`braintree?bt_challenge=${other}`), 400, "invalid_challenge");
  }
  const deliver = (payload: string) =>
    provider.post(
      "braintree",
      new URLSearchParams({ bt_signature: `key-1|${sign(payload)}`, bt_payload: payload }),
    );
  for (const payload of [challenge, `${challenge}\n`]) {
    assertRefused(await deliver(payload), 401, "unauthorized");
  }
  assertEquals((await deliver("PG5vdGlmaWNhdGlvbj4=\n")).status, 200);
  assertEquals(provider.probe.events.length, 1);
});

Deno.test("eBay gets the hash of its code, the token and the address", async () => {
  await using provider = await start();
  const hash = createHash("sha256").update("a8628072-3d33").update(EBAY_TOKEN).update(EBAY_URL);
  assertJson(await provider.get("ebay?challenge_code=a8628072-3d33"), {
    challengeResponse: hash.digest("hex"),
  });
  for (const code of ["", "a.b", "c".repeat(257), "a&challenge_code=b"]) {
    assertRefused(await provider.get(`ebay?challenge_code=${code}`), 400, "invalid_challenge");
  }
});

Deno.test("questions that anybody can ask are limited on their own, and use up no events", async () => {
  await using provider = await start();
  let limited;
  // Ten are answered again in each second, so that a slow machine has to ask more often.
  for (let count = 0; count < 10_000 && limited === undefined; count += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => provider.get("dropbox?challenge=1")));
    limited = answers.find(({ status }) => status === 429);
  }
  assertRefused(limited!, 429, "rate_limited");
  assertEquals(limited!.headers.get("ratelimit-policy"), '"challenge";q=600;w=60');
  const signature = createHmac("sha256", "app-secret").update("{}").digest("hex");
  const event = await provider.post("dropbox", "{}", { "x-dropbox-signature": signature });
  assertEquals(event.status, 200);
  assertText(await provider.get("nylas?challenge=1"), "1");
});

for (
  const [provider, token, problem] of [
    ["ebay", "t".repeat(31), "Must be 32 to 80 letters, digits, `_` and `-`, as eBay asks for"],
    ["ebay", `${"t".repeat(40)}.`, "Must be 32 to 80 letters, digits, `_` and `-`, as eBay asks for"],
    ["stripe", "token-1", "Has no effect here: it takes 'secret'"],
    ["dropbox", "token-1", "Has no effect here: it takes 'secret'"],
  ] as const
) {
  Deno.test(`a verify_token of ${token.length} characters for ${provider} is a problem`, () => {
    const secrets = provider === "ebay" ? { public_keys: { k: EBAY_KEY } } : { secret: "s" };
    const parsed = signatureSchema.safeParse({ provider, ...secrets, verify_token: token });
    const issues = parsed.error?.issues.map(({ path, message }) => [path.join("."), message]);
    assertEquals(issues, [["verify_token", problem]]);
  });
}
