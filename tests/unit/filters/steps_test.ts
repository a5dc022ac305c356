/** Which steps of a chain take an event, and what is left of the choice after failures, replays and restarts. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { DeliveryError } from "../../../src/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const ONCE = { enabled: false };

type Step = Readonly<Record<string, unknown>>;

function step(label: string, more: Step = {}): Step {
  return { module: "probe", "module-config": { label }, ...more };
}

async function start(probe: ProbeModule, webhooks: Readonly<Record<string, unknown>>): Promise<TestGateway> {
  return await TestGateway.start({ webhooks, modules: [probe.module], environment: { ADMIN_TOKEN } });
}

async function admin(gateway: TestGateway, path: string, method = "GET") {
  const { text } = await gateway.request(path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return JSON.parse(text);
}

/** What each output has got, as `label text`, in any order. */
function taken(probe: ProbeModule): readonly string[] {
  return probe.events.map(({ label, text }) => `${label} ${text}`).toSorted();
}

async function metric(gateway: TestGateway, line: string): Promise<string | undefined> {
  const { text } = await gateway.request("/metrics");
  return text.split("\n").find((each) => each.startsWith(line))?.slice(line.length).trim();
}

const BY_TYPE = [
  step("invoices", { when: "body.type.startsWith('invoice.')" }),
  step("refunds", { when: "body.type == 'refund'" }),
  step("rest", { otherwise: true }),
];

for (const accept of ["delivered", "durable"]) {
  for (const execution of ["sequential", "parallel"]) {
    Deno.test(`each step takes what its condition says, and one what is left, ${accept}, ${execution}`, async () => {
      const probe = new ProbeModule();
      await using gateway = await start(probe, {
        hook: { accept, chain: BY_TYPE, "chain-config": { execution } },
      });
      for (const type of ["invoice.paid", "refund", "ping"]) {
        assertMatch((await gateway.post("/webhook/hook", JSON.stringify({ type }))).text, /accepted/);
      }
      assertMatch((await gateway.post("/webhook/hook", '{"kind":"no type"}')).text, /accepted/);
      await eventually(() =>
        assertEquals(taken(probe), [
          'invoices {"type":"invoice.paid"}',
          'refunds {"type":"refund"}',
          'rest {"kind":"no type"}',
          'rest {"type":"ping"}',
        ])
      );
    });
  }

  Deno.test(`with route first, the first step that is met takes the event alone, ${accept}`, async () => {
    const probe = new ProbeModule();
    const chain = [
      step("large", { when: "body.n > 100" }),
      step("some", { when: "body.n > 10" }),
      step("rest", { otherwise: true }),
    ];
    await using gateway = await start(probe, {
      first: { accept, chain, "chain-config": { route: "first" } },
      all: { accept, chain },
    });
    for (const n of [1, 50, 500]) await gateway.post("/webhook/first", `{"n":${n}}`);
    await eventually(() => assertEquals(taken(probe), ['large {"n":500}', 'rest {"n":1}', 'some {"n":50}']));
    probe.events.length = 0;
    await gateway.post("/webhook/all", '{"n":500}');
    await eventually(() => assertEquals(taken(probe), ['large {"n":500}', 'some {"n":500}']));
  });
}

Deno.test("where no step takes an event, its sender hears that it was filtered, or it is done at once", async () => {
  const probe = new ProbeModule();
  const chain = [step("a", { when: "body.n == 1" }), step("b", { when: "body.n == 2" })];
  await using gateway = await start(probe, {
    waiting: { accept: "delivered", chain, idempotency: { json_pointer: "/id" } },
    durable: { accept: "durable", chain },
  });
  assertMatch((await gateway.post("/webhook/waiting", '{"n":3,"id":1}')).text, /Event filtered/);
  assertMatch((await gateway.post("/webhook/waiting", '{"n":1,"id":1}')).text, /Event accepted/);
  const outcome = 'cwm_requests_total{namespace="default",webhook="waiting",outcome="filtered"}';
  assertEquals(await metric(gateway, outcome), "1");
  assertMatch((await gateway.post("/webhook/durable", '{"n":3}')).text, /Event accepted/);
  const unrouted = 'cwm_events_ended_total{namespace="default",webhook="durable",outcome="unrouted"}';
  await eventually(async () => assertEquals(await metric(gateway, unrouted), "1"));
  assertEquals(await metric(gateway, "cwm_events_pending"), "0");
  assertEquals(taken(probe), ['a {"n":1,"id":1}']);
});

Deno.test("an event does not wait for an output that it is not for", async () => {
  const probe = new ProbeModule();
  probe.behaviour = ({ config }) =>
    config.label === "down" ? new DeliveryError("output_unavailable", "It is down") : "delivered";
  await using gateway = await start(probe, {
    hook: { accept: "durable", chain: [step("down", { when: "body.n == 1" }), step("up")] },
  });
  await gateway.post("/webhook/hook", '{"n":2}');
  await eventually(() => assertEquals(taken(probe), ['up {"n":2}']));
});

Deno.test("a condition that fails fails its step alone, and a replay begins there", async () => {
  const probe = new ProbeModule();
  const chain = (
    when: string,
  ) => [step("broken", { when }), step("always"), step("never", { when: "body.n == 7" })];
  await using gateway = await start(probe, {
    hook: { accept: "durable", chain: chain("body.n.size() == 1") },
  });
  assertMatch((await gateway.post("/webhook/hook", '{"n":1}')).text, /accepted/);
  await eventually(async () => {
    const { dead_letters: [letter] } = await admin(gateway, "/admin/dead-letters");
    assertEquals(letter?.reason, "filter_failed");
  });
  assertEquals(taken(probe), ['always {"n":1}']);
  await gateway.writeWebhooks({ hook: { accept: "durable", chain: chain("body.n == 1") } });
  await gateway.reload();
  assertEquals((await admin(gateway, "/admin/dead-letters/replay?all=true", "POST")).replayed, 1);
  await eventually(() => assertEquals(taken(probe), ['always {"n":1}', 'broken {"n":1}']));
  await eventually(async () => assertEquals(await metric(gateway, "cwm_events_pending"), "0"));
  assertEquals((await admin(gateway, "/admin/dead-letters")).dead_letters, []);
});

Deno.test("while a condition fails, nobody takes what would be left, and a waiting sender gets 500", async () => {
  const probe = new ProbeModule();
  const chain = [step("broken", { when: "body.n.size() == 1" }), step("rest", { otherwise: true })];
  await using gateway = await start(probe, {
    waiting: { accept: "delivered", chain },
    durable: { accept: "durable", chain },
  });
  const answer = await gateway.post("/webhook/waiting", '{"n":1}');
  assertEquals([answer.status, errorCode(answer)], [500, "filter_failed"]);
  await gateway.post("/webhook/durable", '{"n":1}');
  await eventually(async () =>
    assertEquals((await admin(gateway, "/admin/dead-letters")).dead_letters.length, 1)
  );
  assertEquals(probe.events, []);
});

Deno.test("a retry chooses again, and what is done stays done", async () => {
  const probe = new ProbeModule();
  let tries = 0;
  probe.behaviour = ({ config }) =>
    config.label === "flaky" && ++tries < 3 ? new DeliveryError("output_failed", "Not now") : "delivered";
  const retry = { initial_delay: 0, max_delay: 0.05 };
  await using gateway = await start(probe, {
    hook: {
      accept: "durable",
      retry,
      chain: [step("skipped", { when: "body.n == 2" }), step("done"), step("flaky", { when: "body.n == 1" })],
    },
  });
  await gateway.post("/webhook/hook", '{"n":1}');
  await eventually(async () => assertEquals(await metric(gateway, "cwm_events_pending"), "0"));
  assertEquals(tries, 3);
  assertEquals(taken(probe).filter((each) => !each.startsWith("flaky")), ['done {"n":1}']);
});

Deno.test("events of ordered steps arrive in their order, however large some of them are", async () => {
  const probe = new ProbeModule({ ordered: true, acceptance: "durable" });
  await using gateway = await start(probe, {
    hook: {
      filter: "has(body.n)",
      payload: { drop: ["/zeros"] },
      chain: [step("a", { when: "body.last == 1" })],
    },
  });
  const large = (n: number) =>
    JSON.stringify({ n, zeros: Array.from({ length: 150_000 }, () => 0), last: 1 });
  for (let n = 0; n < 8; n++) {
    await gateway.post("/webhook/hook", n % 2 === 0 ? large(n) : `{"n":${n},"last":1}`);
  }
  await eventually(() => assertEquals(probe.events.length, 8));
  const order = probe.events.map(({ text }) => JSON.parse(text) as { n: number; zeros?: unknown });
  assertEquals(order.map(({ n }) => n), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert(order.every(({ zeros }) => zeros === undefined));
});

Deno.test("steps that could never take anything are problems of the entry", async () => {
  const probe = new ProbeModule();
  const wrong = {
    two: { chain: [step("a", { otherwise: true }), step("b", { otherwise: true })] },
    idle: { chain: [step("a"), step("b", { otherwise: true })] },
    both: { chain: [step("a", { when: "true", otherwise: true })] },
    text: { chain: [step("a", { when: "1 + 1" })] },
    blob: { data_type: "blob", chain: [step("a", { when: "body == 'x'" })] },
  };
  const paths: Readonly<Record<string, string>> = {
    two: "chain.1.otherwise",
    idle: "chain.1.otherwise",
    both: "chain.0.otherwise",
    text: "chain.0.when",
    blob: "chain.0.when:1:1",
  };
  await using gateway = await start(probe, wrong);
  const { problems } = await admin(gateway, "/admin/config") as { problems: { key: string; path: string }[] };
  for (const name of Object.keys(wrong)) {
    assertEquals(problems.find(({ key }) => key === `webhook default/${name}`)?.path, paths[name]);
  }
});

Deno.test("conditions read headers, the query and the event, out of the journal as well", async () => {
  const probe = new ProbeModule();
  const when = "headers['x-kind'] == 'a' && query.shop == '7' && event.webhook == 'hook' && event.id != ''";
  await using gateway = await start(probe, {
    hook: {
      accept: "durable",
      chain: [step("a", { when: `${when} && !query.exists(name, name == 'token')` })],
    },
  });
  await admin(gateway, "/admin/stops/pause?webhook=default/hook", "POST");
  assertMatch(
    (await gateway.post("/webhook/hook?shop=7&token=secret", "{}", { "X-Kind": "a" })).text,
    /accepted/,
  );
  await admin(gateway, "/admin/stops/resume?webhook=default/hook", "POST");
  await eventually(() => assertEquals(taken(probe), ["a {}"]));
});

Deno.test("a step without retry that cannot deliver is a dead letter beside one that was skipped", async () => {
  const probe = new ProbeModule();
  probe.behaviour = () => new DeliveryError("output_failed", "Not now");
  await using gateway = await start(probe, {
    hook: { accept: "durable", retry: ONCE, chain: [step("a", { when: "false" }), step("b")] },
  });
  await gateway.post("/webhook/hook", '{"n":1}');
  await eventually(async () => {
    assertEquals((await admin(gateway, "/admin/dead-letters")).dead_letters[0]?.reason, "output_failed");
  });
});
