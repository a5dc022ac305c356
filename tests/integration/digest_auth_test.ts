import { assertEquals, assertMatch } from "@std/assert";
import { TestGateway } from "../support/gateway.ts";
import { DEBIAN_PYTHON, runPython } from "../support/python.ts";

const USER = { username: "Łódź", password: "ge:heim ü" };

/** A gateway with a webhook for each way to answer. */
function startGateway(): Promise<TestGateway> {
  return TestGateway.start({
    webhooks: Object.fromEntries(
      Object.entries({
        default: {},
        sha256: { algorithm: "SHA-256" },
        "sha256-sess": { algorithm: "SHA-256-sess" },
        md5: { algorithm: "MD5" },
        "md5-sess": { algorithm: "MD5-sess" },
        userhash: { algorithm: "SHA-256", userhash: true },
        "both-qop": { qop: ["auth", "auth-int"] },
      }).map(([id, config]) => [id, { module: "log", digest_auth: { ...USER, ...config } }]),
    ),
  });
}

/** What curl gets, request by request. */
async function curl(url: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command("curl", {
    args: [
      "--silent",
      "--max-time",
      "30",
      "--output",
      "/dev/null",
      "--write-out",
      "%{num_connects} %{http_code}",
    ]
      .concat(options, ["--json", '{"a":"ü"}', url]),
  }).output();
  return new TextDecoder().decode(stdout);
}

for (const scheme of ["--digest", "--anyauth"]) {
  Deno.test(`curl ${scheme} gets in with each algorithm, and not with another password`, async () => {
    await using gateway = await startGateway();
    const ids = ["default", "sha256", "sha256-sess", "md5", "md5-sess", "userhash", "both-qop"];
    for (const id of ids) {
      const url = gateway.url(`/webhook/${id}?source=shop&x=%41;+b`);
      assertEquals(await curl(url, scheme, "--user", `${USER.username}:${USER.password}`), "1 200", id);
    }
    const url = gateway.url("/webhook/default");
    assertMatch(await curl(url, scheme, "--user", `${USER.username}:ge:heim`), / 401$/);
    assertMatch(await curl(url, scheme, "--user", `Lodz:${USER.password}`), / 401$/);
    assertEquals((await gateway.output()).match(/"a": ?"ü"/g)?.length, ids.length);
  });
}

Deno.test("Python's requests and urllib get in, and with another password they do not", async () => {
  // Neither can write a name that is not in Latin-1; urllib knows MD5 alone, and ASCII.
  const user = { username: "shop", password: "ge:heim" };
  await using gateway = await TestGateway.start({
    webhooks: Object.fromEntries(
      Object.entries({ default: {}, sha256: { algorithm: "SHA-256" }, md5: { algorithm: "MD5" } })
        .map(([id, config]) => [id, { module: "log", digest_auth: { ...user, ...config } }]),
    ),
  });
  const statuses = async (id: string, password: string) => {
    const sent = {
      url: gateway.url(`/webhook/${id}`),
      ...user,
      password,
      body: "{}",
      urllib: id !== "sha256",
    };
    return JSON.parse(await runPython("python_digest.py", JSON.stringify(sent), DEBIAN_PYTHON));
  };
  assertEquals(await statuses("default", user.password), [200, 200, 200]);
  assertEquals(await statuses("md5", user.password), [200, 200, 200]);
  assertEquals(await statuses("sha256", user.password), [200, 200]);
  assertEquals(await statuses("default", "guess"), [401, 401, 401]);
});

Deno.test("a request that was heard and is sent again is refused, and operators see why", async () => {
  const token = "an admin token of the test";
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", digest_auth: USER } },
    environment: { ADMIN_TOKEN: token.replaceAll(" ", "-") },
  });
  const { stderr } = await new Deno.Command("curl", {
    args: ["--silent", "--verbose", "--digest", "--user", `${USER.username}:${USER.password}`]
      .concat(["--json", "{}", gateway.url("/webhook/a")]),
  }).output();
  const sent = /^> Authorization: (Digest .*)\r?$/m.exec(new TextDecoder().decode(stderr))?.[1] ?? "";
  const bytes = String.fromCharCode(...new TextEncoder().encode(sent));
  const answer = await gateway.post("/webhook/a", "{}", { Authorization: bytes });
  assertEquals([answer.status, JSON.parse(answer.text).error.message], [
    401,
    "The request is not authenticated",
  ]);
  const page = await gateway.request("/admin/webhooks/default/a", {
    headers: { Authorization: `Bearer ${token.replaceAll(" ", "-")}` },
  });
  assertMatch(JSON.parse(page.text).refusals[0].reason, /^The response is right, but it was there before/);
});
