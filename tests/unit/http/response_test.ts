import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

async function start(response: unknown, environment: Record<string, string> = {}, more = {}) {
  const probe = new ProbeModule();
  const gateway = await TestGateway.start({
    webhooks: { w: { module: "probe", response, ...more } },
    modules: [probe.module],
    environment: { ADMIN_TOKEN, ...environment },
  });
  return { probe, gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

const answers: readonly [
  name: string,
  response: Record<string, unknown>,
  status: number,
  contentType: string | null,
  body: string,
][] = [
  [
    "the body that Twilio wants",
    { body: "<Response/>", content_type: "text/xml" },
    200,
    "text/xml",
    "<Response/>",
  ],
  ["an empty 200, as Xero wants it", {}, 200, null, ""],
  ["an empty 201", { status: 201 }, 201, null, ""],
  [
    "202 with JSON",
    { status: 202, body: "{}", content_type: "application/json" },
    202,
    "application/json",
    "{}",
  ],
  ["204 without a body", { status: 204 }, 204, null, ""],
  ["plain text, where no type is said", { body: "ok" }, 200, "text/plain; charset=utf-8", "ok"],
  ["a content type without a body", { content_type: "text/xml" }, 200, "text/xml", ""],
  [
    "a content type with quoted parameters",
    { body: "x", content_type: `text/plain; charset="utf-8"; v=1` },
    200,
    `text/plain; charset="utf-8"; v=1`,
    "x",
  ],
  ["a body of 8 KiB", { body: "é".repeat(4096) }, 200, "text/plain; charset=utf-8", "é".repeat(4096)],
];
for (const [name, response, status, contentType, body] of answers) {
  Deno.test(`accepted events are answered with ${name}`, async () => {
    await using context = await start(response);
    const { gateway, probe } = context;
    for (let count = 0; count < 2; count++) {
      const answer = await gateway.post("/webhook/w", "{}");
      assertEquals([answer.status, answer.headers.get("content-type"), answer.text], [
        status,
        contentType,
        body,
      ]);
      assertEquals(answer.headers.get("x-request-id"), probe.events.at(-1)?.id);
    }
  });
}

Deno.test("a repeated event gets the webhook's answer with the id of the first one", async () => {
  await using context = await start({ status: 202, body: "taken" }, {}, {
    idempotency: { json_pointer: "/id" },
  });
  const { gateway, probe } = context;
  const first = await gateway.post("/webhook/w", `{"id":"a"}`);
  const second = await gateway.post("/webhook/w", `{"id":"a"}`);
  assertEquals([second.status, second.text], [202, "taken"]);
  assertEquals(second.headers.get("x-request-id"), first.headers.get("x-request-id"));
  assertEquals(probe.events.length, 1);
});

Deno.test("an event that stands in the journal gets the webhook's answer", async () => {
  await using context = await start({ status: 204 }, {}, { accept: "durable" });
  assertEquals((await context.gateway.post("/webhook/w", "{}")).status, 204);
});

Deno.test("errors are answered as ever, whatever answer the webhook has", async () => {
  await using context = await start({ status: 204 });
  const answer = await context.gateway.post("/webhook/w", "{");
  assertEquals([answer.status, errorCode(answer)], [400, "invalid_json"]);
});

Deno.test("REQUEST_ID_HEADER=errors leaves the id out of a webhook's own answer", async () => {
  await using context = await start({ status: 204 }, { REQUEST_ID_HEADER: "errors" });
  assertEquals((await context.gateway.post("/webhook/w", "{}")).headers.get("x-request-id"), null);
});

Deno.test("values of an answer may come out of the environment", async () => {
  const response = { status: "{$STATUS}", body: "{$BODY:taken}" };
  await using context = await start(response, { STATUS: "201" });
  const answer = await context.gateway.post("/webhook/w", "{}");
  assertEquals([answer.status, answer.text], [201, "taken"]);
});

const problems: readonly [name: string, response: unknown, path: string, message: RegExp][] = [
  ["a status that means failure", { status: 500 }, "response.status", /200\|201\|202\|204/],
  ["a status that redirects", { status: 302 }, "response.status", /200\|201\|202\|204/],
  ["a body with 204", { status: 204, body: "x" }, "response", /204 has neither/],
  ["a content type with 204", { status: 204, content_type: "text/xml" }, "response", /204 has neither/],
  ["a body over 8 KiB", { body: "é".repeat(4096) + "x" }, "response.body", /larger than 8192 bytes/],
  ["a content type that is none", { content_type: "xml" }, "response.content_type", /media type/],
  [
    "a line end in the content type",
    { content_type: "a/b\r\nX-Y: z" },
    "response.content_type",
    /media type/,
  ],
  [
    "a line end after the content type",
    { content_type: "text/xml\n" },
    "response.content_type",
    /media type/,
  ],
  [
    "a character that no header carries",
    { content_type: 'a/b; c="é"' },
    "response.content_type",
    /media type/,
  ],
  ["a misspelt key", { contenttype: "text/xml" }, "response.contenttype", /nearest is 'content_type'/],
  ["a body that is no text", { body: {} }, "response.body", /string/],
];
for (const [name, response, path, message] of problems) {
  Deno.test(`${name} is a problem of the webhook, which answers 503`, async () => {
    await using context = await start(response);
    const { gateway } = context;
    assertEquals(errorCode(await gateway.post("/webhook/w", "{}")), "webhook_misconfigured");
    const config = await gateway.request("/admin/config", {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const [problem] = (JSON.parse(config.text) as { problems: { path: string; message: string }[] }).problems;
    assertNotEquals(problem, undefined);
    assertEquals(problem?.path, path);
    assertMatch(problem?.message ?? "", message);
  });
}
