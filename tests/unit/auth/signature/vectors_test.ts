import { assert, assertEquals } from "@std/assert";
import { providers, schemesOf } from "../../../../src/auth/providers/providers.ts";
import { accepts, type SignatureCase, signatureCases } from "../../../support/signatures/cases.ts";
import { proofHeaders } from "../../../support/signatures/proof_headers.ts";

const cases = await signatureCases();
const valid = cases.filter((each) => each.valid);

/** Whose signature leaves the body out, or some of it. */
const NOT_ALL_SIGNED = [
  "plivo-v2",
  "atlassian-connect",
  "adyen",
  "dropbox-sign",
  "braintree",
  "sns",
  "ebay",
  "inngest",
];

Deno.test("signature agrees with the providers' own libraries in every recorded case", async () => {
  for (const [index, each] of cases.entries()) {
    const accepted = await accepts(each, each.request, each.now);
    assertEquals(accepted, each.valid, `${index}, ${each.preset}: ${each.why}`);
  }
});

Deno.test("signature knows every provider of the recorded cases, and over a hundred in all", () => {
  for (const { preset } of cases) assert(Object.hasOwn(providers, preset), preset);
  assert(Object.keys(providers).length >= 100);
});

Deno.test("signature refuses a body in which a single bit was changed", async () => {
  for (const each of valid.filter(({ preset }) => !NOT_ALL_SIGNED.includes(preset))) {
    for (const bodyBase64 of changedBodies(each)) {
      assert(!await accepts(each, { ...each.request, bodyBase64 }, each.now), `${each.preset}: ${each.why}`);
    }
  }
});

Deno.test("signature refuses a header of the proof in which a character was changed", async () => {
  for (const each of valid) {
    for (const [name, value] of proofOf(each)) {
      const headers = { ...withoutOthers(each, name), [name]: withOneChange(value) };
      const accepted = await accepts(each, { ...each.request, headers }, each.now);
      assert(!accepted || isRotation(each), `${each.preset}, ${name}: ${each.why}`);
    }
  }
});

Deno.test("signature refuses a proof that is sent twice", async () => {
  for (const each of valid) {
    for (const [name, value] of proofOf(each)) {
      const headers = { ...withoutOthers(each, name), [name]: `${value}, ${value}` };
      assert(!await accepts(each, { ...each.request, headers }, each.now), `${each.preset}, ${name}`);
    }
  }
});

Deno.test("signature takes a request until its window closes, and not a second longer", async () => {
  let judged = 0;
  for (const each of valid.filter(({ why }) => why === "signed as documented")) {
    const [scheme] = schemesOf(each.preset);
    const window = scheme?.timestamp?.window;
    if (window === undefined) continue;
    judged++;
    assert(await accepts(each, each.request, each.now + window), `${each.preset} at its end`);
    assert(!await accepts(each, each.request, each.now + window + 2), `${each.preset} after it`);
    const { future } = scheme!.timestamp!;
    assert(!await accepts(each, each.request, each.now - future - 2), `${each.preset} from the future`);
  }
  assert(judged > 40);
});

/** The body with one bit changed: at its beginning, in its middle and at its end. */
function* changedBodies({ request }: SignatureCase): Generator<string> {
  const body = Uint8Array.fromBase64(request.bodyBase64);
  for (const at of new Set([0, body.length >> 1, body.length - 1])) {
    if (body.length === 0) continue;
    const changed = body.slice();
    changed[at]! ^= 1;
    yield changed.toBase64();
  }
}

/** The headers without which the request proves nothing. */
function proofOf({ preset, request }: SignatureCase): readonly (readonly [string, string])[] {
  const names = new Set(proofHeaders(preset).map((name) => name.toLowerCase()));
  return Object.entries(request.headers).filter(([name]) => names.has(name.toLowerCase()));
}

/** Where one of several headers is enough, this one alone. */
function withoutOthers({ preset, request }: SignatureCase, name: string): Readonly<Record<string, string>> {
  const alternatives = schemesOf(preset).flatMap(({ signature }) => [signature.at].flat());
  const others = alternatives.length > 1 && alternatives.includes(name) ? alternatives : [];
  return Object.fromEntries(
    Object.entries(request.headers).filter(([each]) => each === name || !others.includes(each)),
  );
}

/** The last character but one, so that an encoding stays what it is. */
function withOneChange(value: string): string {
  const at = value.length - 3;
  const character = value[at]!;
  const other = /\d/.test(character) ? String((Number(character) + 1) % 10) : character === "A" ? "B" : "A";
  return value.slice(0, at) + other + value.slice(at + 1);
}

/** A request with several signatures may lose one. */
function isRotation({ why }: SignatureCase): boolean {
  return /two|several|secondary|escapes/.test(why);
}
