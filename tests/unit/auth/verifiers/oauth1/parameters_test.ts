import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Parameter, parseForm, percentDecode } from "../../../../../src/auth/parsing/form_body.ts";
import {
  normalizeParameters,
  percentEncode,
  signatureBaseString,
} from "../../../../../src/auth/verifiers/oauth1/parameters.ts";

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)) });

/** The parameters of RFC 5849, section 3.4.1.3.1. */
const EXAMPLE: readonly Parameter[] = [
  ["b5", "=%3D"],
  ["a3", "a"],
  ["c@", ""],
  ["a2", "r b"],
  ["oauth_consumer_key", "9djdj82h48djs9d2"],
  ["oauth_token", "kkk9d7dh3k39sjv7"],
  ["oauth_signature_method", "HMAC-SHA1"],
  ["oauth_timestamp", "137131201"],
  ["oauth_nonce", "7d8f3e4a"],
  ["c2", ""],
  ["a3", "2 q"],
];

Deno.test("oauth1 reads the query and the form of RFC 5849, section 3.4.1.3.1", () => {
  assertEquals(parseForm("b5=%3D%253D&a3=a&c%40=&a2=r%20b", 10), EXAMPLE.slice(0, 4));
  assertEquals(parseForm("c2&a3=2+q", 10), EXAMPLE.slice(9));
});

Deno.test("oauth1 normalizes parameters as RFC 5849, section 3.4.1.3.2, does", () => {
  assertEquals(
    normalizeParameters(EXAMPLE),
    "a2=r%20b&a3=2%20q&a3=a&b5=%3D%253D&c%40=&c2=&oauth_consumer_key=9djdj82h48djs9d2&" +
      "oauth_nonce=7d8f3e4a&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&" +
      "oauth_token=kkk9d7dh3k39sjv7",
  );
});

Deno.test("oauth1 makes the base string of RFC 5849, section 3.4.1.1", () => {
  assertEquals(
    signatureBaseString("POST", "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", EXAMPLE),
    "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540" +
      "%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method" +
      "%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7",
  );
});

Deno.test("oauth1 escapes all bytes but the unreserved ones of RFC 5849, section 3.6, and undoes it", () => {
  assertEquals(percentEncode("azAZ09-._~ \"!*'()+/\xe4"), "azAZ09-._~%20%22%21%2A%27%28%29%2B%2F%E4");
  fc.assert(fc.property(bytes, (text) => assertEquals(percentDecode(percentEncode(text)), text)));
});

Deno.test("oauth1 takes no percent sign that begins no escape, since it could be read in two ways", () => {
  for (const text of ["%", "a%", "%4", "%4x", "%x4", "%%41", "%u0041"]) {
    assertEquals(percentDecode(text), undefined, text);
    assertEquals(parseForm(`a=${text}`, 10), undefined, text);
    assertEquals(parseForm(`${text}=a`, 10), undefined, text);
  }
});

Deno.test("oauth1 tells every two lists of parameters apart, unless they differ in their order alone", () => {
  const list = fc.array(fc.tuple(bytes, bytes), { maxLength: 4 });
  const sorted = (parameters: readonly Parameter[]) => JSON.stringify(parameters.map(String).sort());
  fc.assert(fc.property(list, list, (one, other) => {
    const written = one.map((pair) => pair.map(percentEncode).join("=")).join("&");
    assertEquals(
      normalizeParameters(parseForm(written, 10)!),
      normalizeParameters(one.filter(([name, value]) => name + value !== "" || written.includes("="))),
    );
    assert(
      sorted(one) === sorted(other) || normalizeParameters(one) !== normalizeParameters(other),
      "Two lists are written in the same way",
    );
  }));
});

Deno.test("oauth1 reads as many parameters as it may, and no more", () => {
  assertEquals(parseForm("a=1&b=2&", 2)?.length, 2);
  assertEquals(parseForm("a=1&b=2&c", 2), undefined);
});
