import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { HttpTarget } from "../support/http/target.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

/** A gateway with webhooks to a target, and `cwm send` beside it. */
class World implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;

  private constructor(
    stack: AsyncDisposableStack,
    readonly directory: TempDir,
    readonly target: HttpTarget,
    readonly gateway: GatewayProcess,
  ) {
    this.#stack = stack;
  }

  static async start(): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await TempDir.create());
    const target = stack.use(await HttpTarget.start());
    const module = {
      module: "http_webhook",
      "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"], forward_headers: true },
      hmac: { secret: "what only senders know", header: "X-Signature" },
    };
    const webhooks = {
      orders: { ...module, filter: "!has(body.unwanted)" },
      now: { ...module, accept: "delivered" },
      lost: { ...module, retry: { max_attempts: 1 } },
      blob: { ...module, data_type: "blob", hmac: undefined, auth: "none", accept: "delivered" },
    };
    await directory.writeText("webhooks.json", JSON.stringify(webhooks));
    const env = { DATA_DIR: directory.file("data"), ADMIN_TOKEN };
    const gateway = stack.use(await GatewayProcess.start({ cwd: directory.path, env }));
    await gateway.waitUntilReady();
    return new World(stack.move(), directory, target, gateway);
  }

  async run(...args: string[]): Promise<{ readonly code: number | null; readonly text: string }> {
    const env = { DATA_DIR: this.directory.file("data"), ADMIN_TOKEN, PORT: String(this.gateway.port) };
    await using program = spawnProgram({ args: ["send", ...args], cwd: this.directory.path, env });
    const { code } = await program.exited;
    return { code, text: program.lines.map(({ text }) => text).join("\n") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

Deno.test("a test event takes the way of any other one, without credentials, and is marked", async () => {
  await using world = await World.start();
  const { target } = world;
  const sent = await world.run(
    "default/orders",
    "--data",
    '{"id":12345678901234567890}',
    "-H",
    "X-Kind: a",
    "-H",
    "X-Kind: b",
  );
  assertMatch(sent.text, /^Event test-\S+: accepted, answered with 200\nIt is delivered$/);
  assertEquals(sent.code, 0);
  await target.waitForRequests(1);
  const [request] = target.requests;
  assertEquals(request!.headers.get("cwm-test"), "true");
  assertEquals(request!.headers.get("x-kind"), "a, b");
  assertMatch(request!.headers.get("cwm-event-id") ?? "", /^test-/);
  assertEquals(request!.text, '{"id":12345678901234567890}');

  const filtered = await world.run("default/orders", "--data", '{"unwanted":1}');
  assertEquals(filtered.code, 1);
  assertMatch(filtered.text, /: filtered, answered with 200/);
  const refused = await world.run("default/orders", "--data", "{");
  assertEquals(refused.code, 1);
  assertMatch(refused.text, /: invalid_json, answered with 400/);

  target.answer({ status: 422 });
  assertEquals((await world.run("default/now")).code, 1);
  const lost = await world.run("default/lost", "--json", "--wait", "60");
  assertEquals(lost.code, 1);
  const { delivery, event_id: id } = JSON.parse(lost.text);
  assertEquals(delivery.state, "dead_letter");
  assertMatch(id, /^test-/);
  target.answer({ status: 200 });
  assertEquals((await world.run("default/now")).code, 0);

  for (const args of [["orders"], ["default/orders", "--wait", "x"], ["default/orders", "-H", "no colon"]]) {
    assertEquals((await world.run(...args)).code, 2, args.join(" "));
  }
  assertEquals((await world.run("default/none")).code, 1);
  const audit = world.gateway.lines.filter(({ text }) =>
    text.includes("/admin/send") && text.includes("audit")
  );
  assert(audit.some(({ text }) => text.includes("default/orders") && text.includes(id.slice(0, 10))));
});

Deno.test("a sender cannot mark an event as a test", async () => {
  await using world = await World.start();
  const answer = await fetch(`${world.gateway.url}/webhook/blob`, {
    method: "POST",
    headers: { "cwm-test": "true", "cwm-event-id": "test-1" },
    body: "{}",
  });
  await answer.body?.cancel();
  await world.target.waitForRequests(1);
  const [request] = world.target.requests;
  assertEquals(request!.headers.get("cwm-test"), null);
  assert(!request!.headers.get("cwm-event-id")!.startsWith("test-"));
});

Deno.test("the line for curl sends the same bytes from any shell, without a credential in it", async () => {
  await using world = await World.start();
  const { target, directory } = world;
  const bodies = [
    new TextEncoder().encode(
      fc.sample(fc.string({ unit: "binary", minLength: 5 }), { numRuns: 1, seed: 7 })[0],
    ),
    fc.sample(fc.uint8Array({ minLength: 5, maxLength: 60 }), { numRuns: 1, seed: 7 })[0]!,
    new TextEncoder().encode("@file 'quoted' \"$HOME\" `id` \\ \n\n"),
    new Uint8Array(300_000).fill(0x61),
  ];
  const queries = ["a=1&b=$HOME", "q=[1-3]", "q={a,b}&c=x y", "q=["];
  for (const [index, body] of bodies.entries()) {
    await Deno.writeFile(directory.file("body"), body);
    const { code, text } = await world.run(
      "default/blob",
      "--data",
      `@${directory.file("body")}`,
      ...["-H", "Authorization: Bearer a-secret", "-H", "X-Kind: it's", "-H", "X-Empty:"],
      ...["--query", queries[index]!, "--curl"],
    );
    assertEquals(code, 0);
    assert(!text.includes("a-secret"), text);
    const before = target.requests.length;
    await directory.writeText("request.sh", text);
    const { success } = await new Deno.Command("sh", {
      args: [directory.file("request.sh")],
      env: { AUTHORIZATION: "Bearer another" },
      stdout: "null",
      stderr: "null",
    }).output();
    assert(success, text);
    await target.waitForRequests(before + 1);
    const request = target.requests.at(-1)!;
    assertEquals(request.headers.get("x-kind"), "it's");
    assertEquals(request.headers.get("x-empty"), "");
    assertEquals(request.body, new Uint8Array(body), text.slice(0, 500));
    assertEquals(target.requests.length, before + 1, "one request, whatever is in the query");
  }
});
