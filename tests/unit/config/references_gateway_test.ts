import { assert, assertEquals } from "@std/assert";
import { errorCode, TestGateway } from "../../support/gateway.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface Finding {
  readonly key: string;
  readonly code: string;
  readonly path: string;
}

async function adminConfig(gateway: TestGateway): Promise<{ problems: Finding[]; warnings: Finding[] }> {
  const answer = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return JSON.parse(answer.text) as { problems: Finding[]; warnings: Finding[] };
}

const NO_REFERENCES = [
  "{$MY-TOKEN}",
  "{$MY.TOKEN}",
  "{$1TOKEN}",
  "{$TOKEN }",
  "{$TOKEN?}",
  "{$TOKEN",
  "{$}",
  "{$TOKEN:{$OTHER:x}}",
  "{$TOKEN:a}b}",
  "{$vault:webhooks/auth#bearer_token}",
  "{$vault:webhooks/none#token:dflt}",
  "{$file:/run/secrets/token}",
  "{$env:MY-TOKEN}",
  "{$env:NOT_SET}",
  "{$constructor}",
  "{$ADMIN_TOKEN}",
];

Deno.test("the text of a reference never lets in, whatever is wrong with it", async () => {
  const webhooks = Object.fromEntries(
    NO_REFERENCES.map((text, index) => [`w${index}`, { module: "log", authorization: `Bearer ${text}` }]),
  );
  await using gateway = await TestGateway.start({ webhooks, environment: { ADMIN_TOKEN } });
  for (const [index, text] of NO_REFERENCES.entries()) {
    const answer = await gateway.post(`/webhook/w${index}`, "{}", { authorization: `Bearer ${text}` });
    assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"], text);
  }
  const { problems } = await adminConfig(gateway);
  assertEquals(problems.map(({ path }) => path), NO_REFERENCES.map(() => "authorization"));
});

Deno.test("a connection with a reference that does not parse is not used, and says so", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "redis_publish", "module-config": { channel: "c" } } },
    connections: { r: { type: "redis", host: "127.0.0.1", password: "{$REDIS-PASSWORD}" } },
    environment: { ADMIN_TOKEN },
  });
  const answer = await gateway.post("/webhook/a", "{}");
  assertEquals([answer.status, errorCode(answer)], [503, "connection_unresolved"]);
  const { problems } = await adminConfig(gateway);
  assertEquals(problems.map(({ key, code, path }) => [key, code, path]), [
    ["connection r", "invalid_reference", "password"],
    ["webhook default/a", "connection_unresolved", "connection"],
  ]);
});

Deno.test("{$env:NAME} is the variable, and a default stands in where it is not set", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      set: { module: "log", authorization: "Bearer {$env:TOKEN}" },
      unset: { module: "log", authorization: "Bearer {$env:OTHER:a:b}" },
    },
    environment: { TOKEN: "from-the-environment" },
  });
  const post = async (path: string, token: string) =>
    (await gateway.post(path, "{}", { authorization: `Bearer ${token}` })).status;
  assertEquals(await post("/webhook/set", "from-the-environment"), 200);
  assertEquals(await post("/webhook/unset", "a:b"), 200);
});

Deno.test("a webhook that warns is served, and the warning is gone when its cause is", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", authorization: "Bearer ${TOKEN}" } },
    environment: { ADMIN_TOKEN },
  });
  assertEquals((await gateway.post("/webhook/a", "{}", { authorization: "Bearer ${TOKEN}" })).status, 200);
  const { problems, warnings } = await adminConfig(gateway);
  assertEquals(problems, []);
  assertEquals(warnings.map(({ key, code, path }) => [key, code, path]), [
    ["webhook default/a", "shell_variable", "authorization"],
  ]);
  assert(!JSON.stringify(warnings).includes("{TOKEN}"));

  await gateway.writeWebhooks({ a: { module: "log", authorization: "Bearer token" } });
  await gateway.reload();
  assertEquals((await adminConfig(gateway)).warnings, []);
});
