import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import { handshake } from "../../../../src/cli/signatures/handshake.ts";
import { StartupError } from "../../../../src/errors.ts";
import type { Answer } from "../../../support/gateway.ts";
import {
  assertEmpty,
  assertRefused,
  ChallengedGateway,
} from "../../../support/signatures/challenged_gateway.ts";

const SECRET = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81";
const OTHER = "c537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e82";
const TOKEN = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";

const WEBHOOKS = {
  asana: { module: "probe", signature: { provider: "asana" } },
  notion: { module: "probe", signature: { provider: "notion" } },
  named: { module: "probe", signature: { provider: "asana", secret: SECRET } },
  github: { module: "probe", signature: { provider: "github", secret: "s" } },
};

function start(): Promise<ChallengedGateway> {
  return ChallengedGateway.start(WEBHOOKS);
}

function open(provider: ChallengedGateway, webhook: string, seconds = 600): Promise<Answer> {
  return provider.admin("POST", `/admin/handshakes/open?webhook=default/${webhook}&seconds=${seconds}`);
}

function show(provider: ChallengedGateway, webhook: string): Promise<Answer> {
  return provider.admin("POST", `/admin/handshakes/show?webhook=default/${webhook}`);
}

function bring(provider: ChallengedGateway, secret: string, webhook = "asana"): Promise<Answer> {
  return provider.post(webhook, "{}", { "x-hook-secret": secret });
}

function asanaEvent(provider: ChallengedGateway, body: string, secret: string): Promise<Answer> {
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  return provider.post("asana", body, { "x-hook-signature": signature });
}

/** The problems that an operator sees. */
async function problems(provider: ChallengedGateway): Promise<readonly string[]> {
  const { text } = await provider.admin("GET", "/admin/config");
  const { problems } = JSON.parse(text) as { problems: { key: string; code: string; path: string }[] };
  return problems.map(({ key, code, path }) => `${key} ${code} ${path}`).sort();
}

Deno.test("Asana's secret is taken once an operator waits for it, and verifies what follows", async () => {
  await using provider = await start();
  assertEquals((await open(provider, "asana")).status, 200);
  const answer = await bring(provider, SECRET);
  assertEmpty(answer);
  assertEquals(answer.headers.get("x-hook-secret"), SECRET);
  assertEquals((await asanaEvent(provider, '{"events":[]}', SECRET)).status, 200);
  assertRefused(await asanaEvent(provider, '{"events":[]}', OTHER), 401, "unauthorized");
  assertEquals(provider.probe.events.map(({ text }) => text), ['{"events":[]}']);
  assertEquals(await provider.count("asana", "challenge"), 1);
});

Deno.test("a handshake that nobody waits for is 401, whatever the webhook has", async () => {
  await using provider = await start();
  for (const webhook of ["asana", "notion", "named", "github"]) {
    const answer = await bring(provider, SECRET, webhook);
    assertRefused(answer, 401, "unauthorized");
    assertEquals(answer.headers.get("x-hook-secret"), null);
    assertRefused(
      await provider.post(webhook, JSON.stringify({ verification_token: TOKEN })),
      401,
      "unauthorized",
    );
  }
  assertRefused(await asanaEvent(provider, "{}", SECRET), 401, "unauthorized");
  assertStringIncludes(await provider.lastReason("asana"), "cwm handshake");
});

Deno.test("one handshake is taken, however many come at once, and none after it", async () => {
  await using provider = await start();
  await open(provider, "asana");
  const secrets = Array.from({ length: 8 }, (_, index) => SECRET.slice(1) + index);
  const answers = await Promise.all(secrets.map((secret) => bring(provider, secret)));
  const taken = answers.filter(({ status }) => status === 200);
  assertEquals(taken.length, 1);
  assertEquals(answers.filter(({ status }) => status === 401).length, 7);
  assertRefused(await bring(provider, OTHER), 401, "unauthorized");
  assertRefused(await open(provider, "asana"), 400, "invalid_query");
  const secret = taken[0]!.headers.get("x-hook-secret")!;
  assertEquals((await asanaEvent(provider, "{}", secret)).status, 200);
});

Deno.test("a handshake whose secret is none is refused, and the next one is taken", async () => {
  await using provider = await start();
  await open(provider, "asana");
  for (const secret of ["short", "with white space inside", "s".repeat(513)]) {
    assertRefused(await bring(provider, secret), 401, "unauthorized");
  }
  assertEmpty(await bring(provider, SECRET));
});

Deno.test("Notion's token is taken out of a request without a signature while it is waited for", async () => {
  await using provider = await start();
  await open(provider, "notion");
  for (const body of ["{}", "no JSON", '{"verification_token":7}', '{"type":"page.created"}']) {
    assertRefused(await provider.post("notion", body), 401, "unauthorized");
  }
  assertEmpty(await provider.post("notion", JSON.stringify({ verification_token: TOKEN })));
  assertRefused(
    await provider.post("notion", JSON.stringify({ verification_token: TOKEN })),
    401,
    "unauthorized",
  );
  const body = '{"type":"page.created"}';
  const signature = `sha256=${createHmac("sha256", TOKEN).update(body).digest("hex")}`;
  assertEquals((await provider.post("notion", body, { "x-notion-signature": signature })).status, 200);
  assertEquals(JSON.parse((await show(provider, "notion")).text), {
    webhook: "default/notion",
    secret: TOKEN,
  });
});

Deno.test("the window closes by itself, and is there only for webhooks that are brought a secret", async () => {
  await using provider = await start();
  for (const webhook of ["named", "github", "absent"]) {
    assertRefused(await open(provider, webhook), 400, "invalid_query");
  }
  for (const seconds of [0, 86_401, 1.5]) {
    assertRefused(await open(provider, "asana", seconds), 400, "invalid_query");
  }
  const { open_until } = JSON.parse((await open(provider, "asana", 1)).text) as { open_until: string };
  while (Date.parse(open_until) >= Date.now() - 50) await provider.get("asana");
  assertRefused(await bring(provider, SECRET), 401, "unauthorized");
});

Deno.test("the secret is shown once, and the webhook is a problem until its configuration names it", async () => {
  await using provider = await start();
  const awaited = (webhook: string) => `webhook default/${webhook} handshake_awaited signature.secret`;
  assertEquals(await problems(provider), [awaited("asana"), awaited("notion")]);
  assertRefused(await show(provider, "asana"), 400, "invalid_query");
  await open(provider, "asana");
  await bring(provider, SECRET);
  assertEquals(await problems(provider), [awaited("asana"), awaited("notion")]);
  const shown = await show(provider, "asana");
  assertEquals(JSON.parse(shown.text), { webhook: "default/asana", secret: SECRET });
  assertEquals(shown.headers.get("cache-control"), "no-store");
  assertRefused(await show(provider, "asana"), 400, "invalid_query");

  await provider.gateway.writeWebhooks({ ...WEBHOOKS, asana: WEBHOOKS.named });
  await provider.gateway.reload();
  assertEquals(await problems(provider), [awaited("notion")]);
  assertEquals((await asanaEvent(provider, "{}", SECRET)).status, 200);
  assertRefused(await bring(provider, OTHER), 401, "unauthorized");
});

Deno.test("a secret that was brought is forgotten on demand, and another one can be brought", async () => {
  await using provider = await start();
  await open(provider, "asana");
  await bring(provider, SECRET);
  const forgotten = await provider.admin("POST", "/admin/handshakes/forget?webhook=default/asana");
  assertEquals(JSON.parse(forgotten.text), { webhook: "default/asana", forgotten: true });
  assertRefused(await asanaEvent(provider, "{}", SECRET), 401, "unauthorized");
  await open(provider, "asana");
  assertEmpty(await bring(provider, OTHER));
  assertEquals((await asanaEvent(provider, "{}", OTHER)).status, 200);
});

Deno.test("a secret that was brought outlives the gateway, and its window does not", async () => {
  await using provider = await start();
  const dataDir = provider.gateway.file("shared");
  {
    await using first = await ChallengedGateway.start(WEBHOOKS, { DATA_DIR: dataDir });
    await open(first, "asana");
    await bring(first, SECRET);
    await open(first, "notion");
  }
  await using second = await ChallengedGateway.start(WEBHOOKS, { DATA_DIR: dataDir });
  assertEquals((await asanaEvent(second, "{}", SECRET)).status, 200);
  assertRefused(
    await second.post("notion", JSON.stringify({ verification_token: TOKEN })),
    401,
    "unauthorized",
  );
  assertEquals(JSON.parse((await show(second, "asana")).text).secret, SECRET);
});

Deno.test("neither log nor metrics nor admin routes show a secret that was brought", async () => {
  await using provider = await start();
  await open(provider, "asana");
  await bring(provider, SECRET);
  const paths = ["/admin/config", "/admin/webhooks/default/asana", "/admin/handshakes?webhook=default/asana"];
  const texts = await Promise.all(paths.map(async (path) => (await provider.admin("GET", path)).text));
  texts.push((await provider.gateway.request("/metrics")).text);
  for (const text of texts) assertEquals(text.includes(SECRET), false);
  assertMatch(texts[2]!, /"taken_at":"20/);
});

for (
  const [args, problem] of [
    [[], "The webhook is missing"],
    [["asana"], "'asana' is not a webhook's NAMESPACE/ID"],
    [["default/asana", "--open", "ten"], "--open takes a time such as 90s, 10m or 1h"],
    [["default/asana", "--open", "1m", "--show"], "Give one of --open, --show and --forget"],
    [["default/asana", "other"], "Unexpected argument 'other'"],
  ] as const
) {
  Deno.test(`cwm handshake ${args.join(" ")} is wrong usage`, async () => {
    try {
      await handshake(args, () => {
        throw new TypeError("The settings are not read");
      });
    } catch (error) {
      assertEquals(error instanceof StartupError && error.problems[0], problem);
      return;
    }
    throw new TypeError("It was taken");
  });
}
