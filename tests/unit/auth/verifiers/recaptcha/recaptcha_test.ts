import { assert, assertEquals, assertInstanceOf, assertMatch, assertStringIncludes } from "@std/assert";
import {
  type Authenticator,
  compileAuthenticator,
  RefusalError,
} from "../../../../../src/auth/authenticator.ts";
import { ClientAddressResolver } from "../../../../../src/auth/client_address.ts";
import { AuthServers } from "../../../../../src/auth/servers/auth_servers.ts";
import { type Secrets, SeveralSecrets } from "../../../../../src/auth/several_secrets.ts";
import { recaptcha } from "../../../../../src/auth/verifiers/recaptcha/recaptcha.ts";
import { GatewayError } from "../../../../../src/errors.ts";
import { EventBody } from "../../../../../src/event/event.ts";
import { SenderMemory } from "../../../../../src/auth/sender_memory.ts";
import { requestWith } from "../../../../contracts/verifier.ts";
import { SiteVerifyService } from "../../../../support/auth/site_verify.ts";

const SECRET = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe";
const FORM: [string, string] = ["content-type", "application/x-www-form-urlencoded"];

interface Sent {
  readonly headers?: readonly [name: string, value: string][];
  readonly body?: string;
  readonly method?: string;
  readonly target?: string;
  readonly from?: string;
}

/** A webhook with `recaptcha`, the service that it asks, and what its answers are. */
class World implements AsyncDisposable {
  readonly service = new SiteVerifyService(SECRET);
  readonly servers = new AuthServers({ timeoutMs: 10_000 });
  readonly authenticator: Authenticator;
  readonly #memory = new SenderMemory();
  readonly #secrets: Secrets;

  constructor(config: Readonly<Record<string, unknown>> = {}) {
    const value = recaptcha.configSchema.parse({
      secret_key: SECRET,
      verify_url: this.service.url,
      allowed_hosts: ["127.0.0.1"],
      ...config,
    });
    this.authenticator = compileAuthenticator([recaptcha.compile(value)]);
    this.#secrets = value.secret_key;
  }

  get secrets(): SeveralSecrets {
    assertInstanceOf(this.#secrets, SeveralSecrets);
    return this.#secrets;
  }

  /** Status and reason of the refusal; `undefined` when the request is let in. */
  async send(
    { headers = [], body = "{}", method = "POST", target = "/webhook/a", from = "192.0.2.1" }: Sent,
  ) {
    const request = {
      ...requestWith([...headers]),
      memory: this.#memory,
      servers: this.servers,
      clientAddresses: new ClientAddressResolver(["10.0.0.1"]),
      peerAddress: from,
      method,
      url: `http://localhost${target}`,
    };
    try {
      const admission = await this.authenticator.admit(request);
      await this.authenticator.verify(
        admission,
        request,
        EventBody.fromBytes(new TextEncoder().encode(body)),
      );
      return undefined;
    } catch (error) {
      assert(error instanceof GatewayError);
      assertInstanceOf(error.cause, RefusalError);
      assert(!Deno.inspect([error.cause, error.headers]).includes(SECRET));
      return `${error.status} ${error.cause.message}`;
    }
  }

  sendToken(token: string, sent: Sent = {}) {
    return this.send({ ...sent, headers: [["X-Recaptcha-Token", token], ...sent.headers ?? []] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.servers[Symbol.asyncDispose]();
    await this.service[Symbol.asyncDispose]();
  }
}

Deno.test("recaptcha asks the service with secret, token and the sender's public address", async () => {
  await using world = new World();
  const token = world.service.issue();
  assertEquals(await world.sendToken(token, { from: "8.8.4.4" }), undefined);
  const forwarded: Sent = {
    from: "10.0.0.1",
    headers: [["X-Forwarded-For", "6.6.6.6, 2001:4860:4860::8888"]],
  };
  assertEquals(await world.sendToken(world.service.issue(), forwarded), undefined);
  assertEquals(await world.sendToken(world.service.issue(), { from: "10.0.0.2" }), undefined);
  assertEquals(world.service.asked.map(({ secret, remoteip }) => [secret, remoteip]), [
    [SECRET, "8.8.4.4"],
    [SECRET, "2001:4860:4860::8888"],
    [SECRET, undefined],
  ]);
  assertEquals(world.service.asked[0]?.["response"], token);
});

Deno.test("recaptcha lets the same request in again, and the token with another one it refuses", async () => {
  await using world = new World();
  const token = world.service.issue();
  const sent: Sent = { body: '{"order":1}', target: "/webhook/a?x=1" };
  for (let times = 0; times < 3; times++) assertEquals(await world.sendToken(token, sent), undefined);
  for (
    const other of [{ body: '{"order":2}' }, { body: "" }, { method: "PUT" }, { target: "/webhook/a?x=2" }]
  ) {
    assertMatch(await world.sendToken(token, { ...sent, ...other }) ?? "", /^401 .* with another request$/);
  }
  assertEquals(world.service.asked.length, 1);
});

Deno.test("recaptcha asks once for requests with one token at the same time, and lets one body in", async () => {
  await using world = new World();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.service.gate = promise;
  const token = world.service.issue();
  const sending = ["1", "1", "2"].map((body) => world.sendToken(token, { body }));
  resolve();
  const answers = await Promise.all(sending);
  assertEquals(answers.slice(0, 2), [undefined, undefined]);
  assertStringIncludes(answers[2] ?? "", "with another request");
  assertEquals(world.service.asked.length, 1);
});

Deno.test("recaptcha refuses tokens that the service does not take, and asks once about each", async () => {
  await using world = new World();
  for (let times = 0; times < 3; times++) {
    assertMatch(await world.sendToken("guess") ?? "", /^401 The service does not take the token/);
  }
  assertEquals(world.service.asked.length, 1);
});

Deno.test("recaptcha refuses what can be no token before anything is asked or read", async () => {
  await using world = new World();
  assertStringIncludes(await world.send({}) ?? "", "401 The header 'X-Recaptcha-Token' is missing");
  for (const token of ["", " ", "a b", "a, b", "\u00e4", "x".repeat(8193)]) {
    assertMatch(await world.sendToken(token) ?? "", /^401 /, token);
  }
  const twice: Sent = { headers: [1, 2].map(() => ["x-recaptcha-token", world.service.issue()]) };
  assertMatch(await world.send(twice) ?? "", /^401 /);
  assertEquals(world.service.asked, []);
});

Deno.test("recaptcha with v3 takes a score from 'min_score' on, and no token without one", async () => {
  for (const min_score of [undefined, 0.5, "0.5"]) {
    await using world = new World({ min_score });
    const scored = (score: unknown) => {
      world.service.details = { score };
      return world.sendToken(world.service.issue());
    };
    assertEquals([await scored(0.5), await scored(1)], [undefined, undefined]);
    for (const score of [0.49, 0, -1, null, "0.9", true, undefined]) {
      assertMatch(await scored(score) ?? "", /^401 The token(.s score is less| has no score)/, String(score));
    }
  }
  await using world = new World({ version: "V2" });
  world.service.details = {};
  assertEquals(await world.sendToken(world.service.issue()), undefined);
});

Deno.test("recaptcha takes tokens of the configured sites and action alone", async () => {
  await using world = new World({ hostnames: ["Shop.Example.com", "example.org"], action: "order" });
  const with_ = (details: Readonly<Record<string, unknown>>) => {
    world.service.details = { score: 0.9, hostname: "shop.example.com", action: "order", ...details };
    return world.sendToken(world.service.issue());
  };
  assertEquals([await with_({}), await with_({ hostname: "EXAMPLE.ORG" })], [undefined, undefined]);
  for (
    const hostname of ["evil.example", "shop.example.com.evil.example", "example.com", "", null, undefined, [
      "shop.example.com",
    ]]
  ) {
    assertMatch(await with_({ hostname }) ?? "", /^401 .*'hostnames'$/);
  }
  for (const action of ["login", "orders", "Order", "", null, undefined]) {
    assertMatch(await with_({ action }) ?? "", /^401 .*'action'$/);
  }
});

Deno.test("recaptcha answers 503 while the service fails, and the token is good for the next try", async () => {
  await using world = new World();
  const token = world.service.issue();
  const failures = [
    { status: 500, text: '{"success":true}' },
    { status: 429, text: "slow down" },
    { status: 302, text: "" },
    { status: 200, text: "<html>" },
    { status: 200, text: "null" },
    { status: 200, text: '{"success":"true","score":1}' },
    { status: 200, text: '{"success":false,"error-codes":["invalid-input-secret"]}' },
  ];
  for (const failure of failures) {
    world.service.failure = failure;
    assertMatch(await world.sendToken(token) ?? "", /^503 The service /, failure.text);
  }
  world.service.failure = undefined;
  assertEquals(await world.sendToken(token), undefined);
});

Deno.test("recaptcha answers 503 when nothing listens at 'verify_url'", async () => {
  await using world = new World({ verify_url: "http://127.0.0.1:1/" });
  assertMatch(await world.sendToken("token") ?? "", /^503 The server 127\.0\.0\.1:1 cannot be asked/);
});

Deno.test("recaptcha finds a token in JSON and in forms, under its own name first", async () => {
  await using world = new World({ token_source: "body", token_field: "a/b~c", version: "v2" });
  const { service } = world;
  for (const name of ["a/b~c", "recaptcha_token", "recaptcha", "g-recaptcha-response"]) {
    assertEquals(await world.send({ body: JSON.stringify({ a: [1], [name]: service.issue() }) }), undefined);
    const form = new URLSearchParams({ a: "ü", [name]: service.issue() }).toString();
    assertEquals(await world.send({ body: form, headers: [FORM] }), undefined);
  }
  const both = { recaptcha: "wrong", "a/b~c": service.issue() };
  assertEquals(await world.send({ body: JSON.stringify(both) }), undefined);
  assertEquals(await world.send({ body: JSON.stringify(both) }), undefined, "The same request again");
  assertMatch(
    await world.send({ body: JSON.stringify({ ...both, more: 1 }) }) ?? "",
    /with another request$/,
  );
});

Deno.test("recaptcha finds no token in what is neither JSON nor a form, is too long or compressed", async () => {
  await using world = new World({ token_source: "body", version: "v2" });
  const token = world.service.issue();
  const json = JSON.stringify({ recaptcha: token });
  const refused: Sent[] = [
    { body: "" },
    { body: "{}" },
    { body: json.slice(0, -1) },
    { body: `[${json}]` },
    { body: JSON.stringify({ recaptcha: [token] }) },
    { body: JSON.stringify({ recaptcha: "" }) },
    { body: JSON.stringify({ recaptcha: token, padding: "x".repeat(1024 * 1024) }) },
    { body: json, headers: [["content-encoding", "gzip"]] },
    { body: json, headers: [FORM] },
    { body: `recaptcha=${token}` },
    { body: `recaptcha=${token}&recaptcha=${token}`, headers: [FORM] },
    { body: `recaptcha=${token}&a=%`, headers: [FORM] },
    { body: `recaptcha=`, headers: [FORM] },
    { body: "{}", headers: [["X-Recaptcha-Token", token]] },
  ];
  for (const sent of refused) assertMatch(await world.send(sent) ?? "", /^401 /, sent.body?.slice(0, 99));
  assertEquals(world.service.asked, []);
  assertEquals(await world.send({ body: json }), undefined);
});

Deno.test("recaptcha takes tokens of several secrets, counts which one it was, and shows none", async () => {
  await using world = new World({ secret_key: ["other", SECRET] });
  const counts = [0, 0];
  world.secrets.countWith(counts.map((_, index) => ({ increment: () => counts[index]!++ })));
  assert(!Deno.inspect(world.secrets).includes(SECRET));
  assertEquals(await world.sendToken(world.service.issue()), undefined);
  assertEquals(world.service.asked.map(({ secret }) => secret), ["other", SECRET]);
  assertMatch(await world.sendToken("guess") ?? "", /^401 /);
  assertEquals(counts, [0, 1]);
});

Deno.test("recaptcha refuses every change of a single bit of the token", async () => {
  await using world = new World();
  const token = world.service.issue();
  for (let index = 0; index < token.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = String.fromCharCode(token.charCodeAt(index) ^ (1 << bit));
      // Of control characters no header is made.
      if (changed < " " || changed === "\x7f") continue;
      assertMatch(
        await world.sendToken(token.slice(0, index) + changed + token.slice(index + 1)) ?? "",
        /^401 /,
      );
    }
  }
  assertEquals(await world.sendToken(token), undefined);
});

Deno.test("recaptcha does not take what cannot be right", () => {
  const problemsOf = (config: object) =>
    recaptcha.configSchema.safeParse({ secret_key: SECRET, ...config }).error?.issues.map(({ path }) =>
      path[0]
    );
  assertEquals(problemsOf({}), undefined);
  for (
    const [key, value] of [
      ["secret_key", ""],
      ["secret_key", " s"],
      ["version", "v4"],
      ["token_source", "query"],
      ["token_field", ""],
      ["token_field", "not a header"],
      ["min_score", 1.1],
      ["min_score", "high"],
      ["hostnames", []],
      ["action", ""],
      ["verify_url", "http://www.google.com/recaptcha/api/siteverify"],
      ["verify_url", "https://127.0.0.1/"],
      ["verify_url", "https://user:password@example.com/"],
      ["verify_url", "siteverify"],
      ["unknown", 1],
    ] as const
  ) assertEquals(problemsOf({ [key]: value })?.length, 1, `${key} ${value}`);
  const noticesOf = (config: object) =>
    recaptcha.notices?.(recaptcha.configSchema.parse({ secret_key: SECRET, ...config })).map(({ path }) =>
      path
    );
  assertEquals(noticesOf({}), []);
  assertEquals(noticesOf({ token_field: "X_Token" }), ["token_field"]);
  assertEquals(noticesOf({ version: "v2", min_score: 0.5 }), ["min_score"]);
});
