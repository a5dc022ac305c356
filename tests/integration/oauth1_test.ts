import { assertEquals, assertMatch } from "@std/assert";
import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import OAuth from "oauth-1.0a";
import { freePort } from "../support/proxies/reverse_proxy.ts";
import { TestGateway } from "../support/gateway.ts";
import { DEBIAN_PYTHON, runPython } from "../support/python.ts";

const SECRETS = { consumer_secret: "kd94 hf93&ü", token_secret: "pfkk/dhi9" };
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const RSA = { rsa_public_key: publicKey.export({ type: "spki", format: "pem" }) };
const ADMIN_TOKEN = "an-admin-token-of-the-test";

/** A gateway that is reached under its own address, with a webhook for each method. */
async function startGateway(): Promise<TestGateway> {
  const port = freePort();
  const webhook = (config: object) => ({ module: "log", oauth1: { consumer_key: "shop", ...config } });
  const hook = (method: string) =>
    webhook({ signature_method: method, ...(method.startsWith("RSA") ? RSA : SECRETS) });
  const methods = ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "PLAINTEXT"];
  return await TestGateway.start({
    webhooks: {
      ...Object.fromEntries(methods.map((method) => [method, hook(method)])),
      form: { ...webhook(SECRETS), data_type: "form" },
      hashed: webhook({ ...SECRETS, require_body_hash: true }),
    },
    environment: { PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}`, ADMIN_TOKEN },
  });
}

/** The library, set up for a method as its manual says. */
function library(method: string, config: { readonly bodyHash?: boolean } = {}): OAuth {
  const hash = method.slice(method.indexOf("-") + 1).toLowerCase();
  return new OAuth({
    consumer: { key: "shop", secret: SECRETS.consumer_secret },
    signature_method: method,
    hash_function: (base, key) =>
      method.startsWith("RSA")
        ? sign(hash, new TextEncoder().encode(base), privateKey).toString("base64")
        : createHmac(hash, key).update(base).digest("base64"),
    ...(config.bodyHash === true
      ? { body_hash_function: (data: string) => createHash("sha1").update(data).digest("base64") }
      : {}),
  });
}

const TOKEN = { key: "token-1", secret: SECRETS.token_secret };

Deno.test("requests that npm's oauth-1.0a signs get in, once, with a query and by each method", async () => {
  await using gateway = await startGateway();
  for (const method of ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256"]) {
    const url = gateway.url(`/webhook/${method}?b5=%26%25&a3=a&c=&a2=r%20b&a3=%C3%BC`);
    const oauth = library(method);
    const { Authorization } = oauth.toHeader(oauth.authorize({ url, method: "POST" }, TOKEN));
    const send = (path: string) => gateway.post(path, "{}", { Authorization });
    const target = url.slice(gateway.url("").length);
    assertEquals((await send(target.replace("a3=a", "a3=b"))).status, 401, method);
    assertEquals((await send(target)).status, 200, method);
    const again = await send(target);
    assertEquals([again.status, again.headers.get("www-authenticate")], [401, 'OAuth realm="webhook"']);
  }
});

Deno.test("forms and body hashes that npm's oauth-1.0a signs are verified", async () => {
  await using gateway = await startGateway();
  const oauth = library("HMAC-SHA1");
  const data = { item: "Bücher & mehr", count: "2" };
  const url = gateway.url("/webhook/form");
  const { Authorization } = oauth.toHeader(oauth.authorize({ url, method: "POST", data }, TOKEN));
  const post = (form: object) =>
    gateway.post("/webhook/form", new URLSearchParams({ ...form }), { Authorization });
  assertEquals((await post({ ...data, count: "3" })).status, 401);
  assertEquals((await post(data)).status, 200);

  const hashing = library("HMAC-SHA1", { bodyHash: true });
  const request = {
    url: gateway.url("/webhook/hashed"),
    method: "POST",
    data: '{"a":1}',
    includeBodyHash: true,
  };
  const headers = hashing.toHeader(hashing.authorize(request, TOKEN));
  const sent = (body: string) => gateway.post("/webhook/hashed", body, { ...headers });
  assertEquals((await sent('{"a":2}')).status, 401);
  assertEquals((await sent('{"a":1}')).status, 200);
});

Deno.test("requests that Python's requests-oauthlib signs get in, and with another secret they do not", async () => {
  await using gateway = await startGateway();
  const client = {
    client_key: "shop",
    client_secret: SECRETS.consumer_secret,
    resource_owner_key: "token-1",
    resource_owner_secret: SECRETS.token_secret,
  };
  const url = (id: string) => gateway.url(`/webhook/${id}?source=a%20b&x=%41;~&x=`);
  const json = { name: "Łódź" };
  const hmac = (method: string) => ({
    url: url(method),
    client: { ...client, signature_method: method },
    json,
  });
  const requests = [
    hmac("HMAC-SHA1"),
    hmac("HMAC-SHA256"),
    hmac("HMAC-SHA512"),
    hmac("PLAINTEXT"),
    {
      url: url("form"),
      client,
      form: [["item", "Bücher & mehr"], ["count", "2+3"], ["count", ""], ["a*b~", "!"]],
    },
    { url: url("hashed"), client: { ...client, force_include_body: true }, json: { a: 1 } },
    ...["", "wrong"].flatMap((secret) => [
      { url: url("HMAC-SHA1"), client: { ...client, client_secret: secret }, json },
      { url: url("form"), client: { ...client, resource_owner_secret: secret }, form: [["a", "1"]] },
    ]),
  ];
  const statuses = JSON.parse(await runPython("python_oauth1.py", JSON.stringify(requests), DEBIAN_PYTHON));
  assertEquals(statuses, [200, 200, 200, 200, 200, 200, 401, 401, 401, 401]);
});

Deno.test("operators see why a request that is signed for another URL is refused, and senders do not", async () => {
  await using gateway = await startGateway();
  const oauth = library("HMAC-SHA1");
  const url = gateway.url("/webhook/HMAC-SHA256");
  const { Authorization } = oauth.toHeader(oauth.authorize({ url, method: "POST" }, TOKEN));
  const answer = await gateway.post("/webhook/HMAC-SHA1", "{}", { Authorization });
  assertEquals([answer.status, JSON.parse(answer.text).error.message], [
    401,
    "The request is not authenticated",
  ]);
  const page = await gateway.request("/admin/webhooks/default/HMAC-SHA1", {
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const { reason } = JSON.parse(page.text).refusals[0];
  assertMatch(reason, /another URL than the sender's: a proxy may have changed host, path or query$/);
});

Deno.test("a request that comes again is refused also when the webhook was changed in between", async () => {
  const port = freePort();
  const webhooks = (more: object) => ({
    orders: { module: "log", oauth1: { consumer_key: "shop", ...SECRETS, ...more } },
  });
  await using gateway = await TestGateway.start({
    webhooks: webhooks({}),
    environment: { PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` },
  });
  const oauth = library("HMAC-SHA1");
  const sign = () => {
    const request = { url: gateway.url("/webhook/orders"), method: "POST" };
    return { Authorization: oauth.toHeader(oauth.authorize(request, TOKEN)).Authorization };
  };
  const send = async (headers: HeadersInit) => (await gateway.post("/webhook/orders", "{}", headers)).status;
  const heard = sign();
  assertEquals(await send(heard), 200);
  await gateway.writeWebhooks(webhooks({ timestamp_window: 600 }));
  await gateway.reload();
  assertEquals([await send(heard), await send(sign())], [401, 200]);
});
