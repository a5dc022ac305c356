import { assertEquals, assertStringIncludes } from "@std/assert";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { signatureSchema } from "../../../../../src/auth/signature/settings.ts";
import { TestGateway } from "../../../../support/gateway.ts";
import { HttpTarget } from "../../../../support/http/target.ts";

const BODY = '{"metadata":{"topic":"MARKETPLACE_ACCOUNT_DELETION"},"notification":{"notificationId":"n1"}}';

const KEY = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** What eBay's API hands out: a token, and the keys by their names. */
async function ebayAndGateway(keys: Readonly<Record<string, KeyObject>>) {
  await using resources = new AsyncDisposableStack();
  const ebay = resources.use(await HttpTarget.start());
  ebay.answer(({ target, headers }) => {
    if (target === "/identity/v1/oauth2/token") {
      return { status: 200, body: JSON.stringify({ access_token: "token", expires_in: 7200 }) };
    }
    if (headers.get("authorization") !== "Bearer token") return { status: 401 };
    const key = keys[target.replace("/commerce/notification/v1/public_key/", "")];
    if (key === undefined) return { status: 404 };
    const pem = key.export({ type: "spki", format: "pem" }).toString().replaceAll("\n", "");
    return { status: 200, body: JSON.stringify({ key: pem, algorithm: "ECDSA", digest: "SHA1" }) };
  });
  const signature = {
    provider: "ebay",
    client_id: "shop",
    client_secret: "Ebay-Secret-1",
    api_url: ebay.url,
    allowed_hosts: ["127.0.0.1"],
  };
  const gateway = resources.use(
    await TestGateway.start({ webhooks: { deletions: { module: "log", signature } } }),
  );
  const kept = resources.move();
  return {
    ebay,
    gateway,
    /** The status of the answer to a notification that is signed with the key of this name. */
    send: async (kid: string, { privateKey } = KEY) => {
      const signed = sign("sha1", new TextEncoder().encode(BODY), privateKey).toString("base64");
      const header = btoa(JSON.stringify({ alg: "ecdsa", kid, signature: signed, digest: "SHA1" }));
      return (await gateway.post("/webhook/deletions", BODY, { "x-ebay-signature": header })).status;
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

Deno.test("a key of eBay is asked for once, as the application that is configured", async () => {
  await using world = await ebayAndGateway({ "key-1": KEY.publicKey });
  const statuses = await Promise.all([1, 2, 3].map(() => world.send("key-1")));
  assertEquals([...statuses, await world.send("key-1")], [200, 200, 200, 200]);
  assertEquals(world.ebay.requests.map(({ method, target }) => `${method} ${target}`), [
    "POST /identity/v1/oauth2/token",
    "GET /commerce/notification/v1/public_key/key-1",
  ]);
  const [asked] = world.ebay.requests;
  assertEquals(asked!.headers.get("authorization"), `Basic ${btoa("shop:Ebay-Secret-1")}`);
  assertStringIncludes(asked!.text, "grant_type=client_credentials");
});

Deno.test("a notification of another key, or of one that eBay does not know, is refused", async () => {
  await using world = await ebayAndGateway({ "key-1": KEY.publicKey });
  assertEquals(await world.send("key-1", generateKeyPairSync("ec", { namedCurve: "P-256" })), 412);
  assertEquals(await world.send("another"), 412);
  assertEquals(await world.send("another"), 412);
  assertEquals(world.ebay.requests.length, 3);
});

Deno.test("what is no name of a key never reaches eBay", async () => {
  await using world = await ebayAndGateway({ "key-1": KEY.publicKey });
  for (const kid of ["../../sell/account", "key-1?x=1", "", "k".repeat(101)]) {
    assertEquals(await world.send(kid), 412);
  }
  assertEquals(world.ebay.requests.length, 0);
});

Deno.test("while eBay cannot be asked a notification gets 503, and passes once it can", async () => {
  await using world = await ebayAndGateway({ "key-1": KEY.publicKey });
  world.ebay.answerNext({ status: 500 });
  assertEquals(await world.send("key-1"), 503);
  world.ebay.answerNext({ status: 200, body: '{"access_token":"old","expires_in":7200}' });
  assertEquals(await world.send("key-1"), 503);
  assertEquals(await world.send("key-1"), 200);
});

Deno.test("eBay's settings are either keys or an application, and an address that is public", () => {
  const problemsOf = (settings: Readonly<Record<string, unknown>>) => {
    const { error } = signatureSchema.safeParse({ provider: "ebay", ...settings });
    return error?.issues.map(({ path }) => path.join("."));
  };
  const application = { client_id: "shop", client_secret: "Ebay-Secret-1" };
  assertEquals(problemsOf({}), ["client_id"]);
  assertEquals(problemsOf({ client_id: "shop" }), ["client_secret"]);
  assertEquals(problemsOf({ ...application, api_url: "http://127.0.0.1:80" }), ["api_url"]);
  assertEquals(problemsOf({ ...application, api_url: "http://api.ebay.com" }), ["api_url"]);
  assertEquals(problemsOf(application), undefined);
});
