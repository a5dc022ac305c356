import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import { pubsubConfigSchema } from "../../../../src/modules/gcp_pubsub/config.ts";
import { pubsubConnectionSchema } from "../../../../src/modules/gcp_pubsub/connection.ts";
import { sharedAccount } from "../../../support/pubsub/account.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

function problemsOf(
  schema: typeof pubsubConfigSchema | typeof pubsubConnectionSchema,
  input: unknown,
): string[] {
  return schema.safeParse(input).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ??
    [];
}

Deno.test("gcp_pubsub takes names of topics and attributes that Pub/Sub takes, and no others", () => {
  const config = { topic: "orders-1._~+%", attributes: { a: "", ["x".repeat(256)]: "é".repeat(512) } };
  assertEquals(problemsOf(pubsubConfigSchema, config), []);
  for (
    const topic of [
      "",
      "ab",
      "1orders",
      "goog-orders",
      "a/b",
      "a b",
      "orders:publish",
      "x".repeat(256),
      "zoë",
    ]
  ) {
    assertStringIncludes(problemsOf(pubsubConfigSchema, { topic }).join(), "topic: Not the name of a topic");
  }
  const attributes: readonly [name: string, value: string, problem: string][] = [
    ["", "v", "must not be empty"],
    ["goog-x", "v", "Google's own"],
    ["cwm-event-id", "v", "the gateway's own"],
    ["é".repeat(129), "v", "longer than 256 bytes"],
    ["a", "é".repeat(513), "longer than 1024 bytes"],
  ];
  for (const [name, value, problem] of attributes) {
    assertStringIncludes(
      problemsOf(pubsubConfigSchema, { topic: "orders", attributes: { [name]: value } }).join(),
      problem,
    );
  }
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`a${index}`, ""]));
  assertEquals(problemsOf(pubsubConfigSchema, { topic: "orders", attributes: many }).length, 1);
});

Deno.test("an event without a value for its ordering key, or with too long a one, is rejected", () => {
  const { orderingKey } = pubsubConfigSchema.parse({ topic: "orders", ordering_key: "{/id}" });
  assertEquals(orderingKey!(verifiedEvent({ body: '{"id":1.50}' })), "1.50");
  for (const id of [null, "", {}, "é".repeat(513)]) {
    const error = assertThrows(
      () => orderingKey!(verifiedEvent({ body: JSON.stringify({ id }) })),
      DeliveryError,
    );
    assertEquals(error.code, "output_rejected");
  }
  for (const ordering_key of ["", "{unknown}", "x".repeat(1025)]) {
    assertEquals(problemsOf(pubsubConfigSchema, { topic: "orders", ordering_key }).length, 1);
  }
});

Deno.test("gcp_pubsub reads the keys of the Python service, and the key of an account in each form", () => {
  const python = pubsubConnectionSchema.parse({ project_id: "farm-project-id", credentials: {} });
  assertEquals([python.projectId, python.account, python.emulator], [
    "farm-project-id",
    undefined,
    undefined,
  ]);
  const document = sharedAccount().document();
  for (const credentials of [document, JSON.stringify(document)]) {
    const { projectId, account } = pubsubConnectionSchema.parse({
      credentials,
      emulator_host: "",
      metadata_host: "",
    });
    assertEquals([projectId, account!.keyId], [document["project_id"], document["private_key_id"]]);
  }
});

Deno.test("what is wrong with an account's key is said, and nothing of it is shown", () => {
  const document = sharedAccount().document();
  const cases: readonly [credentials: unknown, words: string][] = [
    [sharedAccount().document("pkcs1"), "PKCS#1 (BEGIN RSA PRIVATE KEY): convert it with openssl pkcs8"],
    [
      { ...document, private_key: document["private_key"]!.slice(0, 200) },
      "not the key of an RSA pair in PKCS#8",
    ],
    [{ ...document, type: "authorized_user" }, "Only keys of service accounts"],
    [
      { type: "service_account", project_id: "project-1" },
      "client_email, private_key_id, private_key is missing",
    ],
    ["{s3cret", "Not a document in JSON"],
  ];
  for (const [credentials, words] of cases) {
    const problems = problemsOf(pubsubConnectionSchema, { project_id: "project-1", credentials }).join();
    assertStringIncludes(problems, words);
    assert(!problems.includes(sharedAccount().secret) && !problems.includes("s3cret"));
  }
});

Deno.test("gcp_pubsub refuses connections that contradict themselves or would show their token", () => {
  const project = { project_id: "project-1" };
  const cases: readonly [input: object, key: string][] = [
    [{}, "project_id"],
    [{ project_id: "Project" }, "project_id"],
    [
      { ...project, credentials: sharedAccount().document(), credentials_path: "/key.json" },
      "credentials_path",
    ],
    [{ ...project, endpoint: "http://pubsub.example" }, "endpoint"],
    [{ ...project, endpoint: "https://pubsub.example/v1" }, "endpoint"],
    [{ ...project, endpoint: "https://pubsub.example", emulator_host: "localhost:8085" }, "emulator_host"],
    [{ ...project, emulator_host: "http://localhost:8085" }, "emulator_host"],
    [{ ...project, metadata_host: "a b" }, "metadata_host"],
  ];
  for (const [input, key] of cases) {
    assertEquals(problemsOf(pubsubConnectionSchema, input).map((text) => text.split(":")[0]), [key]);
  }
});
