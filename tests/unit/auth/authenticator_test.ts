import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { compileAuthenticator, RefusalError } from "../../../src/auth/authenticator.ts";
import { lazyVerifier } from "../../../src/auth/lazy_verifier.ts";
import { ServerUnavailableError } from "../../../src/auth/servers/unavailable.ts";
import type { BodyCheck, Refusal, RequestToVerify, Verifier } from "../../../src/auth/verifier.ts";
import { GatewayError } from "../../../src/errors.ts";
import { type Event, EventBody } from "../../../src/event/event.ts";
import { authenticate, requestWith } from "../../contracts/verifier.ts";

const BODY = new TextEncoder().encode("body");
const REFUSAL: Refusal = { code: "unauthorized", reason: "The reason for the log" };

function headVerifier(
  verify: (request: RequestToVerify) => Refusal | undefined | Promise<Refusal | undefined>,
): Verifier {
  return { reads: "head", verify };
}

function bodyVerifier(check: BodyCheck): Verifier {
  return { reads: "body", verify: () => check };
}

function eventOf(request: RequestToVerify): Event {
  const body = EventBody.fromBytes(BODY);
  return { id: "1", namespace: "default", webhook: "example", receivedAt: 0, headers: request.headers, body };
}

function refusalOf(verifiers: readonly Verifier[]): Promise<GatewayError> {
  return assertRejects(() => authenticate(compileAuthenticator(verifiers), [], BODY), GatewayError);
}

Deno.test("authenticator without verifiers lets every request in without a promise or an object", () => {
  const authenticator = compileAuthenticator([]);
  const [first, second] = [requestWith([]), requestWith([])];
  const admission = authenticator.admit(first);
  assertStrictEquals(admission, authenticator.admit(second));
  assert(!(admission instanceof Promise));
  const verification = authenticator.verify(admission, first, EventBody.fromText("{}"));
  assert(!(verification instanceof Promise));
  const event = eventOf(first);
  assertStrictEquals<unknown>(authenticator.seal(verification, event), event);
  assertEquals(authenticator.readsBody, false);
  assertStrictEquals(authenticator, compileAuthenticator([]));
});

Deno.test("authenticator makes no promise when no verifier does", () => {
  const authenticator = compileAuthenticator([headVerifier(() => undefined), bodyVerifier(() => undefined)]);
  const request = requestWith([]);
  const admission = authenticator.admit(request);
  assert(!(admission instanceof Promise));
  assert(!(authenticator.verify(admission, request, EventBody.fromBytes(BODY)) instanceof Promise));
});

Deno.test("authenticator reads the body when one of its verifiers does", () => {
  const [head, body] = [headVerifier(() => undefined), bodyVerifier(() => undefined)];
  assertEquals(compileAuthenticator([head]).readsBody, false);
  assertEquals(compileAuthenticator([head, body]).readsBody, true);
});

Deno.test("authenticator lets a request in only when all verifiers do, whatever their order and kind", async () => {
  const outcomes = [undefined, REFUSAL];
  const makers: ((outcome: Refusal | undefined) => Verifier)[] = [
    (outcome) => headVerifier(() => outcome),
    (outcome) => headVerifier(() => Promise.resolve(outcome)),
    (outcome) => bodyVerifier(() => outcome),
    (outcome) => bodyVerifier(() => Promise.resolve(outcome)),
    (outcome) => ({ reads: "body", verify: () => Promise.resolve(() => outcome) }),
  ];
  for (const first of makers) {
    for (const second of makers) {
      for (const a of outcomes) {
        for (const b of outcomes) {
          const authenticator = compileAuthenticator([first(a), second(b)]);
          const passed = await authenticate(authenticator, [], BODY).then(() => true, () => false);
          assertEquals(passed, a === undefined && b === undefined);
        }
      }
    }
  }
});

Deno.test("authenticator asks the verifiers in order and none after a refusal", async () => {
  const asked: string[] = [];
  const note = (name: string, outcome?: Refusal) =>
    headVerifier(() => {
      asked.push(name);
      return outcome;
    });
  const slow = headVerifier(async () => {
    await Promise.resolve();
    asked.push("slow");
    return undefined;
  });
  await refusalOf([note("first"), slow, note("second", REFUSAL), note("third")]);
  assertEquals(asked, ["first", "slow", "second"]);
});

Deno.test("authenticator refuses with the fixed message and the challenge, the reason is for the log", async () => {
  const error = await refusalOf([headVerifier(() => ({ ...REFUSAL, challenge: 'Basic realm="webhook"' }))]);
  assertEquals(error.status, 401);
  assertEquals(error.message, new GatewayError("unauthorized").message);
  assertEquals(error.headers, { "WWW-Authenticate": 'Basic realm="webhook"' });
  assertInstanceOf(error.cause, RefusalError);
  assertEquals(error.cause.message, "The reason for the log");
});

Deno.test("authenticator refuses as forbidden, without a challenge, when the verifier says so", async () => {
  const error = await refusalOf([headVerifier(() => ({ code: "forbidden", reason: "Not from here" }))]);
  assertEquals([error.status, error.headers], [403, undefined]);
});

Deno.test("authenticator refuses when a verifier fails, in either phase, at once or later", async () => {
  const failure = new Error("The key server is down");
  const failing: Verifier[] = [
    headVerifier(() => {
      throw failure;
    }),
    headVerifier(() => Promise.reject(failure)),
    bodyVerifier(() => {
      throw failure;
    }),
    bodyVerifier(() => Promise.reject(failure)),
  ];
  for (const verifier of failing) {
    const error = await refusalOf([verifier]);
    assertEquals(error.status, 401);
    assertInstanceOf(error.cause, RefusalError);
    assertStrictEquals(error.cause.cause, failure);
  }
});

Deno.test("authenticator refuses when a verifier of bodies gives no check", async () => {
  const forgetful = { reads: "body", verify: () => undefined } as unknown as Verifier;
  assertEquals((await refusalOf([forgetful])).status, 401);
});

Deno.test("authenticator gives body verifiers the bytes as sent", async () => {
  let seen: Uint8Array | undefined;
  const verifier = bodyVerifier((body) => {
    seen = body;
    return undefined;
  });
  await authenticate(compileAuthenticator([verifier]), [], BODY);
  assertStrictEquals(seen, BODY);
});

Deno.test("authenticator does not take the proof of another request or webhook", async () => {
  const verifier = headVerifier(() => undefined);
  const guarded = compileAuthenticator([verifier]);
  const otherGuarded = compileAuthenticator([verifier]);
  const open = compileAuthenticator([]);
  const [request, other] = [requestWith([]), requestWith([])];
  const body = EventBody.fromBytes(BODY);
  const admission = await guarded.admit(request);
  const openAdmission = await open.admit(request);

  assertThrows(() => guarded.verify(admission, other, body), TypeError);
  assertThrows(() => otherGuarded.verify(admission, request, body), TypeError);
  assertThrows(() => guarded.verify(openAdmission, request, body), TypeError);
  assertThrows(() => open.verify(admission, request, body), TypeError);

  const verification = await guarded.verify(admission, request, body);
  const openVerification = await open.verify(openAdmission, request, body);
  assertThrows(() => guarded.seal(verification, eventOf(other)), TypeError);
  assertThrows(() => otherGuarded.seal(verification, eventOf(request)), TypeError);
  assertThrows(() => guarded.seal(openVerification, eventOf(request)), TypeError);
  assertThrows(() => open.seal(verification, eventOf(request)), TypeError);
});

Deno.test("authenticator answers 503 when a server that a verifier asks is not available", async () => {
  const cause = new Error("connection refused");
  const fail = () => {
    throw new ServerUnavailableError("The server idp.test:443 cannot be asked: ECONNREFUSED", { cause });
  };
  const failLater = () =>
    Promise.reject(new ServerUnavailableError("The server idp.test:443 cannot be asked"));
  for (
    const verifier of [
      headVerifier(fail),
      headVerifier(failLater),
      bodyVerifier(fail),
      bodyVerifier(failLater),
    ]
  ) {
    const error = await refusalOf([verifier]);
    assertEquals([error.code, error.status], ["authentication_unavailable", 503]);
    assertEquals(error.message, "The request cannot be authenticated at the moment");
    assert(error.retryAfterSeconds !== undefined && error.retryAfterSeconds > 0);
    assertInstanceOf(error.cause, RefusalError);
    assert(error.cause.message.includes("idp.test:443"));
  }
  assertStrictEquals(((await refusalOf([headVerifier(fail)])).cause as RefusalError).cause, cause);
});

Deno.test("authenticator releases what verifiers hold when the last webhook lets go of it", () => {
  let released = 0;
  const authenticator = compileAuthenticator([{
    ...headVerifier(() => undefined),
    release: () => released++,
  }]);
  authenticator.hold();
  authenticator.hold();
  authenticator.letGo();
  assertEquals(released, 0);
  authenticator.letGo();
  assertEquals(released, 1);
  assertThrows(() => authenticator.letGo());
});

Deno.test("a lazy verifier that was released keeps what it remembers", async () => {
  const log: string[] = [];
  const prepare = (name: string) => {
    log.push(`prepare ${name}`);
    return {
      reads: "head" as const,
      verify: () => undefined,
      release: () => void log.push(`release ${name}`),
    };
  };
  const verifier = lazyVerifier("head", prepare, "it");
  verifier.release?.();
  assertEquals(log, []);
  await authenticate(compileAuthenticator([verifier]), [], BODY);
  verifier.release?.();
  await authenticate(compileAuthenticator([verifier]), [], BODY);
  assertEquals(log, ["prepare it", "release it"]);
});
