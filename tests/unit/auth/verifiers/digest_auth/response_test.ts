import { assertEquals } from "@std/assert";
import {
  type DigestAlgorithm,
  responseDigest,
  userDigest,
} from "../../../../../src/auth/verifiers/digest_auth/response.ts";
import { parseDigestCredentials } from "../../../../../src/auth/verifiers/digest_auth/credentials.ts";

const NONE = new Uint8Array();

/** The header of RFC 7616, section 3.9.1, with what differs between its two examples left open. */
function mufasa(algorithm: string, response: string): string {
  return `Digest username="Mufasa",
       realm="http-auth@example.org",
       uri="/dir/index.html",
       algorithm=${algorithm},
       nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
       nc=00000001,
       cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
       qop=auth,
       response="${response}",
       opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`.replace(/\n */g, " ");
}

const EXAMPLES: Readonly<Record<string, string>> = {
  MD5: "8ca523f5e9506fed4657c9700eebdbec",
  "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
};

for (const [name, response] of Object.entries(EXAMPLES)) {
  Deno.test(`digest_auth calculates the response of RFC 7616, section 3.9.1, with ${name}`, () => {
    const algorithm = name as DigestAlgorithm;
    const given = parseDigestCredentials(mufasa(name, response))!;
    const user = userDigest(algorithm, given.username, given.realm, "Circle of Life");
    assertEquals(given.algorithm, name);
    assertEquals(responseDigest(algorithm, user, { method: "GET", ...given }, NONE), response);
  });
}

Deno.test("digest_auth reads the user names of RFC 7616, section 3.9.2", () => {
  const rest = `realm="api@example.org", uri="/doe.json", algorithm=SHA-512-256,
    nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", nc=00000001, cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm",
    qop=auth, response="ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd"`;
  const nameIn = (parameters: string) => {
    const credentials = parseDigestCredentials(`Digest ${parameters}, ${rest.replace(/\n */g, " ")}`);
    return credentials === undefined ? undefined : [credentials.username, credentials.isUsernameHashed];
  };
  const hashed = "488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec";
  assertEquals(nameIn(`username="${hashed}", userhash=true`), [hashed, true]);
  assertEquals(nameIn("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, userhash=false"), ["Jäsøn Doe", false]);
  assertEquals(nameIn("username*=utf-8'en'J%C3%A4s%C3%B8n%20Doe"), ["Jäsøn Doe", false]);
  for (
    const wrong of [
      `username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, userhash=true`,
      `username="Jason", username*=UTF-8''J%C3%A4s%C3%B8n%20Doe`,
      `username*=ISO-8859-1''J%E4s`,
      `username*=UTF-8''J%E4s`,
      `username*=UTF-8''J%C`,
      `username="Jason", userhash=maybe`,
      "",
    ]
  ) assertEquals(nameIn(wrong), undefined, wrong);
});
