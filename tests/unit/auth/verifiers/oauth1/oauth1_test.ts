import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import {
  type Authenticator,
  compileAuthenticator,
  RefusalError,
} from "../../../../../src/auth/authenticator.ts";
import { ClientAddressResolver } from "../../../../../src/auth/client_address.ts";
import { PublicUrlResolver } from "../../../../../src/auth/public_url.ts";
import { oauth1 } from "../../../../../src/auth/verifiers/oauth1/oauth1.ts";
import { GatewayError } from "../../../../../src/errors.ts";
import { EventBody } from "../../../../../src/event/event.ts";
import { SenderMemory } from "../../../../../src/auth/sender_memory.ts";
import { requestWith } from "../../../../contracts/verifier.ts";
import { bodyHash, oauth1Credentials, type OAuth1Request } from "../../../../support/auth/oauth1_client.ts";

const CLIENT = { consumerKey: "dpf43f3p2l4k3l03", consumerSecret: "kd94hf93k423kf44" };
const CONFIG = { consumer_key: CLIENT.consumerKey, consumer_secret: CLIENT.consumerSecret };
const ORIGIN = "https://hooks.example.com";
const URL_OF_HOOK = `${ORIGIN}/webhook/default/example`;
const FORM = "application/x-www-form-urlencoded";

interface Sent {
  readonly method?: string;
  /** As its sender has it. */
  readonly url?: string;
  readonly publicUrl?: string | undefined;
  readonly headers?: readonly [name: string, value: string][];
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** A webhook with `oauth1`, and what its answers are. */
class Webhook {
  readonly authenticator: Authenticator;
  readonly #memory = new SenderMemory();

  constructor(config: Readonly<Record<string, unknown>> = CONFIG) {
    this.authenticator = compileAuthenticator([oauth1.compile(oauth1.configSchema.parse(config))]);
  }

  /** Why the request is refused; `undefined` when it is let in. */
  async send(authorization: string | undefined, sent: Sent = {}): Promise<string | undefined> {
    const { method = "POST", url = URL_OF_HOOK, headers = [], body = "{}" } = sent;
    const { origin } = new URL(url);
    const publicUrl = "publicUrl" in sent ? sent.publicUrl : origin;
    const given = authorization === undefined ? [] : [["authorization", authorization] as [string, string]];
    const request = {
      ...requestWith([...given, ...headers]),
      memory: this.#memory,
      publicUrls: new PublicUrlResolver(publicUrl, new ClientAddressResolver(["192.0.2.1"])),
      method,
      url: `http://chosen.example${url.slice(url.indexOf("/", 8))}`,
    };
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    try {
      const admission = await this.authenticator.admit(request);
      await this.authenticator.verify(admission, request, EventBody.fromBytes(bytes));
      return undefined;
    } catch (error) {
      assert(error instanceof GatewayError);
      assertInstanceOf(error.cause, RefusalError);
      assertEquals([error.status, error.code], [401, "unauthorized"]);
      assertEquals(error.headers?.["WWW-Authenticate"], 'OAuth realm="webhook"');
      return error.cause.message;
    }
  }

  async takes(authorization: string, sent: Sent = {}): Promise<boolean> {
    return await this.send(authorization, sent) === undefined;
  }
}

function signed(request: Partial<OAuth1Request> = {}): string {
  return oauth1Credentials(CLIENT, { method: "POST", url: URL_OF_HOOK, ...request });
}

const OF_2012 = { verify_timestamp: false };

Deno.test("oauth1 takes the three requests of RFC 5849, section 1.2", async () => {
  const initiate = `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03",
    oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131200", oauth_nonce="wIjqoS",
    oauth_callback="http%3A%2F%2Fprinter.example.com%2Fready",
    oauth_signature="74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D"`.replace(/\n */g, " ");
  const url = "https://photos.example.net/initiate";
  assertEquals(await new Webhook({ ...CONFIG, ...OF_2012 }).send(initiate, { url }), undefined);

  const token = `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="hh5s93j4hdidpola",
    oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="walatlh",
    oauth_verifier="hfdp7dh39dks9884", oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"`
    .replace(/\n */g, " ");
  const ofToken = { ...CONFIG, ...OF_2012, token: "hh5s93j4hdidpola", token_secret: "hdhd0244k9j7ao03" };
  assertEquals(
    await new Webhook(ofToken).send(token, { url: "https://photos.example.net/token" }),
    undefined,
  );

  const photos = `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk",
    oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", oauth_nonce="chapoH",
    oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"`.replace(/\n */g, " ");
  const ofPhotos = { ...CONFIG, ...OF_2012, token: "nnch734d00sl2jdk", token_secret: "pfkkdhi9sl3r4s00" };
  const query = "http://photos.example.net/photos?file=vacation.jpg&size=original";
  assertEquals(await new Webhook(ofPhotos).send(photos, { method: "GET", url: query }), undefined);
  assert(
    !await new Webhook(ofPhotos).takes(photos, { method: "GET", url: query.replace("vac", "v%61c") + "x" }),
  );
});

Deno.test("oauth1 takes the request with a form of RFC 5849, section 3.1, as its erratum signs it", async () => {
  const config = {
    consumer_key: "9djdj82h48djs9d2",
    consumer_secret: "j49sk3j29djd",
    token: "kkk9d7dh3k39sjv7",
    token_secret: "dh893hdasih9",
    ...OF_2012,
  };
  const authorization = `OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2",
    oauth_token="kkk9d7dh3k39sjv7", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201",
    oauth_nonce="7d8f3e4a", oauth_signature="r6%2FTJjbCOr97%2F%2BUU0NsvSne7s5g%3D"`.replace(/\n */g, " ");
  const sent: Sent = {
    url: "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
    headers: [["content-type", FORM]],
    body: "c2&a3=2+q",
  };
  assertEquals(await new Webhook(config).send(authorization, sent), undefined);
  for (const body of ["c2&a3=2+r", "c2=&a3=2+q&b=", "a3=2+q", ""]) {
    assert(!await new Webhook(config).takes(authorization, { ...sent, body }), body);
  }
  assert(
    !await new Webhook(config).takes(authorization, { ...sent, headers: [["content-type", "text/plain"]] }),
  );
});

Deno.test("oauth1 signs the URL of RFC 5849, section 3.4.1.2: host in lower case, port, path as sent", async () => {
  const sign = (url: string) => signed({ url });
  const webhook = new Webhook();
  const path = "/webhook/%41b;x/..//c";
  const url = `http://example.com${path}`;
  // The helper's URL is cleaned by a parser: what is signed has to be given as it is.
  assert(
    !await webhook.takes(sign("http://example.com/webhook/c"), { url, publicUrl: "http://example.com" }),
  );
  const port = `https://www.example.net:8080/r%20v/X?id=123`;
  assert(await webhook.takes(sign(port), { url: port }));
  assert(!await webhook.takes(sign(port), { url: port, publicUrl: "https://www.example.net" }));
  assert(!await webhook.takes(sign(port), { url: port, publicUrl: "http://www.example.net:8080" }));
});

Deno.test("oauth1 refuses everybody while the sender's URL is not known, and says what to do", async () => {
  const reason = await new Webhook().send(signed(), {
    publicUrl: undefined,
    headers: [["host", "hooks.example.com"]],
  });
  assertStringIncludes(reason ?? "", "set PUBLIC_URL");
});

Deno.test("oauth1 takes the URL that a trusted proxy says, and none that a sender adds to it", async () => {
  const says = (...hosts: string[]): Sent => ({
    publicUrl: undefined,
    headers: [
      ["x-forwarded-proto", "https"],
      ...hosts.map((host): [string, string] => ["x-forwarded-host", host]),
    ],
  });
  assert(await new Webhook().takes(signed(), says("hooks.example.com")));
  assert(await new Webhook().takes(signed(), says("HOOKS.example.com:443")));
  assert(!await new Webhook().takes(signed(), says("staging.example.com")));
  assert(!await new Webhook().takes(signed(), says("staging.example.com", "hooks.example.com")));
  assert(!await new Webhook().takes(signed(), says("hooks.example.com", "staging.example.com")));
  assert(!await new Webhook().takes(signed(), says()));
});

Deno.test("oauth1 refuses a request that comes again, and tells nonces of tokens and times apart", async () => {
  const webhook = new Webhook();
  const authorization = signed({ instead: { oauth_nonce: "a" } });
  assertEquals(await webhook.send(authorization), undefined);
  assertStringIncludes(await webhook.send(authorization) ?? "", "was there before");
  assert(await webhook.takes(signed({ instead: { oauth_nonce: "b" } })));
  assert(await webhook.takes(signed({ instead: { oauth_nonce: "a", oauth_token: "t" } })));
  const later = String(Math.floor(Date.now() / 1000) + 7);
  assert(await webhook.takes(signed({ instead: { oauth_nonce: "a", oauth_timestamp: later } })));
  assert(await new Webhook().takes(authorization), "Another webhook has a memory of its own");
  assert(await new Webhook({ ...CONFIG, verify_nonce: false }).takes(authorization));
});

Deno.test("oauth1 remembers no nonce of a request that is refused for another reason", async () => {
  const webhook = new Webhook();
  const body = new TextEncoder().encode('{"a":1}');
  const authorization = signed({ hashed: body });
  assert(!await webhook.takes(authorization.replace(/oauth_signature="./, 'oauth_signature="%')));
  assert(!await webhook.takes(authorization, { method: "PUT", body }));
  assert(!await webhook.takes(authorization, { body: '{"a":2}' }));
  assertEquals(await webhook.send(authorization, { body }), undefined);
});

Deno.test("oauth1 takes one of two requests with the same nonce whose bodies arrive at the same time", async () => {
  const { authenticator } = new Webhook();
  const authorization = signed({ form: "a=1" });
  const memory = new SenderMemory();
  const headers = (): [string, string][] => [["authorization", authorization], ["content-type", FORM]];
  const requests = [1, 2].map(() => ({ ...requestWith(headers()), memory }));
  const body = EventBody.fromBytes(new TextEncoder().encode("a=1"));
  const admissions = await Promise.all(requests.map((request) => authenticator.admit(request)));
  const verify = async (index: number) =>
    await authenticator.verify(admissions[index]!, requests[index]!, body);
  const outcomes = await Promise.allSettled([verify(0), verify(1)]);
  assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
});

Deno.test("oauth1 takes timestamps of this time, both ways, and whole ones only", async () => {
  const now = Math.floor(Date.now() / 1000);
  const takes = (timestamp: string, config = {}) =>
    new Webhook({ ...CONFIG, ...config }).takes(signed({ instead: { oauth_timestamp: timestamp } }));
  for (const offset of [-200, 0, 200]) assert(await takes(String(now + offset)));
  for (const offset of [-400, 400]) {
    assert(!await takes(String(now + offset)));
    assert(await takes(String(now + offset), { timestamp_window: 1000 }));
    assert(await takes(String(now + offset), OF_2012));
  }
  for (const wrong of ["", "now", `${now}.0`, `+${now}`, `0${now}`, ` ${now}`, `${now}abc`, "1e9", "-1"]) {
    assert(!await takes(wrong), wrong);
    assert(!await takes(wrong, OF_2012), wrong);
  }
});

Deno.test("oauth1 refuses requests without timestamp or nonce, but by PLAINTEXT", async () => {
  const without = { oauth_timestamp: undefined, oauth_nonce: undefined };
  for (
    const instead of [without, { oauth_timestamp: undefined }, { oauth_nonce: undefined }, {
      oauth_nonce: "",
    }]
  ) {
    assert(!await new Webhook({ ...CONFIG, ...OF_2012 }).takes(signed({ instead })));
  }
  const config = { ...CONFIG, consumer_secret: "a&b", signature_method: "plaintext" };
  const plain = oauth1Credentials({ ...CLIENT, consumerSecret: "a&b", method: "PLAINTEXT" }, {
    method: "POST",
    url: "https://other.example/",
    instead: without,
  });
  assertEquals(await new Webhook(config).send(plain), undefined);
  assert(!await new Webhook(config).takes(plain.replace("a%2526b", "a%2526c")));
  assert(!await new Webhook(config).takes(plain.replace("a%2526b%26", "a%2526b")));
});

Deno.test("oauth1 takes the configured client, token and method alone", async () => {
  const refuses = async (config: object, instead: Record<string, string | undefined>) =>
    assert(!await new Webhook({ ...CONFIG, ...config }).takes(signed({ instead })), JSON.stringify(instead));
  await refuses({}, { oauth_consumer_key: "other" });
  await refuses({}, { oauth_consumer_key: "" });
  await refuses({}, { oauth_consumer_key: undefined });
  await refuses({}, { oauth_version: "2.0" });
  await refuses({ token: "t" }, {});
  await refuses({ token: "t" }, { oauth_token: "other" });
  await refuses({ signature_method: "HMAC-SHA256" }, {});
  await refuses({}, { oauth_signature_method: "PLAINTEXT" });
  await refuses({}, { oauth_signature_method: "hmac-sha1" });
  await refuses({}, { oauth_signature: "" });
  assert(await new Webhook({ ...CONFIG, token: "t" }).takes(signed({ instead: { oauth_token: "t" } })));
});

Deno.test("oauth1 takes no parameters of the protocol in the query or in a form", async () => {
  const url = `${URL_OF_HOOK}?oauth_callback=x`;
  assert(!await new Webhook().takes(signed({ url }), { url }));
  assert(!await new Webhook().takes(signed({ url }), { url: url.replace("oauth", "%6Fauth") }));
  const form = "oauth_callback=x";
  assert(!await new Webhook().takes(signed({ form }), { headers: [["content-type", FORM]], body: form }));
});

Deno.test("oauth1 verifies a body by its hash, where that is sent or required", async () => {
  const body = new Uint8Array([0, 0xff, 1, 2, 3]);
  const required = new Webhook({ ...CONFIG, require_body_hash: true });
  assertEquals(await required.send(signed({ hashed: body }), { body }), undefined);
  assertEquals(await required.send(signed({ hashed: new Uint8Array() }), { body: "" }), undefined);
  assertStringIncludes(await required.send(signed(), { body }) ?? "", "is missing");
  for (
    const changed of [new Uint8Array([0, 0xff, 1, 2, 2]), new Uint8Array([0, 0xff, 1, 2]), new Uint8Array()]
  ) {
    assert(!await new Webhook().takes(signed({ hashed: body }), { body: changed }));
  }
  const form = { headers: [["content-type", `${FORM}; charset=utf-8`]], body: "a=1" } satisfies Sent;
  assert(await required.takes(signed({ form: "a=1" }), form));
  const hashed = new TextEncoder().encode("a=1");
  assert(!await required.takes(signed({ form: "a=1", hashed }), form));
});

Deno.test("oauth1 takes SHA-1 of a body with every method, as Python's oauthlib sends it", async () => {
  const body = new TextEncoder().encode('{"a":1}');
  const client = { ...CLIENT, method: "HMAC-SHA256" };
  const config = { ...CONFIG, signature_method: "HMAC-SHA256" };
  for (const method of ["HMAC-SHA1", "HMAC-SHA256"]) {
    const instead = { oauth_body_hash: bodyHash(method, body) };
    const authorization = oauth1Credentials(client, { method: "POST", url: URL_OF_HOOK, instead });
    assert(!await new Webhook(config).takes(authorization, { body: '{"a":2}' }), method);
    assertEquals(await new Webhook(config).send(authorization, { body }), undefined, method);
  }
});

Deno.test("oauth1 takes signatures by RSA, and those of no other key", async () => {
  const [own, other] = [0, 1].map(() => generateKeyPairSync("rsa", { modulusLength: 2048 }));
  const pem = own!.publicKey.export({ type: "spki", format: "pem" }) as string;
  for (const method of ["RSA-SHA1", "RSA-SHA256", "RSA-SHA512"]) {
    const webhook = new Webhook({ consumer_key: "k", rsa_public_key: pem, signature_method: method });
    const sign = (privateKey: typeof own) =>
      oauth1Credentials({ consumerKey: "k", method, privateKey: privateKey!.privateKey }, {
        method: "POST",
        url: URL_OF_HOOK,
      });
    const authorization = sign(own);
    assert(!await webhook.takes(sign(other)));
    assert(!await webhook.takes(authorization, { method: "PUT" }));
    assert(!await webhook.takes(authorization.replace(/oauth_signature="/, "$&A")));
    assertEquals(await webhook.send(authorization), undefined, method);
  }
  // The public key is known to everybody: it must not be a shared secret.
  const forged = oauth1Credentials({ consumerKey: "k", consumerSecret: pem.trim() }, {
    method: "POST",
    url: URL_OF_HOOK,
  });
  const webhook = new Webhook({ consumer_key: "k", rsa_public_key: pem, signature_method: "RSA-SHA1" });
  assert(!await webhook.takes(forged));
  assert(!await webhook.takes(forged.replace("HMAC-SHA1", "RSA-SHA1")));
});

Deno.test("oauth1 takes requests that are signed with any of several secrets", async () => {
  const config = { ...CONFIG, consumer_secret: ["new", "old"], token_secret: ["t1", "t2"] };
  for (const consumerSecret of ["new", "old"]) {
    for (const tokenSecret of ["t1", "t2"]) {
      const client = { ...CLIENT, consumerSecret, tokenSecret };
      const authorization = oauth1Credentials(client, { method: "POST", url: URL_OF_HOOK });
      assertEquals(await new Webhook(config).send(authorization), undefined);
    }
  }
  const wrong = oauth1Credentials({ ...CLIENT, consumerSecret: "new" }, { method: "POST", url: URL_OF_HOOK });
  assert(!await new Webhook(config).takes(wrong));
});

Deno.test("oauth1 refuses every change of a single bit of header, method, URL, form and body", async () => {
  const webhook = new Webhook();
  const url = `${URL_OF_HOOK}?source=shop&page=1`;
  const form: Sent = { url, headers: [["content-type", FORM]], body: "item=book&count=2+3" };
  const ofForm = signed({ url, form: "item=book&count=2+3" });
  for (const changed of withOneBitChanged(ofForm)) {
    if (meaningOf(changed) !== meaningOf(ofForm)) assert(!await webhook.takes(changed, form), changed);
  }
  for (const body of withOneBitChanged(form.body as string)) {
    assert(!await webhook.takes(ofForm, { ...form, body }), body);
  }
  for (const method of withOneBitChanged("POST")) {
    assert(!await webhook.takes(ofForm, { ...form, method }), method);
  }
  for (const target of withOneBitChanged(url.slice(ORIGIN.length + 1))) {
    const changed = { ...form, url: `${ORIGIN}/${target}` };
    assert(!await webhook.takes(ofForm, changed), target);
  }
  assertEquals(await webhook.send(ofForm, form), undefined);
  const body = new TextEncoder().encode('{"a":1}');
  const hashed = signed({ hashed: body });
  for (let bit = 0; bit < body.length * 8; bit++) {
    const changed = body.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert(!await webhook.takes(hashed, { body: changed }));
  }
  assertEquals(await webhook.send(hashed, { body }), undefined);
});

/** Every text of visible characters and spaces in which one bit is another one. */
function* withOneBitChanged(text: string): Generator<string> {
  for (let index = 0; index < text.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit));
      if (changed >= " " && changed !== "\x7f") yield text.slice(0, index) + changed + text.slice(index + 1);
    }
  }
}

/** Without the realm, which is not signed, with the scheme in one case, and with escapes undone. */
function meaningOf(credentials: string): string {
  return credentials.replace(/^OAuth/i, "OAuth").replace(/realm="[^",]*", /i, "")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
}

Deno.test("oauth1 does not take what cannot be right, and warns of what is weak", () => {
  const isTaken = (config: unknown) => oauth1.configSchema.safeParse(config).success;
  const pem = (bits: number) =>
    generateKeyPairSync("rsa", { modulusLength: bits }).publicKey.export({
      type: "spki",
      format: "pem",
    }) as string;
  const [strong, weak] = [pem(2048), pem(1024)];
  const rsa = { consumer_key: "k", signature_method: "RSA-SHA256" };
  assert(isTaken({ ...rsa, rsa_public_key: strong }));
  assert(isTaken({ ...rsa, rsa_public_key: [strong.replaceAll("\n", "\\n"), strong] }));
  for (
    const wrong of [
      { consumer_key: "k" },
      { ...CONFIG, signature_method: "HMAC-MD5" },
      { ...CONFIG, signature_method: "none" },
      { ...CONFIG, consumer_secret: "" },
      { ...CONFIG, consumer_key: "" },
      { ...CONFIG, token_secret: [] },
      { ...CONFIG, rsa_public_key: strong },
      { ...CONFIG, timestamp_window: 0 },
      { ...CONFIG, ...rsa },
      rsa,
      { ...rsa, rsa_public_key: weak },
      { ...rsa, rsa_public_key: "" },
      { ...rsa, rsa_public_key: "a shared secret" },
      { ...rsa, rsa_public_key: strong.replace("MII", "") },
      { ...rsa, rsa_public_key: strong.replaceAll("PUBLIC", "PRIVATE") },
      { ...rsa, rsa_public_key: strong, token_secret: "t" },
    ]
  ) assert(!isTaken(wrong), JSON.stringify(wrong));
  const noticesOf = (more: object) =>
    oauth1.notices?.(oauth1.configSchema.parse({ ...CONFIG, ...more })).map(({ path }) => path);
  assertEquals(noticesOf({}), []);
  assertEquals(noticesOf({ signature_method: "PLAINTEXT" }), ["signature_method"]);
  assertEquals(noticesOf({ verify_nonce: "false", verify_timestamp: false }), [
    "verify_nonce",
    "verify_timestamp",
  ]);
});

Deno.test("oauth1 takes a signature that was wrong for another request, where it is right", async () => {
  const webhook = new Webhook();
  const ofForm = signed({ form: "a=1" });
  const form = { body: "a=1", headers: [["content-type", FORM] as [string, string]] };
  const elsewhere = { url: `${URL_OF_HOOK}?b=2` };
  for (const again of [1, 2]) {
    const reason = await webhook.send(ofForm, { body: "a=1" });
    assertStringIncludes(reason ?? "", "does not match", `${again}`);
    for (const wrong of [elsewhere, { method: "PUT" }, { publicUrl: "https://other.example" }]) {
      assertStringIncludes(await webhook.send(signed(), wrong) ?? "", "does not match");
    }
  }
  assertEquals(await webhook.send(ofForm, form), undefined);
  const authorization = signed();
  assert(!await webhook.takes(authorization, elsewhere));
  assert(!await webhook.takes(authorization, { method: "PUT" }));
  assert(!await new Webhook({ ...CONFIG, consumer_secret: "other" }).takes(authorization));
  assertEquals(await webhook.send(authorization), undefined);
});
