import { assertEquals, assertStringIncludes } from "@std/assert";
import { zeromqModule } from "../../../../src/modules/zeromq/zeromq.ts";

function problemsOf(value: unknown): string[] {
  const { error } = zeromqModule.configSchema.safeParse(value);
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

Deno.test("zeromq takes sockets that confirm nothing only where that is said, as PUB is by default", () => {
  const endpoint = "tcp://worker:5555";
  for (const keys of [{}, { socket_type: "PUB" }, { socket_type: "PUSH", unconfirmed: false }]) {
    assertStringIncludes(problemsOf({ endpoint, ...keys })[0]!, "unconfirmed: PU");
    assertEquals(problemsOf({ endpoint, ...keys, unconfirmed: "true" }), []);
  }
  assertEquals(problemsOf({ endpoint, socket_type: "req" }), []);
  assertEquals(problemsOf({ endpoint, socket_type: "DEALER", bind: false }), []);
  assertEquals(problemsOf({ endpoint, socket_type: "REQ", unconfirmed: true }), [
    "unconfirmed: Is of no use with REQ, whose peer answers",
  ]);
});

Deno.test("an endpoint that nobody can be reached at is a problem of zeromq", () => {
  const endpoints = {
    "": "Not an endpoint",
    "worker:5555": "Not an endpoint",
    "udp://worker:5555": "Not an endpoint",
    "tcp://worker": "Give host and port",
    "tcp://worker:0": "Give host and port",
    "tcp://worker:70000": "Give host and port",
    "tcp://user@worker:1": "Give host and port",
    "tcp://*:5555": "'*' is an address to wait at",
    "inproc://events": "within one program",
    "ipc://events.sock": "Give the whole path",
    [`ipc:///${"a".repeat(107)}`]: "at most 107 bytes",
    [`tcp://${"a".repeat(600)}:1`]: "longer than 512 characters",
  };
  for (const [endpoint, expected] of Object.entries(endpoints)) {
    assertStringIncludes(problemsOf({ endpoint, socket_type: "REQ" })[0] ?? "", expected, endpoint);
  }
  for (const endpoint of ["tcp://10.0.0.1:1", "tcp://[::1]:5555", "ipc:///run/events.sock"]) {
    assertEquals(problemsOf({ endpoint, socket_type: "REQ" }), []);
  }
  assertEquals(problemsOf({ endpoint: "tcp://*:5555", socket_type: "REQ", bind: true }), []);
});

Deno.test("webhooks share a socket of zeromq only where endpoint, kind and side are the same", () => {
  const keyOf = (value: object) =>
    zeromqModule.partition!(
      zeromqModule.configSchema.parse({ endpoint: "tcp://a:1", socket_type: "REQ", ...value }),
    );
  assertEquals(keyOf({}), keyOf({ single_frame: true, timeout: 1 }));
  const others = [{ endpoint: "tcp://a:2" }, { socket_type: "DEALER" }, { bind: true }].map(keyOf);
  assertEquals(new Set([keyOf({}), ...others]).size, 4);
});
