/** That what is wrong with a captured request is found out, and no secret is shown. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHmac } from "node:crypto";
import { judgeCaptured } from "../../../../src/cli/signatures/captured.ts";
import { configOf, judgeCase, readCases } from "../../../../src/cli/signatures/cases.ts";
import { explain, type Step } from "../../../../src/cli/signatures/explanation.ts";
import { type GivenRequest, readRequest, requestFrom } from "../../../../src/cli/signatures/given_request.ts";
import { nearMisses } from "../../../../src/cli/signatures/near_misses.ts";
import type { SignatureConfig } from "../../../../src/auth/signature/settings.ts";
import { providers } from "../../../../src/auth/providers/providers.ts";
import { signatureCases } from "../../../support/signatures/cases.ts";

const NOW = Date.UTC(2026, 10, 30, 12);
const SECRET = "a-secret-that-must-not-be-shown";
const BODY = '{"id":"evt_1"}';
const encoder = new TextEncoder();

function config(
  provider: string,
  settings: Readonly<Record<string, unknown>> = { secret: SECRET },
): SignatureConfig {
  const made = configOf(provider, settings);
  assert(typeof made !== "string", String(made));
  return made;
}

function given(
  headers: Readonly<Record<string, string>>,
  body = BODY,
  url = "https://hooks.example.com/in",
): GivenRequest {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const made = requestFrom(lines, encoder.encode(body), { url });
  assert(typeof made !== "string", String(made));
  return made;
}

function hmac(content: string, encoding: "hex" | "base64" = "hex"): string {
  return createHmac("sha256", SECRET).update(content).digest(encoding);
}

/** The step that is wrong, as its name and text. */
async function wrongStep(provider: string, { request }: GivenRequest): Promise<string> {
  const settings = config(provider);
  const reason = await judgeCaptured(request, settings, NOW);
  const steps = explain(settings, request, NOW, reason);
  assert(!JSON.stringify(steps).includes(SECRET));
  const [step] = steps.filter(({ verdict }: Step) => verdict === "wrong");
  assertEquals(step === undefined, reason === undefined);
  return step === undefined ? "" : `${step.name}: ${step.text}`;
}

Deno.test("each step says what is wrong with a request, in the order in which it is looked at", async () => {
  const github = (value: string) => wrongStep("github", given({ "X-Hub-Signature-256": value }));
  assertEquals(await github(`sha256=${hmac(BODY)}`), "");
  assertMatch(await github(hmac(BODY)), /^header: .* holds no signature .* begin with 'sha256='$/);
  assertMatch(
    await github(`sha256=${hmac(BODY).toUpperCase()}`),
    /^encoding: .*hex in capitals.*: hex is wanted$/,
  );
  assertMatch(
    await github(`sha256=${hmac(BODY, "base64")}`),
    /^encoding: .*44 characters.*base64: .* hex has 64$/,
  );
  assertMatch(
    await github(`sha256=${hmac(BODY).slice(1)}`),
    /^encoding: .*63 characters: hmac-sha256 in hex has 64$/,
  );
  assertMatch(await github(`sha256=${hmac("other")}`), /^signature: No signature matches/);
  const old = given({ "X-Hub-Signature": `sha1=${hmac(BODY)}` });
  assertMatch(
    await wrongStep("github", old),
    /^header: 'X-Hub-Signature-256' is missing\. .*'x-hub-signature'/,
  );
  const doubled = given({ "X-Hub-Signature-256": `sha256=${hmac(BODY)}, sha256=${hmac(BODY)}` });
  assertMatch(await wrongStep("github", doubled), /^header: .*several values/);
});

Deno.test("the age of a request is said in seconds, and a wrong unit by its name", async () => {
  const stripe = (t: string) => {
    return wrongStep("stripe", given({ "Stripe-Signature": `t=${t},v1=${hmac(`${t}.${BODY}`)}` }));
  };
  assertEquals(await stripe(String(NOW / 1000 - 200)), "");
  assertMatch(
    await stripe(String(NOW / 1000 - 400)),
    /^timestamp: 2026-11-30T11:53:20.000Z is 400 s old, up to 300 s/,
  );
  assertMatch(await stripe(String(NOW / 1000 + 90)), /^timestamp: .* 90 s in the future/);
  assertMatch(await stripe(String(NOW)), /^timestamp: .* looks like milliseconds since 1970/);
  assertMatch(await stripe("soon"), /^timestamp: .*"soon", and should be seconds since 1970/);
  const timeless = given({ "Stripe-Signature": `v1=${hmac(BODY)}` });
  assertMatch(await wrongStep("stripe", timeless), /^timestamp: 't' of the header is missing/);
});

Deno.test("what would have passed says what went wrong on the way", async () => {
  const hint = async (
    provider: string,
    request: GivenRequest,
    settings?: Readonly<Record<string, unknown>>,
  ) => {
    return (await nearMisses(config(provider, settings), request.request, NOW)).join(" | ");
  };
  const signed = (content: string, body: string) =>
    given({ "X-Hub-Signature-256": `sha256=${hmac(content)}` }, body);
  assertMatch(await hint("github", signed("a", "a\n")), /line feed was added/);
  assertMatch(await hint("github", signed("a\n", "a")), /line feed at the end of the body was lost/);
  assertMatch(await hint("github", signed("a\nb", "a\r\nb")), /became CR LF/);
  assertMatch(await hint("github", signed('{"a":1}', '{ "a": 1 }')), /parsed and written again/);
  assertEquals(await hint("github", signed("x", "y")), "");
  const quoted = { secret: `"${SECRET}"` };
  assertMatch(await hint("github", signed("a", "a"), quoted), /quotation marks/);
  const url = given(
    { "x-square-hmacsha256-signature": hmac(`https://hooks.example.com/in/${BODY}`, "base64") },
    BODY,
    "https://hooks.example.com/in",
  );
  assertMatch(await hint("square", url), /has signed the URL https:\/\/hooks\.example\.com\/in\//);
});

Deno.test("the steps of every provider's requests agree with the verdict, and show no secret", async () => {
  for (const { preset, config: settings, now, request } of await signatureCases()) {
    const made = config(preset, settings);
    const parsed = readRequest(encoder.encode(JSON.stringify({ request })), {});
    assert(typeof parsed !== "string", String(parsed));
    const reason = await judgeCaptured(parsed.request, made, now * 1000);
    const steps = explain(made, parsed.request, now * 1000, reason);
    assertEquals(steps.some(({ verdict }) => verdict === "wrong"), reason !== undefined, preset);
    const text = JSON.stringify(steps);
    const secrets = providers[preset]!.secret === "public_key" ? [] : Object.values(settings);
    for (const secret of secrets) {
      const isLong = typeof secret === "string" && secret.length > 15 && !secret.startsWith("http");
      assert(!isLong || !text.includes(secret), preset);
    }
  }
});

Deno.test("a request is read as it went over the wire, whatever editor it went through", () => {
  const wire = (text: string, parts = {}) => {
    const made = readRequest(encoder.encode(text), parts);
    assert(typeof made !== "string", String(made));
    const { method, url, headers, bodyBase64 } = made.request;
    return { method, url, headers, body: atob(bodyBase64), notes: made.notes.length };
  };
  const expected = {
    method: "PUT",
    url: "https://h.example/a?b=c",
    headers: { host: "h.example", "x-a": "1, 2" },
  };
  for (const end of ["\r\n", "\n"]) {
    const head = ["PUT /a?b=c HTTP/1.1", "Host: h.example", "X-A: 1", "x-a:  2 "].join(end) + end + end;
    assertEquals(wire(`${head}body`), { ...expected, body: "body", notes: 0 });
    assertEquals(wire(head), { ...expected, body: "", notes: 0 });
  }
  const http2 = wire(":method: PUT\n:authority: h.example\n:path: /a?b=c\nx-a: 1, 2\n\nbody");
  assertEquals([http2.method, http2.url, http2.body], ["PUT", expected.url, "body"]);
  const longer = wire("POST / HTTP/1.1\nContent-Length: 4\n\nbody\n");
  assertEquals([longer.body, longer.notes], ["body", 1]);
  const shorter = wire("POST / HTTP/1.1\nContent-Length: 5\n\nbody");
  assertEquals([shorter.body, shorter.notes], ["body", 1]);
  assertEquals(wire("POST http://a.example/x HTTP/1.1\n\n", { method: "GET" }).url, "http://a.example/x");
  assertEquals(wire('{"url":"https://a.example/x","headers":{"a":"b"},"body":"c"}').body, "c");
  for (
    const wrong of [
      "{",
      '{"headers":1}',
      '{"headers":{"a b":"c"}}',
      "POST / HTTP/1.1\nno header\n\n",
      '{"url":"x"}',
    ]
  ) {
    assert(typeof readRequest(encoder.encode(wrong), {}) === "string", wrong);
  }
});

Deno.test("every case of a file gets a line, also one that cannot be read", async () => {
  const request = { url: "https://hooks.example.com/in", headers: {}, bodyBase64: "" };
  const cases: readonly (readonly [given: unknown, preset: string | null, reason: RegExp])[] = [
    [null, null, /cannot be read/],
    [1, null, /cannot be read/],
    [[], null, /cannot be read/],
    [{}, null, /cannot be read: preset/],
    [{ preset: "github", config: {}, now: "soon", request }, "github", /cannot be read: now/],
    [{ preset: "github", config: { secret: SECRET }, now: 0 }, "github", /cannot be read: request/],
    [{ preset: "github", config: [], now: 0, request }, "github", /cannot be read: config/],
    [
      { preset: "github", config: { secret: SECRET }, now: 0, request: { ...request, url: "/in" } },
      "github",
      /request\.url/,
    ],
    [
      { preset: "github", config: { secret: SECRET }, now: 0, request: { ...request, url: "ftp://a/b" } },
      "github",
      /request\.url/,
    ],
    [
      { preset: "github", config: { secret: SECRET }, now: 0, request: { ...request, bodyBase64: "*" } },
      "github",
      /bodyBase64/,
    ],
    [
      {
        preset: "github",
        config: { secret: SECRET },
        now: 0,
        request: { ...request, headers: { "a\n": "b" } },
      },
      "github",
      /headers/,
    ],
    [
      {
        preset: "github",
        config: { secret: SECRET },
        now: 0,
        request: { ...request, headers: { a: "b\n\u0100" } },
      },
      "github",
      /headers/,
    ],
    [{ preset: "github", config: {}, now: 0, request }, "github", /^signature\.secret: Is missing/],
    [
      { preset: "github", config: { secret: "" }, now: 0, request },
      "github",
      /^signature\.secret: Must not be empty/,
    ],
    [
      { preset: "github", config: { provider: "open", secret: SECRET }, now: 0, request },
      "github",
      /missing$/,
    ],
    [{ preset: "nobody", config: { secret: SECRET }, now: 0, request }, "nobody", /^signature\.provider/],
    [{ preset: "toString", config: { secret: SECRET }, now: 0, request }, "toString", /^signature\.provider/],
    [
      { preset: "__proto__", config: { secret: SECRET }, now: 0, request },
      "__proto__",
      /^signature\.provider/,
    ],
    [{ preset: "github", config: { secret: SECRET }, now: 1e300, request }, "github", /missing$/],
  ];
  for (const [index, [each, preset, reason]] of cases.entries()) {
    const verdict = await judgeCase(each, index);
    assertEquals(Object.keys(verdict), ["index", "preset", "accepted", "reason"]);
    assertEquals([verdict.index, verdict.preset, verdict.accepted], [index, preset, false]);
    assertMatch(String(verdict.reason), reason, JSON.stringify(each));
    assert(!JSON.stringify(verdict).includes(SECRET));
  }
  assertEquals(readCases("cases.json", "[]"), []);
});

Deno.test("cases take settings in both spellings, and headers with several values", async () => {
  const secondary = createHmac("sha256", "second").update(`${BODY}2026-11-30T12:00:00Z`).digest("base64");
  const headers = {
    "BOX-SIGNATURE-SECONDARY": [secondary],
    "BOX-SIGNATURE-VERSION": "1",
    "BOX-SIGNATURE-ALGORITHM": "HmacSHA256",
    "BOX-DELIVERY-TIMESTAMP": "2026-11-30T12:00:00Z",
  };
  const request = { method: "POST", url: "https://hooks.example.com/in", headers, bodyBase64: btoa(BODY) };
  for (const name of ["secondarySecret", "secondary_secret"]) {
    const settings = { secret: SECRET, [name]: "second" };
    const verdict = await judgeCase({
      preset: "box",
      config: settings,
      now: NOW / 1000,
      request,
      sdk: "ignored",
    }, 7);
    assertEquals(verdict, { index: 7, preset: "box", accepted: true, reason: null });
  }
});
