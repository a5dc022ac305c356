import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { httpWebhookConfigSchema } from "../../../../src/modules/http_webhook/config.ts";

/** Paths of the problems of a `module-config`, with their messages. */
function problemsOf(config: unknown): readonly string[] {
  const parsed = httpWebhookConfigSchema.safeParse(config);
  return (parsed.error?.issues ?? []).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
}

Deno.test("http_webhook configuration refuses every spelling of a forbidden address", () => {
  const hosts = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "localhost",
    "LOCALHOST.",
    "admin.localhost",
    "10.0.0.1",
    "169.254.169.254",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[fd00:ec2::254]",
  ];
  for (const host of hosts) {
    const [problem] = problemsOf({ url: `http://${host}:8080/path` });
    assertStringIncludes(problem ?? "", "url: The host is refused", host);
  }
});

Deno.test("http_webhook configuration permits private destinations that allowed_hosts names", () => {
  const permitted: readonly (readonly [url: string, allowed: string])[] = [
    ["http://127.0.0.1:8080", "127.0.0.1"],
    ["http://2130706433:8080", "127.0.0.1"],
    ["http://127.0.0.1:8080", "127.0.0.1:8080"],
    ["http://127.0.0.1:8080", "127.0.0.0/8"],
    ["http://[::1]", "::1"],
    ["http://[::ffff:127.0.0.1]", "127.0.0.1"],
    ["http://localhost", "LOCALHOST"],
    ["http://orders.internal.", "orders.internal"],
    ["https://orders.internal", "orders.internal:443"],
  ];
  for (const [url, allowed] of permitted) {
    assertEquals(problemsOf({ url, allowed_hosts: [allowed] }), [], `${url} with ${allowed}`);
  }
});

Deno.test("http_webhook configuration refuses a destination that allowed_hosts does not name", () => {
  for (const url of ["https://other.example", "https://orders.example:8443", "http://8.8.8.8"]) {
    assertEquals(problemsOf({ url, allowed_hosts: ["orders.example:443"] }), [
      "url: The host is refused, it is not in allowed_hosts: see allowed_hosts",
    ]);
  }
});

Deno.test("http_webhook configuration refuses addresses other than plain http or https, unshown", () => {
  const urls = [
    "",
    "example.com/s3cret",
    "/s3cret",
    "ftp://example.com/s3cret",
    "file:///etc/s3cret",
    "javascript:s3cret",
    "http://user:s3cret@example.com",
    "http://s3cret@example.com",
    "http://:s3cret@example.com",
    "http://example.com:99999/s3cret",
  ];
  for (const url of urls) {
    const problems = problemsOf({ url });
    assertEquals(problems.length, 1, url);
    assert(problems[0]!.startsWith("url: ") && !problems[0]!.includes("s3cret"), problems[0]);
  }
});

Deno.test("http_webhook configuration refuses headers that could not be sent, and shows no value", () => {
  const refused: readonly Record<string, string>[] = [
    { "": "s3cret" },
    { "x y": "s3cret" },
    { "x:y": "s3cret" },
    { "x\r\ny": "s3cret" },
    { "x-a": "s3cret\r\nx-b: 1" },
    { "x-a": "s3cret\0" },
    { "x-a": "s3cret ✓" },
    { "x-a": "s3cret".repeat(2000) },
    { Host: "s3cret" },
    { "content-length": "s3cret" },
    { "Content-Encoding": "s3cret" },
    { "transfer-encoding": "s3cret" },
    { connection: "s3cret" },
    { "CWM-Event-Id": "s3cret" },
    { "x-a": "1", "X-A": "s3cret" },
  ];
  for (const headers of refused) {
    const problems = problemsOf({ url: "https://example.com", headers });
    assertEquals(problems.length, 1, JSON.stringify(headers));
    assert(problems[0]!.startsWith("headers.") && !problems[0]!.includes("s3cret"), problems[0]);
  }
});

Deno.test("http_webhook configuration reports each wrong header and host", () => {
  const problems = problemsOf({
    url: "https://example.com",
    headers: { host: "a", "x-ok": "b", te: "c" },
    allowed_hosts: ["a b", "ok", "c d"],
  });
  const paths = problems.map((problem) => problem.split(":")[0]);
  assertEquals(paths, ["headers.host", "headers.te", "allowed_hosts.0", "allowed_hosts.2"]);
});

Deno.test("http_webhook configuration takes its time-out in seconds, as a number or as text", () => {
  const timeoutOf = (timeout?: unknown) => {
    return httpWebhookConfigSchema.parse({ url: "https://example.com", timeout }).timeoutMs;
  };
  assertEquals(timeoutOf(), 10_000);
  assertEquals(timeoutOf(2.5), 2500);
  assertEquals(timeoutOf("30"), 30_000);
  for (const timeout of [0, -1, "30s", 3601, null]) {
    assertEquals(problemsOf({ url: "https://example.com", timeout }).length, 1);
  }
});
