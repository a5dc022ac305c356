import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Sessions } from "../../../../src/access/sessions.ts";
import { headOf, sourceHash } from "../../../../src/console/build.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";

const ADMIN_TOKEN = "a-token-for-this-test";

function start(): Promise<TestGateway> {
  return TestGateway.start({ webhooks: { orders: { module: "log" } }, environment: { ADMIN_TOKEN } });
}

/** What the console's own page sends with a change. */
function ownPage(gateway: TestGateway): Record<string, string> {
  return { "cwm-console": "1", origin: gateway.url("") };
}

async function signIn(gateway: TestGateway, token = ADMIN_TOKEN): Promise<Response> {
  return await fetch(gateway.url("/admin/session"), {
    method: "POST",
    headers: ownPage(gateway),
    body: JSON.stringify({ token }),
  });
}

async function cookieOf(gateway: TestGateway): Promise<string> {
  const response = await signIn(gateway);
  await response.body?.cancel();
  return response.headers.get("set-cookie")!.split(";")[0]!;
}

Deno.test("the console's files come from the gateway alone, and may load nothing from elsewhere", async () => {
  await using gateway = await start();
  const sizes = await Promise.all(["", "console.js", "console.css"].map(async (name) => {
    const response = await fetch(gateway.url(`/admin/ui/${name}`), {
      headers: { "accept-encoding": "gzip" },
    });
    const text = await response.text();
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    const policy = response.headers.get("content-security-policy")!;
    assertMatch(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
    assert(!policy.includes("unsafe"));
    const again = await fetch(gateway.url(`/admin/ui/${name}`), {
      headers: { "if-none-match": response.headers.get("etag")! },
    });
    await again.body?.cancel();
    assertEquals(again.status, 304);
    assert(!/(?:src|href)="(?!console|data:,)/.test(name === "" ? text : ""), text);
    const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    return (await new Response(packed).bytes()).byteLength;
  }));
  assert(sizes.reduce((sum, size) => sum + size, 0) < 150 * 1024, sizes.join(" "));
  const away = await fetch(gateway.url("/admin/ui"), { redirect: "manual" });
  await away.body?.cancel();
  assertEquals([away.status, away.headers.get("location")], [308, "/admin/ui/"]);
  for (const name of ["nothing.js", "..%2f..%2fdeno.json", "page/main.ts", "__proto__"]) {
    assertEquals((await gateway.request(`/admin/ui/${name}`)).status, 404, name);
  }
});

Deno.test("the console's program is made of its sources as they are", async () => {
  const program = await Deno.readTextFile(
    new URL("../../../../src/console/assets/console.js", import.meta.url),
  );
  assert(program.startsWith(headOf(await sourceHash())), "deno task console makes it again");
});

Deno.test("a token is exchanged for a cookie that no page can read, and its role holds", async () => {
  await using gateway = await start();
  const nobody = await fetch(gateway.url("/admin/session"));
  assertEquals(nobody.status, 204);
  const wrong = await signIn(gateway, "another-token");
  assertEquals([wrong.status, wrong.headers.get("set-cookie")], [401, null]);
  await wrong.body?.cancel();
  const signedIn = await signIn(gateway);
  const { name, role, ends_at } = await signedIn.json();
  assertEquals([name, role], ["ADMIN_TOKEN", "admin"]);
  assert(Date.parse(ends_at) > Date.now());
  const set = signedIn.headers.get("set-cookie")!;
  assertMatch(set, /^cwm_session=[\w-]{43}; Path=\/admin; Max-Age=28800; HttpOnly; SameSite=Strict$/);
  assert(!set.includes(ADMIN_TOKEN));
  const cookie = set.split(";")[0]!;
  const read = await gateway.request("/admin/config", { headers: { cookie } });
  assertEquals(read.status, 200);
  const who = await gateway.request("/admin/session", { headers: { cookie } });
  assertStringIncludes(who.text, "ADMIN_TOKEN");

  const out = await fetch(gateway.url("/admin/session"), {
    method: "DELETE",
    headers: { cookie, ...ownPage(gateway) },
  });
  assertEquals(out.status, 204);
  assertMatch(out.headers.get("set-cookie")!, /^cwm_session=; .*Max-Age=0/);
  assertEquals((await gateway.request("/admin/config", { headers: { cookie } })).status, 401);
});

Deno.test("behind a proxy with TLS the cookie goes over TLS alone", async () => {
  await using gateway = await start();
  const response = await fetch(gateway.url("/admin/session"), {
    method: "POST",
    headers: { ...ownPage(gateway), "x-forwarded-proto": "https" },
    body: JSON.stringify({ token: ADMIN_TOKEN }),
  });
  await response.body?.cancel();
  assertMatch(response.headers.get("set-cookie")!, /; Secure$/);
});

Deno.test("a session changes something from the console's own page alone", async () => {
  await using gateway = await start();
  const cookie = await cookieOf(gateway);
  const own = ownPage(gateway);
  const change = (headers: Readonly<Record<string, string>>) =>
    gateway.request("/admin/events/retry?all=true", { method: "POST", headers: { cookie, ...headers } });
  const others: readonly Record<string, string>[] = [
    {},
    { origin: own["origin"]! },
    { "cwm-console": "1" },
    { "cwm-console": "1", origin: "https://evil.example" },
    { "cwm-console": "1", origin: "null" },
    { "cwm-console": "1", origin: `${own["origin"]}.evil.example` },
  ];
  for (const headers of others) {
    const answer = await change(headers);
    assertEquals([answer.status, errorCode(answer)], [403, "forbidden"], JSON.stringify(headers));
  }
  assertEquals((await change(own)).status, 200);
  const elsewhere = await fetch(gateway.url("/admin/session"), {
    method: "POST",
    headers: { "cwm-console": "1", origin: "https://evil.example" },
    body: JSON.stringify({ token: ADMIN_TOKEN }),
  });
  await elsewhere.body?.cancel();
  assertEquals(elsewhere.status, 403, "nobody is signed in by another page");
});

Deno.test("signing in is slowed down as wrong tokens are, and takes nothing but a token", async () => {
  await using gateway = await start();
  for (const body of ["", "{", "[]", "{}", '{"token":""}', '{"token":"a","more":1}', '{"token":7}']) {
    const answer = await gateway.request("/admin/session", {
      method: "POST",
      headers: ownPage(gateway),
      body,
    });
    assertEquals([answer.status, errorCode(answer)], [400, "invalid_query"], body);
  }
  const statuses = new Set<number>();
  for (let tries = 0; tries < 12; tries++) {
    const response = await signIn(gateway, `guess-${tries}`);
    await response.body?.cancel();
    statuses.add(response.status);
  }
  assertEquals([...statuses], [401, 429]);
});

Deno.test("a session ends after eight hours, when it is ended, and when there are too many", () => {
  let now = 0;
  const sessions = new Sessions(() => now);
  const first = sessions.open("token");
  assertEquals(sessions.tokenOf(first), "token");
  assertEquals(sessions.tokenOf("another"), undefined);
  now = 8 * 3_600_000 - 1;
  assertEquals(sessions.tokenOf(first), "token");
  now++;
  assertEquals(sessions.tokenOf(first), undefined);
  const ids = Array.from({ length: 1_001 }, () => sessions.open("token"));
  assertEquals([sessions.tokenOf(ids[0]!), sessions.tokenOf(ids[1]!)], [undefined, "token"]);
  sessions.end(ids[1]!);
  assertEquals(sessions.tokenOf(ids[1]!), undefined);
});

Deno.test("webhooks are listed by name, in pages, those that match what is searched", async () => {
  const webhooks = Object.fromEntries(
    Array.from({ length: 25 }, (_, index) => [`hook-${index + 10}`, { module: "log" }]),
  );
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log" }, ...webhooks },
    environment: { ADMIN_TOKEN },
  });
  const list = async (query: string) => {
    const { text } = await gateway.request(`/admin/webhooks?${query}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    return JSON.parse(text);
  };
  assertEquals((await list("")).count, 26);
  const names: string[] = [];
  for (let after: string | null = ""; after !== null;) {
    const page: { count: number; after: string | null; webhooks: { namespace: string; webhook: string }[] } =
      await list(`search=hook&limit=10&after=${after}`);
    assertEquals(page.count, 25);
    names.push(...page.webhooks.map(({ namespace, webhook }) => `${namespace}/${webhook}`));
    after = page.after;
  }
  assertEquals(names, Object.keys(webhooks).map((id) => `default/${id}`).toSorted());
});
