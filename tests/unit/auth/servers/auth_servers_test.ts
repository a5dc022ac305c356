import process from "node:process";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  AuthServers,
  type AuthServersOptions,
  type Question,
} from "../../../../src/auth/servers/auth_servers.ts";
import { ServerUnavailableError } from "../../../../src/auth/servers/unavailable.ts";
import { DestinationPolicy, parseAllowedHost } from "../../../../src/io/destination_policy.ts";
import type { Resolver } from "../../../../src/io/name_lookups.ts";
import { type Answer, HttpTarget, redirectTo } from "../../../support/http/target.ts";
import { TEST_CA, TEST_CERTIFICATE } from "../../../support/http/test_certificate.ts";

const PATH = "/introspect?client=secret-client";

function questionFor(target: HttpTarget, allowed: readonly string[] = ["127.0.0.1"]): Question {
  return {
    destination: {
      protocol: "http:",
      hostname: "127.0.0.1",
      port: target.port,
      path: PATH,
      policy: new DestinationPolicy(allowed.map((entry) => parseAllowedHost(entry)!)),
    },
    method: "POST",
    body: new TextEncoder().encode("token=secret-token"),
  };
}

/** Asks a server that answers so, and returns the error. */
async function failureOf(answer: Answer, options: AuthServersOptions = {}): Promise<ServerUnavailableError> {
  await using target = await HttpTarget.start();
  await using servers = new AuthServers(options);
  target.answer(answer);
  return await assertRejects(() => servers.ask(questionFor(target)), ServerUnavailableError);
}

Deno.test("a server is asked with the body as given, and its answer is handed on whatever the status", async () => {
  await using target = await HttpTarget.start();
  await using servers = new AuthServers();
  target.answer({ status: 400, body: '{"error":"invalid_request"}' });
  const answer = await servers.ask({ ...questionFor(target), headers: { accept: "application/json" } });
  assertEquals(answer.status, 400);
  assertEquals(new TextDecoder().decode(answer.body), '{"error":"invalid_request"}');
  const [request] = target.requests;
  assertEquals([request!.method, request!.target, request!.text], ["POST", PATH, "token=secret-token"]);
  assertEquals(request!.headers.get("accept"), "application/json");
  assertEquals(request!.headers.get("accept-encoding"), "identity");
});

Deno.test("a redirect of a server is an answer, and nothing is sent where it points to", async () => {
  await using target = await HttpTarget.start();
  await using elsewhere = await HttpTarget.start();
  await using servers = new AuthServers();
  target.answer(redirectTo(elsewhere.url));
  assertEquals((await servers.ask(questionFor(target))).status, 302);
  assertEquals(elsewhere.requests.length, 0);
});

Deno.test("a server that breaks off is not available", async () => {
  assertStringIncludes((await failureOf("drop")).message, "cannot be asked: ECONNRESET");
});

Deno.test("a server that does not answer in time is not available", async () => {
  assertStringIncludes((await failureOf("hang", { timeoutMs: 50 })).message, "did not answer in time");
});

Deno.test("a server whose answer is longer than 256 KiB is not available", async () => {
  const error = await failureOf({ status: 200, body: "x".repeat(300_000) });
  assertStringIncludes(error.message, "the answer is longer than 262144 bytes");
});

Deno.test("a server whose name resolves to an address of the private network is not asked", async () => {
  await using target = await HttpTarget.start();
  await using servers = new AuthServers({
    resolve: (_name, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
  });
  const { destination, ...question } = questionFor(target, []);
  const asking = () => servers.ask({ ...question, destination: { ...destination, hostname: "idp.test" } });
  const error = await assertRejects(asking, ServerUnavailableError);
  assertStringIncludes(error.message, "a loopback address: see allowed_hosts");
  assertEquals(target.requests.length, 0);
});

Deno.test("a server is asked by TLS only with a certificate that is trusted, and is for its name", async () => {
  const options = { port: 0, hostname: "127.0.0.1", onListen() {}, ...TEST_CERTIFICATE };
  await using server = Deno.serve(options, () => new Response("{}"));
  const resolve: Resolver = (_name, _options, callback) => {
    callback(null, [{ address: "127.0.0.1", family: 4 }]);
  };
  const questionTo = (hostname: string): Question => {
    const policy = new DestinationPolicy([parseAllowedHost(hostname)!]);
    const { port } = server.addr;
    return { destination: { protocol: "https:", hostname, port, path: "/", policy }, method: "GET" };
  };
  await using trusting = new AuthServers({ resolve, ca: TEST_CA });
  assertEquals((await trusting.ask(questionTo("orders.test"))).status, 200);
  const otherName = () => trusting.ask(questionTo("other.test"));
  const { message } = await assertRejects(otherName, ServerUnavailableError);
  assertStringIncludes(message, "ERR_TLS_CERT_ALTNAME_INVALID");
  await using distrusting = new AuthServers({ resolve });
  await assertRejects(() => distrusting.ask(questionTo("orders.test")), ServerUnavailableError);
});

Deno.test("what is said of a server shows neither the path of its address nor what it was asked", async () => {
  for (const answer of ["drop", "hang"] as const) {
    const shown = Deno.inspect(await failureOf(answer, { timeoutMs: 50 }), { depth: 10 });
    assert(!shown.includes("secret-client") && !shown.includes("secret-token"), shown);
  }
});

Deno.test("calls to a server end with the gateway", async () => {
  await using target = await HttpTarget.start();
  target.answer("hang");
  const servers = new AuthServers();
  const asking = assertRejects(() => servers.ask(questionFor(target)), ServerUnavailableError);
  await target.waitForRequests(1);
  await servers[Symbol.asyncDispose]();
  await asking;
  await assertRejects(() => servers.ask(questionFor(target)), ServerUnavailableError);
});

Deno.test("a call to a server ends with the signal of whoever asks", async () => {
  await using target = await HttpTarget.start();
  await using servers = new AuthServers();
  target.answer("hang");
  const ending = new AbortController();
  const asking = assertRejects(() => servers.ask(questionFor(target), ending.signal), ServerUnavailableError);
  await target.waitForRequests(1);
  ending.abort();
  await asking;
});

Deno.test("of many calls at once to a server 64 are under way, and all are answered", async () => {
  await using target = await HttpTarget.start();
  await using servers = new AuthServers();
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  target.answer({ status: 200, after: held });
  const asking = Array.from({ length: 100 }, () => servers.ask(questionFor(target)));
  await target.waitForRequests(64);
  assertEquals(target.requests.length, 64);
  letGo();
  assertEquals((await Promise.all(asking)).map(({ status }) => status), Array(100).fill(200));
});

Deno.test("a server that is asked often has one connection, which keeps nothing of the calls", async () => {
  await using target = await HttpTarget.start();
  await using servers = new AuthServers();
  const warnings: string[] = [];
  const note = (warning: Error) => void warnings.push(warning.name);
  process.on("warning", note);
  for (let index = 0; index < 20; index++) await servers.ask(questionFor(target));
  process.off("warning", note);
  assertEquals(warnings, []);
});
