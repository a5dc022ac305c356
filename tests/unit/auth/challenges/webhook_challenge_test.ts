import { assertEquals } from "@std/assert";
import { compileWebhook } from "../../../../src/config/compile/compiler.ts";
import { outputModules } from "../../../../src/modules/registry.ts";
import type { Answer } from "../../../support/gateway.ts";
import {
  assertEmpty,
  assertJson,
  assertRefused,
  ChallengedGateway,
} from "../../../support/signatures/challenged_gateway.ts";

function start(): Promise<ChallengedGateway> {
  return ChallengedGateway.start({
    grid: {
      challenge: "event-grid",
      query_auth: { parameter_name: "code", api_key: "c-1" },
    },
    events: {
      challenge: { cloudevents: { origins: ["events.example.com"], rate: 120 } },
      methods: ["POST", "PUT"],
    },
    everybody: { challenge: { cloudevents: { origins: ["*"] } }, probes: true },
    plain: {},
  });
}

function ask(provider: ChallengedGateway, webhook: string, headers: Record<string, string>): Promise<Answer> {
  return provider.gateway.request(`/webhook/${webhook}`, { method: "OPTIONS", headers });
}

const VALIDATION = { "aeg-event-type": "SubscriptionValidation" };

function validation(validationCode: unknown, further: Record<string, unknown> = {}): string {
  const eventType = "Microsoft.EventGrid.SubscriptionValidationEvent";
  return JSON.stringify([{ id: "1", topic: "t", eventType, data: { validationCode }, ...further }]);
}

Deno.test("Event Grid gets its validation code back, where it has the webhook's credentials", async () => {
  await using provider = await start();
  const code = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6";
  assertJson(await provider.post("grid?code=c-1", validation(code), VALIDATION), {
    validationResponse: code,
  });
  assertRefused(await provider.post("grid?code=c-2", validation(code), VALIDATION), 401, "unauthorized");
  assertEquals(await provider.count("grid", "challenge"), 1);
  assertEquals(provider.probe.events, []);
});

Deno.test("what is no validation event of Event Grid is no challenge", async () => {
  await using provider = await start();
  const bodies = [
    "{}",
    "[]",
    "no JSON",
    validation(undefined),
    validation(""),
    validation(7),
    validation("c".repeat(1025)),
    validation("a\u0007b"),
    validation("a", { eventType: "Microsoft.Storage.BlobCreated" }),
    validation("a", { data: null }),
  ];
  for (const body of bodies) {
    assertRefused(await provider.post("grid?code=c-1", body, VALIDATION), 400, "invalid_challenge");
  }
  for (const headers of [{}, { "aeg-event-type": "Notification" }]) {
    assertEquals((await provider.post("grid?code=c-1", validation("a"), headers)).status, 200);
  }
  assertEquals((await provider.post("plain", validation("a"), VALIDATION)).status, 200);
  assertEquals(provider.probe.events.length, 3);
});

Deno.test("Event Grid's other handshake, of CloudEvents, is permitted as well", async () => {
  await using provider = await start();
  const headers = { "webhook-request-origin": "eventgrid.azure.net", "webhook-request-rate": "120" };
  const answer = await ask(provider, "grid?code=c-1", headers);
  assertEmpty(answer);
  assertEquals(answer.headers.get("webhook-allowed-origin"), "eventgrid.azure.net");
  assertEquals(answer.headers.get("webhook-allowed-rate"), "120");
  assertEquals(answer.headers.get("allow"), "POST");
});

Deno.test("CloudEvents: listed origins are permitted, at the rate of the webhook or less", async () => {
  await using provider = await start();
  const rates = [[undefined, "120"], ["60", "60"], ["1000", "120"], ["*", "120"], ["-1", "120"]] as const;
  for (const [requested, allowed] of rates) {
    const answer = await ask(provider, "events", {
      "webhook-request-origin": "Events.example.com",
      ...requested === undefined ? {} : { "webhook-request-rate": requested },
    });
    assertEmpty(answer);
    assertEquals(answer.headers.get("webhook-allowed-origin"), "Events.example.com");
    assertEquals(answer.headers.get("webhook-allowed-rate"), allowed);
    assertEquals(answer.headers.get("allow"), "POST, PUT");
  }
  const anybody = await ask(provider, "everybody", { "webhook-request-origin": "other.example" });
  assertEquals(anybody.headers.get("webhook-allowed-origin"), "other.example");
  assertEquals(anybody.headers.get("webhook-allowed-rate"), "*");
});

Deno.test("CloudEvents: other origins are not permitted, and other OPTIONS are as ever", async () => {
  await using provider = await start();
  for (const origin of ["other.example", "example.com", "x.events.example.com"]) {
    const answer = await ask(provider, "events", { "webhook-request-origin": origin });
    assertRefused(answer, 403, "forbidden");
    assertEquals(answer.headers.get("webhook-allowed-origin"), null);
  }
  for (const origin of ["*", "a b", "https://events.example.com", `${"a".repeat(254)}`]) {
    assertRefused(
      await ask(provider, "everybody", { "webhook-request-origin": origin }),
      400,
      "invalid_challenge",
    );
  }
  assertEquals((await ask(provider, "everybody", {})).headers.get("allow"), "POST, GET, HEAD, OPTIONS");
  for (const webhook of ["events", "plain"]) {
    const answer = await ask(provider, webhook, webhook === "plain" ? { "webhook-request-origin": "a" } : {});
    assertRefused(answer, 405, "method_not_allowed");
  }
});

for (
  const challenge of ["cloudevents", {}, { cloudevents: {} }, { cloudevents: { origins: [] } }, {
    cloudevents: { origins: ["https://a.example"] },
  }, { cloudevents: { origins: ["a"], rate: 0 } }]
) {
  Deno.test(`challenge ${JSON.stringify(challenge)} is a problem of the webhook`, () => {
    const compiled = compileWebhook({ module: "log", challenge }, {
      environment: {},
      modules: outputModules,
    });
    assertEquals("problems" in compiled && compiled.problems[0]?.path.startsWith("challenge"), true);
  });
}
