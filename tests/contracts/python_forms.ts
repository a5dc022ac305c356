/**
 * What users bring along from the Python service, as one suite of tests over the registry: whatever its files say of a
 * module is taken by `cwm check`, and an event is delivered with it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { namesOf, type OutputModule } from "../../src/modules/module.ts";
import type { OutputUnderTest, OutputWorld } from "./output.ts";
import { TestGateway } from "../support/gateway.ts";
import { checkFiles } from "../support/python_configurations/check_files.ts";
import { pythonConfigurations, type Values } from "../support/python_configurations/python_configurations.ts";

/** A webhook, or a step of one, as the Python service's files write it, and its connection. */
interface PythonForm {
  readonly step: Values;
  readonly connection: Values | undefined;
}

/** Keys of a webhook that say how it delivers. */
const OF_DELIVERY = ["module", "module-config", "topic", "queue_name", "redis"];

/** Of the service's modules, the one that none of its files has. */
const ZEROMQ: PythonForm = {
  step: {
    module: "zeromq",
    "module-config": { endpoint: "tcp://silo:5555", socket_type: "REQ", bind: false },
  },
  connection: undefined,
};

/** Names that the service's files have for what is called otherwise in a world. */
const SAME: Values = { user: "username", username: "user", pass: "password", password: "pass" };

/** What a file says of a server that is not the one of the test. */
const OF_ANOTHER_SERVER = ["user", "username", "pass", "password", "database", "project_id"];

/** Registers a test for each module that the service has. */
export function testPythonForms(worlds: ReadonlyMap<OutputModule, OutputWorld>): void {
  const forms = formsByModule();
  for (const [module, world] of worlds) {
    const all = namesOf(module).flatMap((name) => forms.get(name) ?? []);
    if (all.length === 0) continue;
    Deno.test(`what the Python service's files say of ${module.name} is taken by check, and delivered`, async () => {
      await using subject = await world.setUp();
      const entries = all.map((form, index) => ({ id: `form-${index}`, ...formAt(form, subject) }));
      const webhooks = Object.fromEntries(
        entries.map((
          { id, webhook, connection },
        ) => [id, connection === undefined ? webhook : { ...webhook, connection: id }]),
      );
      const connections = Object.fromEntries(
        entries.flatMap(({ id, connection }) => connection === undefined ? [] : [[id, connection]]),
      );
      const environment = { FARM_API_KEY: "farm-api-key" };
      const { status, lines } = await checkFiles({ webhooks, connections, environment });
      assertEquals(status, 0, lines.join("\n"));
      await using gateway = await TestGateway.start({ webhooks, connections, environment });
      for (const { id } of entries) {
        const answer = await gateway.post(`/webhook/${id}`, '{"crate":{"id":7}}', {
          "content-type": "application/json",
        });
        assertEquals([id, answer.status], [id, 200], answer.text);
      }
    });
  }

  Deno.test("every module of the Python service has a form here", () => {
    assertEquals([...forms.keys()].sort(), [
      "activemq",
      "aws_sqs",
      "clickhouse",
      "gcp_pubsub",
      "http_webhook",
      "kafka",
      "log",
      "mqtt",
      "mysql",
      "postgresql",
      "rabbitmq",
      "redis_publish",
      "redis_rq",
      "s3",
      "save_to_disk",
      "webhook_connect",
      "websocket",
      "zeromq",
    ]);
  });
}

/** Each form once. */
function formsByModule(): ReadonlyMap<string, readonly PythonForm[]> {
  const forms = new Map<string, Map<string, PythonForm>>();
  const add = (form: PythonForm) => {
    const name = String(form.step["module"]);
    const known = forms.get(name) ?? new Map();
    forms.set(name, known.set(JSON.stringify(form), form));
  };
  for (const { webhooks, connections } of pythonConfigurations()) {
    for (const webhook of Object.values(webhooks) as Values[]) {
      const steps = Array.isArray(webhook["chain"]) ? webhook["chain"] as (string | Values)[] : [webhook];
      for (const written of steps) {
        const step = typeof written === "string" ? { module: written } : written;
        const kept = Object.entries(step).filter(([key]) => OF_DELIVERY.includes(key));
        const connection = connections[String(step["connection"])] as Values | undefined;
        add({ step: Object.fromEntries(kept), connection });
      }
    }
  }
  add(ZEROMQ);
  return new Map(Array.from(forms, ([name, each]) => [name, [...each.values()]]));
}

/** The form with the addresses, names and credentials of a test's server in the places of its own. */
function formAt({ step, connection }: PythonForm, subject: OutputUnderTest) {
  // Queues for connectors are the gateway's own.
  const place: Values = subject.channels === undefined ? { ...subject.config, ...subject.pythonPlace } : {};
  const here = subject.connection as Values | undefined;
  const { "module-config": written, redis, ...webhook } = step;
  const above = Object.keys(webhook).filter((key) => key in place);
  const config = Object.fromEntries(Object.entries(place).filter(([key]) => !above.includes(key)));
  const inline = redis === undefined
    ? { "module-config": { ...written as Values | undefined, ...config } }
    : { redis: { ...inPlaceOf(redis as Values, here ?? {}), ...place } };
  return {
    webhook: {
      ...webhook,
      ...Object.fromEntries(above.map((key) => [key, place[key]])),
      ...inline,
      data_type: subject.dataType ?? "json",
      accept: "delivered",
    },
    connection: connection === undefined
      ? undefined
      : { type: connection["type"], ...inPlaceOf(connection, here ?? {}) },
  };
}

function inPlaceOf(written: Values, here: Values): Values {
  const kept = Object.entries(written).filter(([key]) => !OF_ANOTHER_SERVER.includes(key));
  const placed = Object.entries(here).map(([key, value]) => {
    const other = String(SAME[key]);
    return [key in written || !(other in written) ? key : other, value];
  });
  return { ...Object.fromEntries(kept), ...Object.fromEntries(placed) };
}
