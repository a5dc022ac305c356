import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type Authenticator, compileAuthenticator } from "../../../../../src/auth/authenticator.ts";
import { ClientAddressResolver } from "../../../../../src/auth/client_address.ts";
import { PublicUrlResolver } from "../../../../../src/auth/public_url.ts";
import { digestAuth } from "../../../../../src/auth/verifiers/digest_auth/digest_auth.ts";
import { GatewayError } from "../../../../../src/errors.ts";
import { EventBody } from "../../../../../src/event/event.ts";
import { requestWith } from "../../../../contracts/verifier.ts";
import {
  type DigestAnswer,
  type DigestChallenge,
  digestChallenges,
  digestCredentials,
  usernameHash,
} from "../../../../support/auth/digest_client.ts";

const USER = { username: "shop", password: "Circle of Life" };
const TARGET = "/webhook/default/example";
const BODY = new TextEncoder().encode('{"a":1}');

interface Sent {
  readonly method?: string;
  readonly url?: string;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly publicUrl?: string;
}

/** A webhook with `digest_auth`, and what its answers are. */
class Webhook {
  readonly authenticator: Authenticator;

  constructor(config: Readonly<Record<string, unknown>> = {}) {
    const value = digestAuth.configSchema.parse({ ...USER, ...config });
    this.authenticator = compileAuthenticator([digestAuth.compile(value)]);
  }

  /** The `WWW-Authenticate` of the refusal; `undefined` when the request is let in. */
  async send(authorization: string | undefined, sent: Sent = {}): Promise<string | undefined> {
    const { method = "POST", url = `http://localhost${TARGET}`, body = BODY, publicUrl } = sent;
    const request = {
      ...requestWith(authorization === undefined ? [] : [["authorization", authorization]]),
      publicUrls: new PublicUrlResolver(publicUrl, new ClientAddressResolver([])),
      method,
      url,
    };
    try {
      const admission = await this.authenticator.admit(request);
      await this.authenticator.verify(admission, request, EventBody.fromBytes(body));
      return undefined;
    } catch (error) {
      assert(error instanceof GatewayError);
      assertEquals([error.status, error.code], [401, "unauthorized"]);
      const challenge = error.headers?.["WWW-Authenticate"];
      assert(challenge !== undefined);
      return challenge;
    }
  }

  async challenges(): Promise<DigestChallenge[]> {
    return digestChallenges((await this.send(undefined))!);
  }

  /** Whether the answer to a new challenge is let in. */
  async takes(answer: Partial<DigestAnswer> = {}, sent: Sent = {}, which = 0): Promise<boolean> {
    const challenge = (await this.challenges())[which]!;
    return await this.send(answerTo(challenge, answer), sent) === undefined;
  }
}

function answerTo(challenge: DigestChallenge, answer: Partial<DigestAnswer> = {}): string {
  return digestCredentials(challenge, { ...USER, method: "POST", uri: TARGET, ...answer });
}

Deno.test("digest_auth asks for SHA-256 first and MD5 second, with a nonce that is never the same", async () => {
  const header = await new Webhook().send(undefined);
  const [first, second, ...others] = digestChallenges(header!);
  const nonce = first!["nonce"]!;
  assertMatch(nonce, /^[0-9a-f]{60}$/);
  assertEquals(first, { realm: "Webhook API", qop: "auth", algorithm: "SHA-256", charset: "UTF-8", nonce });
  assertEquals(second, { ...first, algorithm: "MD5" });
  assertEquals(others, []);
});

Deno.test("digest_auth takes an answer to each of its challenges", async () => {
  const algorithm = ["MD5-sess", "md5", "SHA-256-sess", "sha-256"];
  const webhook = new Webhook({ algorithm });
  const offered = (await webhook.challenges()).map((challenge) => challenge["algorithm"]);
  assertEquals(offered, ["SHA-256", "SHA-256-sess", "MD5", "MD5-sess"]);
  for (const which of offered.keys()) assert(await webhook.takes({}, {}, which), offered[which]);
});

Deno.test("digest_auth takes no algorithm and no qop that it does not offer", async () => {
  for (const algorithm of ["MD5", "SHA-256-sess", "SHA-512-256", "", '"SHA-256", algorithm=SHA-256']) {
    assert(!await new Webhook({ algorithm: "SHA-256" }).takes({ instead: { algorithm } }), algorithm);
  }
  assert(!await new Webhook().takes({ qop: "auth-int", body: BODY }));
  assert(!await new Webhook({ qop: "auth-int" }).takes());
});

Deno.test("digest_auth takes credentials without algorithm as MD5, where that is offered", async () => {
  const without = { instead: { algorithm: undefined } };
  assert(await new Webhook().takes(without, {}, 1));
  assert(!await new Webhook().takes(without, {}, 0));
  const [challenge] = await new Webhook({ algorithm: "SHA-256" }).challenges();
  assert(await new Webhook({ algorithm: "SHA-256" }).send(answerTo({ ...challenge, algorithm: "MD5" })));
});

Deno.test("digest_auth refuses the same credentials a second time, and takes them with the next count", async () => {
  const webhook = new Webhook();
  const [challenge] = await webhook.challenges();
  assertEquals(await webhook.send(answerTo(challenge!)), undefined);
  const refused = await webhook.send(answerTo(challenge!));
  assertEquals(digestChallenges(refused!)[0]?.["stale"], undefined);
  for (const nc of ["00000003", "00000002", "0000000a", "0000000B"]) {
    assertEquals(await webhook.send(answerTo(challenge!, { nc })), undefined, nc);
    assert(await webhook.send(answerTo(challenge!, { nc })) !== undefined, nc);
  }
});

Deno.test("digest_auth takes credentials that were wrong with another method, where they are right", async () => {
  const webhook = new Webhook();
  const [challenge] = await webhook.challenges();
  const answer = answerTo(challenge!);
  for (const again of [1, 2]) assert(await webhook.send(answer, { method: "PUT" }), `${again}`);
  assert(await new Webhook({ password: "another password" }).send(answer));
  assertEquals(await webhook.send(answer), undefined);
});

Deno.test("digest_auth says stale only to who knows the password", async () => {
  const webhook = new Webhook();
  const [challenge] = await new Webhook().challenges();
  const staleTo = async (answer: Partial<DigestAnswer>) =>
    digestChallenges((await webhook.send(answerTo(challenge!, answer)))!).map(({ stale }) => stale);
  assertEquals(await staleTo({}), ["true", "true"]);
  assertEquals(await staleTo({ password: "guess" }), [undefined, undefined]);
  assertEquals(await staleTo({ uri: "/webhook/other" }), [undefined, undefined]);
});

Deno.test("digest_auth says stale once a nonce has reached its age, and takes the new one", async () => {
  const webhook = new Webhook({ nonce_lifetime: 1 });
  const [challenge] = await webhook.challenges();
  let answer: string | undefined;
  for (let count = 1; answer === undefined; count++) {
    const nc = count.toString(16).padStart(8, "0");
    answer = await webhook.send(answerTo(challenge!, { nc }));
  }
  const [renewed] = digestChallenges(answer);
  assertEquals(renewed?.["stale"], "true");
  assertEquals(await webhook.send(answerTo(renewed!)), undefined);
});

Deno.test("digest_auth takes credentials for the very target, path and query as sent, and no other", async () => {
  const webhook = new Webhook();
  const target = "/webhook//a/../%41?x=1;2&y=+%20&";
  const url = `http://localhost${target}`;
  assert(await webhook.takes({ uri: target }, { url }));
  for (
    const uri of [
      "/webhook//a/../%41",
      "/webhook//a/../A?x=1;2&y=+%20&",
      "/webhook/%41?x=1;2&y=+%20&",
      `${target}#`,
      url,
      "*",
      "",
    ]
  ) assert(!await webhook.takes({ uri }, { url }), uri);
  assert(!await webhook.takes({ method: "PUT" }));
  assert(await webhook.takes({ method: "PUT" }, { method: "PUT" }));
});

Deno.test("digest_auth takes the target that a sender before a proxy has, or its whole public URL", async () => {
  const webhook = new Webhook();
  const publicUrl = "https://hooks.example.com/in";
  assert(await webhook.takes({ uri: `/in${TARGET}` }, { publicUrl }));
  assert(await webhook.takes({ uri: publicUrl + TARGET }, { publicUrl }));
  assert(await webhook.takes({ uri: TARGET }, { publicUrl }));
  assert(!await webhook.takes({ uri: `https://localhost${TARGET}` }, { publicUrl }));
});

Deno.test("digest_auth takes a target with other than ASCII, as senders write it", async () => {
  const bytes = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
  const webhook = new Webhook();
  const [challenge] = await webhook.challenges();
  const sent = bytes(answerTo(challenge!, { uri: "/webhook/ä" }));
  assertEquals(await webhook.send(sent, { url: "http://localhost/webhook/ä" }), undefined);
});

Deno.test("digest_auth takes users and passwords in UTF-8, in both parameters", async () => {
  const config = { username: "Jäsøn Doe", password: "Secret, or not?" };
  const webhook = new Webhook(config);
  const asBytes = String.fromCharCode(...new TextEncoder().encode(config.username));
  assert(await webhook.takes({ ...config, instead: { username: `"${asBytes}"` } }));
  const extended = { username: undefined, "username*": "UTF-8''J%C3%A4s%C3%B8n%20Doe" };
  assert(await webhook.takes({ ...config, instead: extended }));
  assert(!await webhook.takes({ ...config, instead: { ...extended, userhash: "true" } }));
  assert(!await webhook.takes({ ...config, instead: { "username*": extended["username*"] } }));
});

Deno.test("digest_auth takes the hash of the user's name, and says so where it is configured", async () => {
  const webhook = new Webhook({ userhash: true });
  for (const [which, challenge] of (await webhook.challenges()).entries()) {
    assertEquals(challenge["userhash"], "true");
    const hash = usernameHash(challenge["algorithm"]!, USER.username, challenge["realm"]!);
    const instead = { username: `"${hash}"`, userhash: "true" };
    assert(await webhook.takes({ instead }, {}, which));
    assert(!await webhook.takes({ instead: { ...instead, userhash: "false" } }, {}, which));
    assert(!await webhook.takes({ instead: { userhash: "true" } }, {}, which));
  }
});

Deno.test("digest_auth with auth-int covers the body, and reads none for a nonce that is not its own", async () => {
  const webhook = new Webhook({ qop: ["auth", "auth-int"] });
  assert(webhook.authenticator.readsBody);
  assertEquals((await webhook.challenges())[0]?.["qop"], "auth, auth-int");
  const answer = { qop: "auth-int", body: BODY };
  assert(await webhook.takes(answer));
  assert(await webhook.takes({ qop: "auth" }));
  for (let index = 0; index < BODY.length; index++) {
    const body = BODY.slice();
    body[index]! ^= 1;
    assert(!await webhook.takes(answer, { body }));
  }
  assert(!await webhook.takes(answer, { body: BODY.slice(1) }));
  const [foreign] = await new Webhook().challenges();
  const request = requestWith([["authorization", answerTo(foreign!, answer)]]);
  const admit = async () => await webhook.authenticator.admit(request);
  const { headers } = await assertRejects(admit, GatewayError);
  assertStringIncludes(headers?.["WWW-Authenticate"] ?? "", "stale=true");
});

Deno.test("digest_auth refuses credentials that lack a parameter, or have one twice", async () => {
  const webhook = new Webhook();
  const names = ["username", "realm", "nonce", "uri", "qop", "nc", "cnonce", "response"];
  for (const name of names) {
    assert(!await webhook.takes({ instead: { [name]: undefined } }), name);
    assert(!await webhook.takes({ instead: { [name]: '""' } }), name);
    const [challenge] = await webhook.challenges();
    const answer = answerTo(challenge!);
    const [parameter = ""] = new RegExp(`${name}=(?:"[^"]*"|[^,]*)`).exec(answer) ?? [];
    for (
      const twice of [`${answer}, ${parameter}`, `${answer}, ${parameter.replace(name, name.toUpperCase())}`]
    ) {
      assert(await webhook.send(twice) !== undefined, twice);
    }
    assertEquals(await webhook.send(answer), undefined);
  }
  for (const nc of ["1", "00000000", "000000001", "0000000g", "-0000001"]) {
    assert(!await webhook.takes({ nc }), nc);
  }
});

Deno.test("digest_auth refuses every change of a single bit of the header, and of method and target", async () => {
  const webhook = new Webhook({ qop: "auth-int" });
  const [challenge] = await webhook.challenges();
  const answer = answerTo(challenge!, { qop: "auth-int", body: BODY });
  for (const changed of withOneBitChanged(answer)) {
    if (/^digest [^"]*username="/i.test(changed) && meaningOf(changed) === meaningOf(answer)) continue;
    assert(await webhook.send(changed) !== undefined, changed);
  }
  for (const method of withOneBitChanged("POST")) {
    assert(await webhook.send(answer, { method }) !== undefined);
  }
  for (const target of withOneBitChanged(TARGET.slice(1))) {
    assert(await webhook.send(answer, { url: `http://localhost/${target}` }) !== undefined, target);
  }
  assertEquals(await webhook.send(answer), undefined);
});

/** Every text that can stand in a header, and in which one bit is another one. */
function* withOneBitChanged(text: string): Generator<string> {
  for (let index = 0; index < text.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit));
      if (changed >= " " && changed !== "\x7f") yield text.slice(0, index) + changed + text.slice(index + 1);
    }
  }
}

/** Names of parameters may be in any case. */
function meaningOf(credentials: string): string {
  return credentials.replace(/(^|, )[^=]+/g, (name) => name.toLowerCase());
}

Deno.test("digest_auth reads credentials as the grammar has them: case, spaces, quotes, empty items", async () => {
  const webhook = new Webhook();
  for (
    const change of [
      (text: string) => text.replace("Digest ", "dIGEST   "),
      (text: string) => text.replaceAll(", ", " ,,\t, "),
      (text: string) => text.replace("nc=00000001", 'NC = "00000001"'),
      (text: string) => text.replace("qop=auth", 'qop="auth"'),
      (text: string) => text.replace('username="shop"', 'username="s\\hop"'),
      (text: string) => `${text}, opaque="", ext=1,`,
    ]
  ) {
    const [challenge] = await webhook.challenges();
    assertEquals(await webhook.send(change(answerTo(challenge!))), undefined, String(change));
  }
});

Deno.test("digest_auth takes the nonces of other instances with the same nonce_secret", async () => {
  const nonce_secret = "shared by all instances";
  const [one, other] = [new Webhook({ nonce_secret }), new Webhook({ nonce_secret })];
  // Both have to be there before the nonce is.
  await Promise.all([one.challenges(), other.challenges()]);
  let answer: string;
  do answer = answerTo((await one.challenges())[0]!); while (await other.send(answer) !== undefined);
  assert(await other.send(answer) !== undefined);
  assertEquals(await one.send(answer), undefined);
});

Deno.test("digest_auth does not take what cannot be right, and warns of MD5 alone", () => {
  const isTaken = (config: unknown) => digestAuth.configSchema.safeParse(config).success;
  for (
    const more of [
      { username: "a:b" },
      { username: "a\u0007" },
      { password: "a\u0000b" },
      { realm: 'a"b' },
      { realm: "a\\b" },
      { realm: "ä" },
      { realm: "" },
      { algorithm: "SHA-1" },
      { algorithm: [] },
      { algorithm: "" },
      { qop: "none" },
      { qop: [] },
      { nonce_lifetime: 0 },
      { nonce_secret: "too short" },
      { nonce_secret: "the line end of its file\n" },
    ]
  ) assert(!isTaken({ ...USER, ...more }), JSON.stringify(more));
  const noticesOf = (algorithm: unknown) =>
    digestAuth.notices?.(digestAuth.configSchema.parse({ ...USER, algorithm }))?.map(({ path }) => path);
  assertEquals(noticesOf("MD5"), ["algorithm"]);
  assertEquals(noticesOf(["MD5", "SHA-256"]), []);
});
