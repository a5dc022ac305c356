import { assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { TestGateway } from "../../../support/gateway.ts";
import { HttpTarget } from "../../../support/http/target.ts";
import { ecKey, inAnHour, keyToken, type TestKey } from "../../../support/jose/tokens.ts";

const KEY = ecKey();
const NEXT_KEY = ecKey();

/** An issuer with a server of keys, and a gateway with webhooks that ask it. */
async function issuerAndGateway(webhooks: readonly string[]) {
  await using resources = new AsyncDisposableStack();
  const issuer = resources.use(await HttpTarget.start());
  const jwt = { jwks_url: `${issuer.url}/keys`, allowed_hosts: ["127.0.0.1"] };
  const gateway = resources.use(
    await TestGateway.start({
      webhooks: Object.fromEntries(webhooks.map((id) => [id, { module: "log", jwt }])),
    }),
  );
  const kept = resources.move();
  return {
    issuer,
    gateway,
    publish: (...keys: readonly TestKey[]) => issuer.answer({ status: 200, body: setOf(keys) }),
    send: (webhook: string, key: TestKey, kid = "0") => {
      const authorization = `Bearer ${keyToken(key, "ES256", { exp: inAnHour() }, { kid })}`;
      return gateway.post(`/webhook/${webhook}`, "{}", { authorization });
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

function setOf(keys: readonly TestKey[]): string {
  const jwks = keys.map(({ publicKey }, index) => ({
    ...publicKey.export({ format: "jwk" }),
    kid: String(index),
  }));
  return JSON.stringify({ keys: jwks });
}

Deno.test("webhooks with the same jwks_url share its keys", async () => {
  await using world = await issuerAndGateway(["a", "b", "c"]);
  world.publish(KEY);
  const answers = await Promise.all(["a", "b", "c"].map((webhook) => world.send(webhook, KEY)));
  assertEquals(answers.map(({ status }) => status), [200, 200, 200]);
  assertEquals((await world.send("a", NEXT_KEY)).status, 401);
  assertEquals(world.issuer.requests.length, 1);
});

Deno.test("a webhook whose jwks_url cannot be asked answers 503, and the sender learns nothing", async () => {
  await using world = await issuerAndGateway(["a"]);
  world.issuer.answer({ status: 500, body: "the issuer's own error" });
  const { status, headers, text } = await world.send("a", KEY);
  assertEquals([status, headers.get("retry-after"), headers.get("www-authenticate")], [503, "5", null]);
  const { error } = JSON.parse(text) as {
    readonly error: { readonly code: string; readonly message: string };
  };
  assertEquals(error.code, "authentication_unavailable");
  assertEquals(error.message, "The request cannot be authenticated at the moment");
});

Deno.test("calls to servers of keys are counted by their outcome, without path and query", async () => {
  await using world = await issuerAndGateway(["a"]);
  world.issuer.answer("drop");
  assertEquals((await world.send("a", KEY)).status, 503);
  const { text } = await world.gateway.request("/metrics");
  const counts = [...text.matchAll(/^cwm_auth_server_calls_total\{server="(.*)",outcome="(.*)"\} (\d+)$/gm)];
  assertEquals(counts.map(([, ...labels]) => labels), [[new URL(world.issuer.url).host, "failed", "1"]]);
});

Deno.test("keys are asked for again once no webhook has used them any more", async () => {
  await using world = await issuerAndGateway(["a", "b"]);
  world.publish(KEY);
  assertEquals((await world.send("a", KEY)).status, 200);
  assertEquals((await world.send("b", KEY)).status, 200);
  const jwt = { jwks_url: `${world.issuer.url}/keys`, allowed_hosts: ["127.0.0.1"] };
  await world.gateway.writeWebhooks({ a: { module: "log", jwt } });
  await eventually(async () => assertEquals((await world.send("b", KEY)).status, 404));
  assertEquals((await world.send("a", KEY)).status, 200);
  assertEquals(world.issuer.requests.length, 1);
  await world.gateway.writeWebhooks({});
  await eventually(async () => assertEquals((await world.send("a", KEY)).status, 404));
  await world.gateway.writeWebhooks({ a: { module: "log", jwt } });
  await eventually(async () => assertEquals((await world.send("a", KEY)).status, 200));
  assertEquals(world.issuer.requests.length, 2);
});

Deno.test("a gateway that stops does not wait for keys", async () => {
  await using world = await issuerAndGateway(["a"]);
  world.issuer.answer("hang");
  const sending = world.send("a", KEY).catch(() => undefined);
  await world.issuer.waitForRequests(1);
  await world.gateway[Symbol.asyncDispose]();
  await sending;
});
