/** What reads answer: the part of the suite in `vault_contract.ts` about paths, mounts, namespaces and values. */

import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../eventually.ts";
import { type Answer, HttpTarget } from "../http/target.ts";
import type { TestInWorld } from "./vault_contract.ts";
import { fieldsOf, read, reasonOf } from "./vault_world.ts";

/** Registers the tests. */
export function testVaultReads(test: TestInWorld): void {
  testValues(test);
  testAbsence(test);
  testMistakes(test);
  testUnavailability(test);
  testNamespaces(test);
  testRequests(test);
}

function testValues(test: TestInWorld): void {
  test("all fields of a path come with one request, with the version of KV 2", async ({ admin, open, front }) => {
    await admin.write2("kv2", "team/hook", { secret: "s3cret", user: "ann" });
    const source = await open();
    assertEquals(await read(source, "team/hook"), {
      state: "found",
      fields: new Map([["secret", "s3cret"], ["user", "ann"]]),
      version: 1,
    });
    assertEquals(front.seen(/^kv2\/data\/team\/hook$/).length, 1);
    await admin.write1("kv1/team/hook", { secret: "s1" });
    assertEquals(await fieldsOf(await open({ mount: "kv1", kvVersion: 1 }), "team/hook"), { secret: "s1" });
  });

  test("numbers are the text that the server sent, and null is no field", async ({ admin, open }) => {
    const secret = '{"id":12345678901234567890123,"rate":1.0,"big":1e3,"none":null,"on":true,"empty":""}';
    await admin.write1("kv1/numbers", secret);
    assertEquals(await fieldsOf(await open({ mount: "kv1", kvVersion: 1 }), "numbers"), {
      id: "12345678901234567890123",
      rate: "1.0",
      big: "1e3",
      on: "true",
      empty: "",
    });
    await admin.write2("kv2", "numbers", { id: 9007199254740991, none: null });
    assertEquals(await fieldsOf(await open(), "numbers"), { id: "9007199254740991" });
  });

  test("objects and lists become their JSON text, their numbers as spelled", async ({ admin, open }) => {
    await admin.write1("kv1/nested", '{"key":{"d":10000000000000000001,"x":[1.50,"<&>",null]},"list":[]}');
    assertEquals(await fieldsOf(await open({ mount: "kv1", kvVersion: 1 }), "nested"), {
      key: '{"d":10000000000000000001,"x":[1.50,"<&>",null]}',
      list: "[]",
    });
  });

  test("a secret whose data is null has no fields", async ({ admin, open }) => {
    await admin.write2("kv2", "nothing", {});
    assertEquals(await fieldsOf(await open(), "nothing"), {});
  });

  test("the version rises with each write, and begins again after the metadata was deleted", async (world) => {
    const { admin } = world;
    const source = await world.open();
    const version = async () => {
      const answer = await read(source, "counted");
      return answer.state === "found" ? answer.version : answer.state;
    };
    for (const number of [1, 2]) {
      await admin.write2("kv2", "counted", { number });
      assertEquals(await version(), number);
    }
    await admin.call("DELETE", "kv2/metadata/counted");
    await admin.write2("kv2", "counted", { number: 3 });
    assertEquals(await version(), 1);
  });

  test("a value of nearly a mebibyte is read whole", async ({ admin, open }) => {
    const value = "x".repeat(1_000_000);
    await admin.write2("kv2", "large", { value });
    assertEquals((await fieldsOf(await open(), "large"))["value"]?.length, value.length);
  });
}

function testAbsence(test: TestInWorld): void {
  test("what was never written, deleted or destroyed is absent", async ({ admin, open }) => {
    await admin.write2("kv2", "deleted", { a: "1" });
    await admin.call("DELETE", "kv2/data/deleted");
    await admin.write2("kv2", "destroyed", { a: "1" });
    await admin.call("POST", "kv2/destroy/destroyed", { versions: [1] });
    await admin.write2("kv2", "removed", { a: "1" });
    await admin.call("DELETE", "kv2/metadata/removed");
    const source = await open();
    for (const path of ["never", "deleted", "destroyed", "removed"]) {
      assertStringIncludes(await reasonOf(source, path, "absent"), `'kv2/data/${path}'`);
    }
    await reasonOf(await open({ mount: "kv1", kvVersion: 1 }), "never", "absent");
  });

  test("the mount is looked at once before the first absence is believed", async ({ open, front }) => {
    const source = await open();
    for (const path of ["a", "b", "c"]) await reasonOf(source, path, "absent");
    assertEquals(front.seen(/^sys\/internal\/ui\/mounts\/kv2\//).length, 1);
  });

  test("an absence is not believed while the mount cannot be looked at", async ({ open, front }) => {
    const source = await open();
    front.answerNext(/^sys\/internal/, { status: 503, body: '{"errors":["Vault is sealed"]}' });
    assertStringIncludes(await reasonOf(source, "never", "unavailable"), "Vault is sealed");
    await reasonOf(source, "never", "absent");
  });

  test("an absent path that begins with the mount says how references name paths", async ({ open }) => {
    assertStringIncludes(await reasonOf(await open(), "kv2/team/hook", "absent"), "without the mount");
    assertStringIncludes(await reasonOf(await open(), "data/team/hook", "absent"), "without 'data/'");
  });
}

function testMistakes(test: TestInWorld): void {
  test("a mount that does not exist is a mistake, not an absence", async ({ admin, open }) => {
    await admin.writePolicy("reader", "kv1/*", "kv2/*", "nope/*");
    assertStringIncludes(
      await reasonOf(await open({ mount: "nope" }), "a", "misconfigured"),
      "VAULT_MOUNT_POINT",
    );
    const source = await open({ mount: "nope", kvVersion: 1 });
    assertStringIncludes(await reasonOf(source, "a", "misconfigured"), "VAULT_MOUNT_POINT");
  });

  test("a mount of KV 1 read as KV 2 is a mistake, also for what is there", async ({ admin, open }) => {
    await admin.write1("kv1/hook", { a: "1" });
    await admin.write1("kv1/data/there", { a: "1" });
    const source = await open({ mount: "kv1", kvVersion: 2 });
    for (const path of ["there", "hook", "never"]) {
      assertStringIncludes(await reasonOf(source, path, "misconfigured"), "set VAULT_KV_VERSION to 1");
    }
  });

  test("a mount of KV 2 read as KV 1 is a mistake, also where 'data/' was written by hand", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({ mount: "kv2", kvVersion: 1 });
    for (const path of ["hook", "never", "data/hook", "data/never"]) {
      assertStringIncludes(await reasonOf(source, path, "misconfigured"), "VAULT_KV_VERSION to 2");
    }
  });

  test("a path within a mount is no mount", async ({ open }) => {
    const source = await open({ mount: "kv1/team", kvVersion: 1 });
    assertStringIncludes(await reasonOf(source, "hook", "misconfigured"), "set VAULT_MOUNT_POINT to it");
  });

  test("a path that Vault would answer oddly is refused before anything is asked", async ({ open, front }) => {
    const source = await open();
    const paths = [
      "",
      "/",
      "a/",
      "/a",
      "a//b",
      "./a",
      "a/..",
      "../sys/seal",
      "a b",
      "a?list=true",
      "a%2fb",
      "x".repeat(513),
    ];
    for (const path of paths) await reasonOf(source, path, "misconfigured");
    assertEquals(front.requests.length, 0);
    await reasonOf(source, "a.b_c-d/..e/...", "absent");
  });

  test("a policy that forbids the read is named, costs no login, and recovers when given back", async (world) => {
    const { admin, front } = world;
    await admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({ login: (await world.role()).login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await admin.writePolicy("reader", "kv1/*");
    const reason = await reasonOf(source, "hook", "unavailable");
    assertStringIncludes(reason, "policies do not allow");
    assertStringIncludes(reason, "'kv2/data/hook'");
    assertEquals(source.status().state, "working");
    await admin.writePolicy("reader", "kv2/*");
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(front.seen(/login$/).length, 1);
  });
}

/** Answers that say nothing about the secret. */
const NO_ANSWERS: readonly (readonly [what: string, answer: Answer])[] = [
  ["an internal error", { status: 500, body: '{"errors":["internal error"]}' }],
  ["a member that is not active", {
    status: 500,
    body: '{"errors":["local node not active but active cluster node not found"]}',
  }],
  ["a gateway's error", { status: 502, body: "<html>Bad Gateway</html>" }],
  ["a sealed server", { status: 503, body: '{"errors":["Vault is sealed"]}' }],
  ["a standby that is behind", { status: 412, body: '{"errors":["required index state not present"]}' }],
  ["a standby without a leader", {
    status: 307,
    headers: { location: "http://vault-2.test:8200/v1/kv2/data/hook" },
  }],
  ["a mount that is being upgraded", {
    status: 400,
    body:
      '{"errors":["Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period."]}',
  }],
  ["a page that is not of Vault, with 200", { status: 200, body: "<html>Sign in</html>" }],
  ["a page that is not of Vault, with 404", { status: 404, body: "<html>Not found</html>" }],
  ["another service's 404", { status: 404, body: '{"message":"no Route matched"}' }],
  ["another service's 403", { status: 403, body: '{"message":"forbidden"}' }],
  ["a broken connection", "drop"],
];

function testUnavailability(test: TestInWorld): void {
  for (const [what, answer] of NO_ANSWERS) {
    test(`${what} makes the read unavailable, never absent, until the server answers again`, async (world) => {
      await world.admin.write2("kv2", "hook", { a: "1" });
      const source = await world.open();
      {
        using _rule = world.front.answer(/^kv2\/data\//, answer);
        await reasonOf(source, "hook", "unavailable");
        assertEquals(source.status().state, "failing");
      }
      assertEquals(await fieldsOf(source, "hook"), { a: "1" });
      assertEquals(source.status().state, "working");
    });
  }

  test("a server that is sealed and unsealed is unavailable in between", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open();
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.seal();
    assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "503");
    await world.unseal();
    // A server that has just been unsealed answers oddly for a moment.
    assertEquals(await eventually(() => fieldsOf(source, "hook")), { a: "1" });
  });

  test("a request that gets no answer is sent again, and the time for one question is bounded", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    world.front.answerNext(/^kv2\/data\//, "hang");
    assertEquals(await fieldsOf(await world.open({ timeoutMs: 3000 }), "hook"), { a: "1" });
    using _rule = world.front.answer(/^kv2\/data\//, "hang");
    const source = await world.open({ timeoutMs: 600 });
    assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "too long");
  });

  test("a rate limit is waited out for a second and more, though Vault says 0", async ({ admin, open, front, backend }) => {
    await admin.write2("kv2", "hook", { a: "1" });
    const source = await open();
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    const limit = {
      status: 429,
      headers: { "retry-after": "0" },
      body: '{"errors":["rate limit quota exceeded"]}',
    };
    front.answerNext(/^kv2\/data\//, limit);
    const before = backend.clock.now();
    const reading = fieldsOf(source, "hook");
    await backend.passAwaited(2);
    assertEquals(await reading, { a: "1" });
    assert(backend.clock.now() - before >= 1000);
    assertEquals(front.seen(/^kv2\/data\/hook$/).length, 3);
  });
}

function testNamespaces(test: TestInWorld): void {
  test("a namespace is proven before anything is read in it", async (world) => {
    const { admin, backend, front } = world;
    await admin.write2("kv2", "hook", { of: "root" });
    if (backend.flavour === "vault") {
      const source = await world.open({ namespace: "team" });
      assertStringIncludes(await reasonOf(source, "hook", "misconfigured"), "remove VAULT_NAMESPACE");
      assertEquals(front.seen(/^kv2\//).length, 0);
      return;
    }
    await admin.createNamespace("team");
    const team = admin.in("team");
    await team.mount("kv2", 2);
    await team.write2("kv2", "hook", { of: "team" });
    await team.writePolicy("reader", "kv2/*");
    const token = await team.createToken({ policies: ["reader"] });
    const source = await world.open({
      namespace: "team",
      login: { method: "token", token: { value: token } },
    });
    assertEquals(await fieldsOf(source, "hook"), { of: "team" });
    await reasonOf(source, "never", "absent");
    for (const { path, headers } of front.requests) {
      assertEquals(headers["x-vault-namespace"], /(?:^|\/)sys\//.test(path) ? undefined : "team", path);
    }
    const other = await world.open({
      namespace: "other",
      login: { method: "token", token: { value: token } },
    });
    assertStringIncludes(await reasonOf(other, "hook", "misconfigured"), "VAULT_NAMESPACE");
  });

  for (const status of [501, 503, 474]) {
    test(`a namespace cannot be proven while health says ${status}`, async ({ open, front }) => {
      const source = await open({ namespace: "team" });
      front.answerNext(/^sys\/health/, { status, body: '{"initialized":true,"sealed":true}' });
      await reasonOf(source, "hook", "unavailable");
      assertEquals(front.seen(/^kv2\//).length, 0);
    });
  }

  test("a standby's health proves a namespace as well", async ({ open, front }) => {
    front.answerNext(/^sys\/health/, { status: 473, body: '{"standby":true,"enterprise":true}' });
    front.answerNext(/^kv2\/data\/hook/, {
      status: 200,
      body: '{"data":{"data":{"a":"1"},"metadata":{"version":7}}}',
    });
    assertEquals(await fieldsOf(await open({ namespace: "team" }), "hook"), { a: "1" });
  });
}

function testRequests(test: TestInWorld): void {
  test("a redirect to another host is not followed, and no token goes there", async (world) => {
    await using other = await HttpTarget.start();
    const source = await world.open();
    world.front.answerNext(/^kv2\/data\//, {
      status: 307,
      headers: { location: `${other.url}/v1/kv2/data/hook` },
    });
    const reason = await reasonOf(source, "hook", "unavailable");
    assertStringIncludes(reason, other.url);
    assertStringIncludes(reason, "VAULT_ADDR");
    assertEquals(other.requests, []);
  });

  test("a redirect to an address of VAULT_ADDR is followed with the token", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const direct = `http://127.0.0.1:${world.backend.port}`;
    const source = await world.open({ addresses: [world.front.url, direct] });
    world.front.answerNext(/^kv2\/data\//, {
      status: 307,
      headers: { location: `${direct}/v1/kv2/data/hook` },
    });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  });

  test("another member is asked when one cannot be reached or is sealed", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const refusing = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const nobody = `http://127.0.0.1:${refusing.addr.port}`;
    refusing.close();
    const direct = `http://127.0.0.1:${world.backend.port}`;
    const source = await world.open({ addresses: [nobody, world.front.url, direct] });
    world.front.answerNext(/^kv2\/data\//, { status: 503, body: '{"errors":["Vault is sealed"]}' });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  });

  test("every read is one request of its own, whatever fields say about leases, GET and never HEAD", async ({ admin, open, front }) => {
    await admin.write2("kv2", "hook", { ttl: "1", lease: "1" });
    const source = await open();
    const reads = Array.from({ length: 30 }, () => read(source, "hook"));
    for (const { state } of await Promise.all(reads)) assertEquals(state, "found");
    const seen = front.seen(/^kv2\/data\/hook$/);
    assertEquals(seen.length, 30);
    assert(seen.every(({ method, headers }) => method === "GET" && headers["x-vault-request"] === "true"));
  });

  test("a read that is aborted rejects with the signal's reason, and the next one is served", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open();
    const abort = new AbortController();
    world.front.answerNext(/^kv2\/data\//, "hang");
    const reading = source.read("hook", abort.signal).then(() => undefined, (error: unknown) => error);
    await eventually(() => world.front.seen(/^kv2\/data\//).length === 1);
    const reason = new Error("enough");
    abort.abort(reason);
    assertEquals(await reading, reason);
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  });

  test("no reason shows the token, whatever the server repeats", async ({ open, front, tokenLogin }) => {
    const login = await tokenLogin();
    const source = await open({ login });
    const token = login.method === "token" && "value" in login.token ? login.token.value : "";
    const body = JSON.stringify({ errors: [`bad token ${token}\n\u001b[2J`] });
    for (const status of [400, 404, 405, 500]) {
      front.answerNext(/^kv2\/data\//, { status, body });
      const answer = await read(source, "hook");
      const shown = JSON.stringify([answer, source.status()]);
      assertStringIncludes(shown, "REDACTED");
      assert(!shown.includes(token));
      assertNotMatch(answer.state === "found" ? "" : answer.reason, /\p{Cc}/u);
    }
  });
}
