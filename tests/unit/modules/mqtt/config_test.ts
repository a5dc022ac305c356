import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mqttModule } from "../../../../src/modules/mqtt/mqtt.ts";

function problemsOf(schema: "configSchema" | "connectionSchema", value: unknown): string[] {
  const { error } = mqttModule[schema]!.safeParse(value);
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

Deno.test("a topic that a broker would close the connection on is a problem of mqtt", () => {
  const topics = {
    "": "A topic cannot be empty",
    "a/+/b": "cannot contain '+', '#' or single braces",
    "a/#": "cannot contain '+', '#' or single braces",
    "a/{b": "cannot contain '+', '#' or single braces",
    "$SYS/a": "Topics that begin with '$' belong to the broker",
    "a\0b": "cannot contain control characters",
    "a\ufffe": "cannot contain control characters",
    "a/{secret}": "Placeholder {secret} is not known",
    "a/{/~2}": "Placeholder {/~2} is not known",
    [`${"a/".repeat(200)}b`]: "at most 200 levels",
    ["é".repeat(32_768)]: "could become longer than 65535 bytes",
    [`${"a".repeat(65_400)}{event_id}`]: "could become longer than 65535 bytes",
  };
  for (const [topic, expected] of Object.entries(topics)) {
    const [problem] = problemsOf("configSchema", { topic });
    assertStringIncludes(problem ?? "", expected, topic.slice(0, 20));
  }
  assertEquals(problemsOf("configSchema", { topic: "/a//{/x~1y}/é" }), []);
});

Deno.test("mqtt needs a topic, unless Tasmota's form makes it, and one form", () => {
  assertEquals(problemsOf("configSchema", {}), ["topic: Required"]);
  assertEquals(problemsOf("configSchema", { tasmota_format: true }), []);
  assertEquals(problemsOf("configSchema", { tasmota_format: true, device_name: "a/#" }), [
    "device_name: A topic to publish to cannot contain '+', '#' or single braces",
  ]);
  assertEquals(problemsOf("configSchema", { topic: "a", tasmota_format: true, shelly_gen2_format: true }), [
    "tasmota_format: A message has one form: leave out this or shelly_gen2_format",
  ]);
});

Deno.test("a connection of mqtt is read with the keys of the Python service, empty ones as left out", () => {
  const parsed = mqttModule.connectionSchema!.parse({
    user: "farmer",
    username: "",
    password: "",
    client_id: "",
    port: "8883",
    keepalive: 60,
    mqtt_version: "5.0",
    tls: "true",
    tls_ca_cert_file: "",
    tls_insecure: false,
  });
  assertEquals([parsed.host, parsed.port, parsed.username, parsed.password, parsed.clientId], [
    "localhost",
    8883,
    "farmer",
    undefined,
    undefined,
  ]);
  assertEquals([parsed.protocolVersion, parsed.tls?.ca, parsed.tls?.insecure_skip_verify], [
    5,
    undefined,
    false,
  ]);
  const ports = [{}, { tls: true }, { tls: {} }].map((more) => mqttModule.connectionSchema!.parse(more).port);
  assertEquals(ports, [1883, 8883, 8883]);
  assert(problemsOf("connectionSchema", { tls_ca_cert_file: "/ca.crt" })[0]!.startsWith("tls: Must be true"));
  assert(problemsOf("connectionSchema", { mqtt_version: "3.1" })[0]!.includes("5 or 3.1.1"));
});
