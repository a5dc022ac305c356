/** That the type of an event goes along with it, and that webhooks take the types that they name. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { eventually } from "../../support/eventually.ts";
import { type Answer, TestGateway } from "../../support/gateway.ts";
import { TempDir } from "../../support/temp_dir.ts";

const SECRET = "It's a Secret to Everybody";
const GITHUB = { provider: "github", secret: SECRET };
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };

/** Sends a body as GitHub does. */
function sendAsGithub(
  gateway: TestGateway,
  webhook: string,
  event: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
  return gateway.post(`/webhook/${webhook}`, body, {
    "Content-Type": "application/json",
    "X-GitHub-Event": event,
    "X-Hub-Signature-256": signature,
    ...more,
  });
}

/** The lines of the `log` output, once there are so many. */
async function logged(gateway: TestGateway, count: number): Promise<readonly Record<string, unknown>[]> {
  return await eventually(async () => {
    const lines = (await gateway.output()).trim().split("\n").filter((line) => line !== "");
    assertEquals(lines.length, count);
    return lines.map((line) => JSON.parse(line));
  });
}

Deno.test("events of other types are answered with 200, counted as filtered and handed to nobody", async () => {
  const environment = { ADMIN_TOKEN: "admin-token-of-the-tests" };
  await using gateway = await TestGateway.start({
    webhooks: { code: { module: "log", signature: GITHUB, events: ["push", "pull_request*"] } },
    environment,
  });
  assertEquals((await sendAsGithub(gateway, "code", "push", '{"n":1}')).status, 200);
  const filtered = await sendAsGithub(gateway, "code", "issues", '{"n":2}');
  assertEquals(filtered.status, 200);
  assertMatch(filtered.text, /^\{"message":"Event filtered","event_id":"[\w-]+"\}\n$/);
  assertEquals((await sendAsGithub(gateway, "code", "pull_request_review", '{"n":3}')).status, 200);
  assertEquals((await sendAsGithub(gateway, "code", "Push", '{"n":4}')).status, 200);
  const lines = await logged(gateway, 2);
  assertEquals(lines.map((line) => line["event_type"]), ["push", "pull_request_review"]);
  const { text: metrics } = await gateway.request("/metrics");
  assertMatch(metrics, /^cwm_requests_total\{namespace="default",webhook="code",outcome="filtered"\} 2$/m);
  assertMatch(metrics, /^cwm_requests_total\{namespace="default",webhook="code",outcome="accepted"\} 2$/m);
  const admin = await gateway.request("/admin/webhooks/default/code", {
    headers: { authorization: `Bearer ${environment.ADMIN_TOKEN}` },
  });
  assertMatch(admin.text, /"filtered":2/);
});

Deno.test("a request that is not signed is refused, whatever type it names", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { code: { module: "log", signature: GITHUB, events: ["push"] } },
  });
  const headers = { "X-GitHub-Event": "issues", "X-Hub-Signature-256": `sha256=${"0".repeat(64)}` };
  assertEquals((await gateway.post("/webhook/code", "{}", headers)).status, 401);
});

Deno.test("a filtered event need not match the schema, and gets the webhook's own answer", async () => {
  const events = ["push"];
  await using gateway = await TestGateway.start({
    webhooks: {
      strict: { module: "log", signature: GITHUB, events, json_schema: { required: ["commits"] } },
      answering: { module: "log", signature: GITHUB, events, response: { status: 202, body: "[accepted]" } },
    },
  });
  assertEquals((await sendAsGithub(gateway, "strict", "issues", "{}")).status, 200);
  assertEquals((await sendAsGithub(gateway, "strict", "push", "{}")).status, 422);
  const answer = await sendAsGithub(gateway, "answering", "issues", "{}");
  assertEquals([answer.status, answer.text], [202, "[accepted]"]);
});

Deno.test("what a sender writes into cwm-event-type is not handed on", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      code: { module: "log", signature: GITHUB },
      stored: { module: "log", accept: "durable", signature: GITHUB },
      open: { module: "log" },
    },
  });
  const forged = { "cwm-event-type": "forged", "Cwm_Event_Type": "forged" };
  await sendAsGithub(gateway, "code", "push", "{}", forged);
  await sendAsGithub(gateway, "stored", "push", "{}", forged);
  await gateway.post("/webhook/open", "{}", forged);
  const lines = await logged(gateway, 3);
  assert(!JSON.stringify(lines).includes("forged"));
  assertEquals(lines.map((line) => line["event_type"]).sort(), ["push", "push", undefined]);
});

Deno.test("the type of a JSON document comes along through the journal and a chain", async () => {
  await using directory = await TempDir.create();
  await using gateway = await TestGateway.start({
    webhooks: {
      payments: {
        chain: ["log", {
          module: "save_to_disk",
          "module-config": { base_dir: directory.path, path: "events", include_headers: true },
        }],
        accept: "durable",
        signature: { provider: "stripe", secret: "whsec_test" },
        events: ["invoice.*"],
      },
    },
  });
  const send = (body: string) => {
    const time = Math.floor(Date.now() / 1000);
    const signature = createHmac("sha256", "whsec_test").update(`${time}.${body}`).digest("hex");
    return gateway.post("/webhook/payments", body, { "Stripe-Signature": `t=${time},v1=${signature}` });
  };
  assertMatch((await send('{"id":"evt_1","type":"customer.created"}')).text, /"Event filtered"/);
  assertEquals((await send('{"id":"evt_2","type":"invoice.paid"}')).status, 200);
  const [line] = await logged(gateway, 1);
  assertEquals(line?.["event_type"], "invoice.paid");
  const saved = await eventually(() => {
    const [file] = [...Deno.readDirSync(join(directory.path, "events"))].filter(({ name }) =>
      name.endsWith(".json")
    );
    assert(file !== undefined);
    return JSON.parse(Deno.readTextFileSync(join(directory.path, "events", file.name)));
  });
  assertEquals(saved.event_type, "invoice.paid");
});

Deno.test("GitHub, Slack and Twilio are taken with JSON and with forms on one webhook", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      github: { module: "log", signature: GITHUB },
      slack: { module: "log", signature: { provider: "slack", secret: SECRET } },
      twilio: {
        module: "log",
        signature: { provider: "twilio", secret: SECRET, public_url: "https://hooks.example.com/sms" },
      },
    },
  });
  const document = '{"action":"opened","text":"Grüße"}';
  const form = `payload=${encodeURIComponent(document)}`;
  assertEquals((await sendAsGithub(gateway, "github", "issues", document)).status, 200);
  assertEquals((await sendAsGithub(gateway, "github", "issues", form, FORM)).status, 200);

  const sendAsSlack = (body: string, headers: Readonly<Record<string, string>> = {}) => {
    const time = String(Math.floor(Date.now() / 1000));
    const signature = createHmac("sha256", SECRET).update(`v0:${time}:${body}`).digest("hex");
    return gateway.post("/webhook/slack", body, {
      "X-Slack-Request-Timestamp": time,
      "X-Slack-Signature": `v0=${signature}`,
      ...headers,
    });
  };
  assertEquals((await sendAsSlack('{"type":"event_callback","event":{"type":"app_mention"}}')).status, 200);
  assertEquals((await sendAsSlack("command=%2Fdeploy&text=now", FORM)).status, 200);
  const action = encodeURIComponent('{"type":"block_actions"}');
  assertEquals((await sendAsSlack(`payload=${action}`, FORM)).status, 200);

  const content = "https://hooks.example.com/smsBodyHiMessageStatusdelivered";
  const signature = createHmac("sha1", SECRET).update(content).digest("base64");
  const sms = await gateway.post("/webhook/twilio", "MessageStatus=delivered&Body=Hi", {
    ...FORM,
    "X-Twilio-Signature": signature,
  });
  assertEquals(sms.status, 200);

  const lines = await logged(gateway, 6);
  assertEquals(lines.map((line) => [line["event_type"], line["payload"]]), [
    ["issues", JSON.parse(document)],
    ["issues", JSON.parse(document)],
    ["app_mention", { type: "event_callback", event: { type: "app_mention" } }],
    ["/deploy", { command: "/deploy", text: "now" }],
    ["block_actions", { type: "block_actions" }],
    ["delivered", { MessageStatus: "delivered", Body: "Hi" }],
  ]);
  const { headers } = lines[1] as { headers: Record<string, string> };
  assertEquals(headers["content-type"], "application/json", "the document is JSON now");
});

Deno.test("a webhook that says data_type takes nothing besides", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      json: { module: "log", data_type: "json", signature: GITHUB },
      form: { module: "log", data_type: "form", form_field: "payload", signature: GITHUB },
    },
  });
  const form = `payload=${encodeURIComponent("{}")}`;
  assertEquals((await sendAsGithub(gateway, "json", "push", form, FORM)).status, 400);
  assertEquals((await sendAsGithub(gateway, "form", "push", "{}")).status, 415);
  assertEquals((await sendAsGithub(gateway, "form", "push", form, FORM)).status, 200);
});

Deno.test("the document in a form in parts is the event, with its type", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { sign: { module: "log", signature: { provider: "dropbox-sign", secret: SECRET } } },
  });
  const send = (fields: Readonly<Record<string, string>>) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return gateway.post("/webhook/sign", form);
  };
  const hash = createHmac("sha256", SECRET).update("1600000000signature_request_signed").digest("hex");
  const event = { event_time: "1600000000", event_type: "signature_request_signed", event_hash: hash };
  assertEquals((await send({ json: JSON.stringify({ event }), other: "kept out" })).status, 200);
  assertEquals((await send({ other: "{}" })).status, 401);
  const [line] = await logged(gateway, 1);
  assertEquals([line?.["event_type"], line?.["payload"]], ["signature_request_signed", { event }]);
});

Deno.test("a filter without a type to look at is a problem of the webhook", async () => {
  const refused: readonly Record<string, unknown>[] = [
    { events: ["push"] },
    { events: ["push"], hmac: { secret: SECRET } },
    { events: [], signature: GITHUB },
    { events: ["push"], signature: { provider: "xero", secret: SECRET } },
    { events: ["push"], signature: { secret: SECRET, scheme: { signature: { at: "X-A" } } } },
    { events: ["push"], signature: { ...GITHUB, events: ["push"] } },
  ];
  const webhooks = Object.fromEntries(
    refused.map((each, index) => [`w${index}`, { module: "log", ...each }]),
  );
  const scheme = { signature: { at: "X-A" }, event: ["X-Type", "/kind"] };
  await using gateway = await TestGateway.start({
    webhooks: {
      ...webhooks,
      own: { module: "log", events: ["made"], signature: { secret: SECRET, scheme } },
      inside: { module: "log", signature: { ...GITHUB, events: ["push"] } },
    },
  });
  for (const id of Object.keys(webhooks)) {
    assertEquals((await gateway.post(`/webhook/${id}`, "{}")).status, 503, id);
  }
  const send = (body: string) => {
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    return gateway.post("/webhook/own", body, { "X-A": signature });
  };
  assertMatch((await send('{"kind":"lost"}')).text, /"Event filtered"/);
  assertMatch((await send('{"kind":"made"}')).text, /accepted/);
  assertMatch((await sendAsGithub(gateway, "inside", "issues", "{}")).text, /filtered/);
});
