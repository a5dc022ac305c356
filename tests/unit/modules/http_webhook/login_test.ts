import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import { HttpWebhookClient } from "../../../../src/io/http_client.ts";
import { httpWebhookConfigSchema } from "../../../../src/modules/http_webhook/config.ts";
import { httpWebhookModuleWith } from "../../../../src/modules/http_webhook/http_webhook.ts";
import { TokenCache } from "../../../../src/modules/http_webhook/login/token_cache.ts";
import type { Resolver } from "../../../../src/io/name_lookups.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { type Answer, HttpTarget, type Reply } from "../../../support/http/target.ts";
import { TEST_CA, TEST_CERTIFICATE } from "../../../support/http/test_certificate.ts";
import { OpenOutput } from "../../../support/open_output.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const NEVER = new AbortController().signal;

function tokenAnswer(token: string, more: Readonly<Record<string, unknown>> = {}): Reply {
  const body = JSON.stringify({ access_token: token, token_type: "bearer", expires_in: 3600, ...more });
  return { status: 200, headers: { "content-type": "application/json" }, body };
}

/** A destination, a server of tokens that numbers them, and what delivers to the one with tokens of the other. */
class World implements AsyncDisposable {
  readonly #module = httpWebhookModuleWith(() => new HttpWebhookClient());
  readonly #resources: AsyncDisposableStack;

  private constructor(
    readonly target: HttpTarget,
    readonly server: HttpTarget,
    resources: AsyncDisposableStack,
  ) {
    this.#resources = resources;
  }

  static async start(): Promise<World> {
    const resources = new AsyncDisposableStack();
    const target = resources.use(await HttpTarget.start());
    const server = resources.use(await HttpTarget.start());
    let issued = 0;
    server.answer(() => tokenAnswer(`token-${++issued}`));
    return new World(target, server, resources);
  }

  /** `module-config` with tokens of the server. */
  config(oauth2: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
    return {
      url: `${this.target.url}/hooks`,
      allowed_hosts: ["127.0.0.1"],
      auth: {
        oauth2: {
          token_url: `${this.server.url}/token?key=query-s3cret`,
          client_id: "shop:1",
          client_secret: "client s3cret",
          ...oauth2,
        },
      },
    };
  }

  /** Delivers an event with each of these configurations at once, by an output of its own. */
  deliver(...configs: readonly unknown[]): Promise<readonly DeliveryResult[]> {
    return Promise.all(configs.map(async (config) => {
      const output = this.#resources.use(await OpenOutput.open(this.#module, undefined));
      const [result] = await output.deliver([verifiedEvent()], config);
      return result!;
    }));
  }

  /** The failure of a delivery while the server of tokens gives this answer. */
  async failWith(answer: Answer): Promise<DeliveryError> {
    this.server.answer(answer);
    const [result] = await this.deliver(this.config());
    assertInstanceOf(result, DeliveryError);
    return result;
  }

  /** The values of `Authorization` that the destination got, in order. */
  get presented(): readonly (string | null)[] {
    return this.target.requests.map(({ headers }) => headers.get("authorization"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

Deno.test("a destination gets the bearer token or the name and password that are configured", async () => {
  await using world = await World.start();
  const { auth: _, ...config } = world.config();
  const auths = [{ bearer: "t0k3n" }, { bearer: { token: "t0k3n" } }, {
    basic: { username: "shop", password: "pä:ss" },
  }];
  for (const auth of auths) assertEquals(await world.deliver({ ...config, auth }), ["delivered"]);
  assertEquals(world.presented, ["Bearer t0k3n", "Bearer t0k3n", "Basic c2hvcDpww6Q6c3M="]);
});

Deno.test("a destination gets an access token, which is asked for as the client is configured", async () => {
  await using world = await World.start();
  const configs = [
    world.config({ scope: "orders:write shipments", audience: "https://orders.example" }),
    world.config({ client_auth: "post" }),
  ];
  for (const config of configs) assertEquals(await world.deliver(config), ["delivered"]);
  assertEquals(world.presented, ["Bearer token-1", "Bearer token-2"]);
  const [basic, post] = world.server.requests;
  assertEquals([basic?.method, basic?.target], ["POST", "/token?key=query-s3cret"]);
  assertEquals(basic?.headers.get("authorization"), `Basic ${btoa("shop%3A1:client+s3cret")}`);
  assertEquals(Object.fromEntries(new URLSearchParams(basic?.text)), {
    grant_type: "client_credentials",
    scope: "orders:write shipments",
    audience: "https://orders.example",
  });
  assertEquals(post?.headers.get("authorization"), null);
  assertEquals(Object.fromEntries(new URLSearchParams(post?.text)), {
    grant_type: "client_credentials",
    client_id: "shop:1",
    client_secret: "client s3cret",
  });
});

Deno.test("webhooks with the same client share a token that is asked for once, others have their own", async () => {
  await using world = await World.start();
  const same = Array.from(
    { length: 20 },
    (_, index) => ({ ...world.config(), url: `${world.target.url}/${index}` }),
  );
  assertEquals([...new Set(await world.deliver(...same))], ["delivered"]);
  assertEquals(world.server.requests.length, 1);
  await world.deliver(world.config({ scope: "other" }), world.config({ client_secret: "other" }));
  assertEquals(world.server.requests.length, 3);
  await world.deliver(world.config());
  assertEquals(world.server.requests.length, 3);
});

Deno.test("a token that is refused is renewed once, for all deliveries that were refused with it", async () => {
  await using world = await World.start();
  world.target.answer(({ headers }) => ({
    status: headers.get("authorization") === "Bearer token-1" ? 401 : 200,
  }));
  const results = await world.deliver(...Array(5).fill(world.config()));
  assertEquals([...new Set(results)], ["delivered"]);
  assertEquals(world.server.requests.length, 2);
  assertEquals(await world.deliver(world.config()), ["delivered"]);
  assertEquals(world.presented.at(-1), "Bearer token-2");
});

Deno.test("a destination that refuses every token gets two an attempt at most, and then no new ones", async () => {
  await using world = await World.start();
  world.target.answer({ status: 401 });
  for (let delivery = 0; delivery < 3; delivery++) {
    const [result] = await world.deliver(world.config());
    assertInstanceOf(result, DeliveryError);
    assertEquals([result.disposition, result.code], ["retry", "output_failed"]);
  }
  assertEquals(world.presented, ["Bearer token-1", "Bearer token-2", "Bearer token-2", "Bearer token-2"]);
});

Deno.test("a token is used until shortly before its end, by a lifetime that may be a text", async () => {
  await using world = await World.start();
  using http = new HttpWebhookClient();
  const { tokens } = httpWebhookConfigSchema.parse(world.config());
  let now = 0;
  const cache = new TokenCache(() => now);
  const presentedAt = async (seconds: number) => {
    now = seconds * 1000;
    let presented = "";
    await cache.send(tokens!, http, NEVER, (authorization) => {
      presented = authorization;
      return Promise.resolve({ status: 200 });
    });
    return presented;
  };
  world.server.answerNext(tokenAnswer("hour"), tokenAnswer("minute", { expires_in: "60" }));
  assertEquals(await presentedAt(0), "Bearer hour");
  assertEquals(await presentedAt(3539), "Bearer hour");
  assertEquals(await presentedAt(3540), "Bearer minute");
  assertEquals(await presentedAt(3587), "Bearer minute");
  assertEquals(await presentedAt(3588), "Bearer token-1");
});

Deno.test("events wait while their server of tokens gives none, and nothing is sent without one", async () => {
  await using world = await World.start();
  const host = new URL(world.server.url).host;
  const oauthError = (status: number, error: string): Answer => ({ status, body: JSON.stringify({ error }) });
  const answers: readonly (readonly [Answer, string])[] = [
    [oauthError(401, "invalid_client"), "answered 401 (invalid_client)"],
    [oauthError(400, "client s3cret"), "answered 400"],
    [{ status: 503, headers: { "retry-after": "7" } }, "answered 503"],
    [{ status: 302, headers: { location: `${world.target.url}/login` } }, "answered 302"],
    [{ status: 200, body: "<html>" }, "answered without an access_token"],
    [{ status: 200, body: "null" }, "answered without an access_token"],
    [tokenAnswer("two words"), "answered without an access_token"],
    [tokenAnswer("a\r\nb: c"), "answered without an access_token"],
    [tokenAnswer("t", { token_type: "DPoP" }), "gives tokens of another type than Bearer"],
    [{ status: 200, body: "x".repeat(65 * 1024) }, "cannot be asked: the answer is longer than 65536 bytes"],
    ["drop", "cannot be asked: ECONNRESET"],
  ];
  for (const [answer, expected] of answers) {
    const error = await world.failWith(answer);
    assertEquals([error.code, error.disposition], ["output_unavailable", "retry"]);
    assertEquals(error.message, `The token server ${host} ${expected}: see auth.oauth2`);
  }
  assertEquals((await world.failWith({ status: 503, headers: { "retry-after": "7" } })).retryAfterSeconds, 7);
  assertEquals(world.target.requests, []);
});

Deno.test("a delivery waits no longer for a token than for its answer, and the next one may have it", async () => {
  await using world = await World.start();
  using http = new HttpWebhookClient();
  const { tokens } = httpWebhookConfigSchema.parse(world.config());
  const cache = new TokenCache();
  const send = () => Promise.resolve({ status: 200 });
  const asked = Promise.withResolvers<void>();
  world.server.answerNext({ ...tokenAnswer("late"), after: asked.promise });
  const deadline = new AbortController();
  const late = cache.send(tokens!, http, deadline.signal, send);
  await world.server.waitForRequests(1);
  deadline.abort(new DeliveryError("output_timeout"));
  const error = await assertRejects(() => late, DeliveryError, "did not answer in time");
  assertEquals(error.code, "output_timeout");
  const next = cache.send(tokens!, http, NEVER, send);
  asked.resolve();
  assertEquals(await next, { status: 200 });
  assertEquals(world.server.requests.length, 1);
});

Deno.test("a server of tokens is trusted by authorities of its own, not by the destination's", async () => {
  await using world = await World.start();
  const options = { port: 0, hostname: "127.0.0.1", onListen() {}, ...TEST_CERTIFICATE };
  const answer = () => Response.json({ access_token: "secure" });
  await using server = Deno.serve(options, answer);
  const resolve: Resolver = (_name, _options, callback) =>
    callback(null, [{ address: "127.0.0.1", family: 4 }]);
  const module = httpWebhookModuleWith(() => new HttpWebhookClient({ resolve }));
  await using output = await OpenOutput.open(module, undefined);
  const config = (oauth2: object, more: object) => ({
    ...world.config({ token_url: `https://orders.test:${server.addr.port}/`, ...oauth2 }),
    allowed_hosts: ["127.0.0.1", "orders.test"],
    ...more,
  });
  const event = verifiedEvent();
  assertEquals(await output.attempt(event, config({}, { ca: TEST_CA })), "output_unavailable");
  assertEquals(await output.attempt(event, config({ ca: TEST_CA }, {})), "delivered");
  assertEquals(world.presented, ["Bearer secure"]);
});

/** The problems of `module-config`. */
function problemsOf(config: Readonly<Record<string, unknown>>): readonly string[] {
  const { error } = httpWebhookConfigSchema.safeParse({ url: "https://orders.example", ...config });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

Deno.test("a server of tokens has to be permitted like a destination, and asked by https", () => {
  const oauth2 = { token_url: "https://login.example/token", client_id: "c", client_secret: "s3cret" };
  const problems = (more: object, others: object = {}) =>
    problemsOf({ auth: { oauth2: { ...oauth2, ...more } }, ...others });
  assertEquals(problems({}), []);
  assertEquals(problems({ token_url: "http://login.example/" }), [
    "auth.oauth2.token_url: Must begin with https: the secret is sent there. Or name the host in allowed_hosts",
  ]);
  assertEquals(
    problems({ token_url: "http://login.example/" }, { allowed_hosts: ["login.example", "orders.example"] }),
    [],
  );
  assertEquals(problems({}, { allowed_hosts: ["orders.example"] }), [
    "auth.oauth2.token_url: The host is refused, it is not in allowed_hosts: see allowed_hosts",
  ]);
  assertStringIncludes(problems({ token_url: "https://169.254.169.254/" })[0]!, "a link-local address");
  const [credentials] = problems({ token_url: "https://user:pa55word@login.example/" });
  assertStringIncludes(
    credentials!,
    "auth.oauth2.token_url: User name and password do not belong into the address",
  );
  assert(!credentials!.includes("pa55word"));
});

Deno.test("a login that cannot be is a problem that says so and does not show the secret", () => {
  const oneOf = "auth: Must hold one of bearer, basic and oauth2, or client_certificate, or it beside one";
  assertEquals(problemsOf({ auth: {} }), [oneOf]);
  assertEquals(problemsOf({ auth: { bearer: "s3cret", basic: { username: "u", password: "s3cret" } } }), [
    oneOf,
  ]);
  assertEquals(problemsOf({ auth: { bearer: "s3cret text" } }), [
    "auth.bearer.token: Contains white space or a character that a header cannot carry",
  ]);
  assertEquals(problemsOf({ auth: { bearer: "" } }), ["auth.bearer.token: Must not be empty"]);
  assertEquals(problemsOf({ auth: { basic: { username: "a:b", password: "s3cret\0" } } }), [
    "auth.basic.username: Must not be empty, and have no colon or control character",
    "auth.basic.password: Contains a control character",
  ]);
  assertEquals(problemsOf({ auth: { bearer: "s3cret" }, headers: { Authorization: "Bearer x" } }), [
    "headers.Authorization: This header is set by auth",
  ]);
  assertEquals(problemsOf({ url: "https://user:pa55word@orders.example" }), [
    "url: User name and password do not belong into the address: give them in auth",
  ]);
});
