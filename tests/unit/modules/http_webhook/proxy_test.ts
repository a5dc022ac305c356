import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import { httpWebhookConfigSchemaWith } from "../../../../src/modules/http_webhook/config.ts";
import { httpWebhookModuleWith } from "../../../../src/modules/http_webhook/http_webhook.ts";
import { HttpWebhookClient } from "../../../../src/io/http_client.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { loadOutputBounds } from "../../../../src/settings/load.ts";
import { ForwardProxy } from "../../../support/http/forward_proxy.ts";
import { HttpTarget } from "../../../support/http/target.ts";
import { TEST_CA, TEST_CERTIFICATE } from "../../../support/http/test_certificate.ts";
import { OpenOutput } from "../../../support/open_output.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const LOGIN = `Basic ${btoa("gate:way:1")}`;
const USER = "gate:way%3A1";

/** Names are the proxy's to resolve: whoever asks here for one gets none. */
function openClient(): HttpWebhookClient {
  return new HttpWebhookClient({
    resolve: (name, _options, callback) =>
      name === "proxy.test"
        ? callback(null, [{ address: "127.0.0.1", family: 4 }])
        : callback(Object.assign(new Error("not found"), { code: "ENOTFOUND" }), []),
    ca: TEST_CA,
  });
}

/** Delivers one event. @param environment with `HTTPS_PROXY` and its like */
async function deliver(
  config: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<DeliveryResult> {
  const module = httpWebhookModuleWith(openClient, loadOutputBounds(environment).proxies);
  await using output = await OpenOutput.open(module, undefined);
  const [result] = await output.deliver([verifiedEvent()], config);
  return result!;
}

/** An HTTPS service that has the certificate of `orders.test`. */
function secureTarget(): Deno.HttpServer<Deno.NetAddr> {
  const options = { port: 0, hostname: "127.0.0.1", onListen() {}, ...TEST_CERTIFICATE };
  return Deno.serve(options, async (request) => {
    await request.arrayBuffer();
    return new Response();
  });
}

function assertUnavailable(result: DeliveryResult, message: string): void {
  assertInstanceOf(result, DeliveryError);
  assertEquals([result.code, result.disposition], ["output_unavailable", "retry"]);
  assertStringIncludes(result.message, message);
  assert(!result.message.includes("way:1"));
}

for (const scheme of ["http", "https"] as const) {
  const tls = scheme === "https" ? { tls: TEST_CERTIFICATE } : {};
  const host = scheme === "https" ? "orders.test" : "proxy.test";

  Deno.test(`an https destination is reached through an ${scheme} proxy, which resolves its name`, async () => {
    await using target = secureTarget();
    await using proxy = await ForwardProxy.start({ login: LOGIN, ...tls });
    const client = new HttpWebhookClient({
      resolve: (_name, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
      ca: TEST_CA,
    });
    await using output = await OpenOutput.open(httpWebhookModuleWith(() => client), undefined);
    const config = {
      url: `https://orders.test:${target.addr.port}/hooks?key=s3cret`,
      proxy: `${scheme}://${USER}@${host}:${proxy.port}`,
      allowed_hosts: ["orders.test", "proxy.test"],
    };
    const events = [verifiedEvent(), verifiedEvent({ body: "x".repeat(300_000) })];
    for (const event of events) assertEquals(await output.deliver([event], config), ["delivered"]);
    // The way is kept like any connection.
    assertEquals(proxy.asked, [`CONNECT orders.test:${target.addr.port}`]);
  });
}

Deno.test("an http destination is asked for at the proxy, and gets nothing that is meant for that", async () => {
  await using target = await HttpTarget.start();
  await using proxy = await ForwardProxy.start({ login: LOGIN });
  const config = {
    url: `http://orders.test:${target.port}/hooks?key=1`,
    proxy: `http://${USER}@proxy.test:${proxy.port}`,
    allowed_hosts: ["orders.test", "proxy.test"],
  };
  assertEquals(await deliver(config), "delivered");
  assertEquals(proxy.asked, [`POST http://orders.test:${target.port}/hooks?key=1`]);
  const [request] = target.requests;
  assertEquals([request?.target, request?.headers.get("host")], [
    "/hooks?key=1",
    `orders.test:${target.port}`,
  ]);
  assertEquals(request?.headers.get("proxy-authorization"), null);
  const wrong = { ...config, proxy: `http://gate:other@proxy.test:${proxy.port}` };
  assertUnavailable(await deliver(wrong), "wants another user name and password: it answered 407");
});

Deno.test("the proxies of the environment are used for what NO_PROXY does not name", async () => {
  await using target = await HttpTarget.start();
  await using proxy = await ForwardProxy.start();
  const environment = { http_proxy: `proxy.test:${proxy.port}`, NO_PROXY: ".internal.test, 10.0.0.0/8" };
  const config = (host: string, more = {}) => ({
    url: `http://${host}:${target.port}/`,
    allowed_hosts: [host],
    ...more,
  });
  assertEquals(await deliver(config("orders.test"), environment), "delivered");
  assertEquals(proxy.asked.length, 1);
  assertEquals(await deliver(config("127.0.0.1"), environment), "delivered");
  assertUnavailable(await deliver(config("a.internal.test"), environment), "ENOTFOUND");
  assertUnavailable(await deliver(config("orders.test", { proxy: "none" }), environment), "ENOTFOUND");
  assertEquals(proxy.asked.length, 1);
});

Deno.test("events wait while their proxy is down or opens no way, and the message says which one", async () => {
  await using target = secureTarget();
  await using proxy = await ForwardProxy.start({ login: LOGIN });
  const config = (port: number, user = USER) => ({
    url: `https://orders.test:${target.addr.port}/`,
    proxy: `http://${user}@proxy.test:${port}`,
    allowed_hosts: ["orders.test", "proxy.test"],
  });
  const through = `cannot be reached: the proxy proxy.test:${proxy.port}`;
  assertUnavailable(await deliver(config(1)), "the proxy proxy.test:1 cannot be reached: ECONNREFUSED");
  assertUnavailable(
    await deliver(config(proxy.port, "gate:other")),
    `${through} wants another user name and password: it answered 407`,
  );
  for (
    const [refusal, expected] of [
      ["HTTP/1.1 503 Busy\r\nRetry-After: 5\r\n\r\n", "answered 503"],
      ["SSH-2.0-OpenSSH\r\n\r\n", "did not answer in HTTP"],
      [`HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}`, "did not answer in HTTP"],
      ["HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "sends what was not asked for"],
      ["HTTP/1.1 200", "closed the connection"],
    ] as const
  ) {
    proxy.refusal = refusal;
    assertUnavailable(await deliver(config(proxy.port)), `${through} ${expected}`);
  }
});

Deno.test("a server of tokens is asked through the proxy, too", async () => {
  await using target = await HttpTarget.start();
  await using server = await HttpTarget.start();
  await using proxy = await ForwardProxy.start();
  server.answer({ status: 200, body: JSON.stringify({ access_token: "t" }) });
  const config = {
    url: `http://orders.test:${target.port}/`,
    proxy: `http://proxy.test:${proxy.port}`,
    auth: {
      oauth2: {
        token_url: `http://login.test:${server.port}/token`,
        client_id: "c",
        client_secret: "s3cret",
      },
    },
    allowed_hosts: ["orders.test", "login.test", "proxy.test"],
  };
  assertEquals(await deliver(config), "delivered");
  assertEquals(proxy.asked, [
    `POST http://login.test:${server.port}/token`,
    `POST http://orders.test:${target.port}/`,
  ]);
});

/** The problems of `module-config`. */
function problemsOf(
  config: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): readonly string[] {
  const schema = httpWebhookConfigSchemaWith(loadOutputBounds(environment).proxies);
  const { error } = schema.safeParse({ url: "https://orders.example", ...config });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

Deno.test("through a proxy destinations are permitted by their names, since it resolves them", () => {
  const environment = { HTTPS_PROXY: "http://proxy.internal:3128" };
  const refused = (reason: string) => [`url: The host is refused, it is ${reason}: see allowed_hosts`];
  const onlyNames = refused("not in allowed_hosts, of which only names count here");
  assertEquals(problemsOf({}, environment), []);
  assertEquals(problemsOf({ allowed_hosts: ["10.0.0.0/8"] }), []);
  assertEquals(problemsOf({ allowed_hosts: ["10.0.0.0/8"] }, environment), onlyNames);
  assertEquals(problemsOf({ allowed_hosts: ["10.0.0.0/8", "orders.example:443"] }, environment), []);
  assertEquals(problemsOf({ url: "https://10.0.0.1/", allowed_hosts: ["10.0.0.0/8"] }, environment), []);
  assertEquals(problemsOf({ url: "https://10.0.0.1/" }, environment), refused("a private address"));
  const metadata = { url: "https://metadata.google.internal/computeMetadata/v1/" };
  assertEquals(problemsOf(metadata, environment), refused("a cloud metadata name"));
  assertEquals(problemsOf({ ...metadata, proxy: "none" }, environment), []);
});

Deno.test("a proxy that a webhook names has to be permitted like a destination, and is not shown", () => {
  const refused = (reason: string) => [`proxy: The host is refused, it is ${reason}: see allowed_hosts`];
  assertEquals(problemsOf({ proxy: "http://user:pa55word@proxy.example:3128" }), []);
  assertEquals(problemsOf({ proxy: "http://169.254.169.254" }), refused("a link-local address"));
  assertEquals(
    problemsOf({ proxy: "http://proxy.example:3128", allowed_hosts: ["orders.example"] }),
    refused("not in allowed_hosts"),
  );
  const wrong: Readonly<Record<string, string>> = {
    "socks5://pa55word@proxy.example:1080": "Must be an http or https proxy",
    "http://proxy.example:3128/pa55word": "Must have no path",
    "user:pa55word@proxy.example:3128": "Must begin with http:// where it has a user name",
    "http://user%ff:pa55word@proxy.example":
      "User name and password must be percent-encoded, and the name without a colon",
    "http://": "Not an address, such as http://proxy.example:3128",
  };
  for (const [proxy, message] of Object.entries(wrong)) {
    assertEquals(problemsOf({ proxy }), [`proxy: ${message}`]);
  }
});
