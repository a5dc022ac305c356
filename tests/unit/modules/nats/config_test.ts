import { assertEquals, assertStringIncludes } from "@std/assert";
import { natsModule } from "../../../../src/modules/nats/nats.ts";

function problemsOf(schema: "configSchema" | "connectionSchema", value: unknown): string[] {
  const { error } = natsModule[schema]!.safeParse(value);
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

Deno.test("a subject that is none, or is the server's, is a problem of nats", () => {
  const subjects = {
    "": "A subject cannot be empty",
    "a.*": "without '*', '>' and single braces",
    "a.>": "without '*', '>' and single braces",
    "a.{b": "without '*', '>' and single braces",
    "a b": "printable ASCII characters",
    "a.\u00e9": "printable ASCII characters",
    "a\r\nPUB b 0": "printable ASCII characters",
    "$JS.API.STREAM.DELETE.ORDERS": "Subjects that begin with '$' belong to the server",
    "a..b": "no empty part",
    ".a": "no empty part",
    "a.": "no empty part",
    "a.{secret}": "Placeholder {secret} is not known",
    [`${"a".repeat(3_600)}{event_id}`]: "could become longer than 3800 bytes",
  };
  for (const [subject, expected] of Object.entries(subjects)) {
    assertStringIncludes(problemsOf("configSchema", { subject })[0] ?? "", expected, subject.slice(0, 20));
  }
  assertEquals(problemsOf("configSchema", { subject: "a.{/x~1y/0}-{event_id}.b" }), []);
});

Deno.test("nats needs a stream's name, and an id that differs from event to event", () => {
  const subject = "a";
  for (const stream of ["", "a.b", "a b", "*", "a/b"]) {
    assertStringIncludes(
      problemsOf("configSchema", { subject, stream })[0]!,
      "stream: Not the name of a stream",
    );
  }
  assertStringIncludes(
    problemsOf("configSchema", { subject, message_id: "always" })[0]!,
    "message_id: All events would be one",
  );
  assertStringIncludes(
    problemsOf("configSchema", { subject, message_id: "{event_id}\n" })[0]!,
    "printable ASCII",
  );
  assertEquals(
    problemsOf("configSchema", { subject, unconfirmed: true, stream: "A", message_id: "{event_id}" }),
    [
      "stream: Is of no use where unconfirmed is true: no stream is asked",
      "message_id: Is of no use where unconfirmed is true: no stream is asked",
    ],
  );
});

Deno.test("a connection of nats names servers, and one way to log in", () => {
  const parse = (value: unknown) => natsModule.connectionSchema!.parse(value);
  assertEquals(parse({}).servers, [{ host: "localhost", port: 4222 }]);
  assertEquals(parse({ servers: " nats://a , b:1,[::1]:2" }).servers, [
    { host: "a", port: 4222 },
    { host: "b", port: 1 },
    { host: "::1", port: 2 },
  ]);
  const cases: readonly [value: object, problem: string][] = [
    [{ servers: "nats://user:pa55@a" }, "servers: Give user name and password as keys of their own"],
    [{ servers: "tls://a" }, "servers: Give each server as host:port, and TLS as the key tls"],
    [{ servers: [] }, "servers: Name at least one server"],
    [{ username: "a" }, "username: username and password belong together: give both or neither"],
    [{ jwt_token: "a.b.c" }, "jwt_token: Needs nkey_secret as well"],
    [
      { token: "a", nkey_secret: "b" },
      "username: Give one of username, token, nkey_secret and credentials_file",
    ],
    [{ inbox_prefix: "a.>" }, "inbox_prefix: Not tokens of letters, digits, - and _"],
  ];
  for (const [value, problem] of cases) assertEquals(problemsOf("connectionSchema", value), [problem]);
});
