import { assertEquals } from "@std/assert";
import { ClientAddressResolver } from "../../../src/auth/client_address.ts";
import { PublicUrlResolver } from "../../../src/auth/public_url.ts";

const TARGET = "/webhook/a//b/../%41%2f?x=1;2&y=+%20&x=";

interface Sent {
  readonly peer?: string;
  readonly headers?: readonly [name: string, value: string][];
  readonly publicUrl?: string;
}

const PROTO: [string, string] = ["X-Forwarded-Proto", "https"];
const HOST: [string, string] = ["X-Forwarded-Host", "hooks.example.com"];

/** What the sender's URL is found to be, from a peer that is a trusted proxy where nothing else is said. */
function publicUrl({ peer = "10.0.0.1", headers = [PROTO, HOST], publicUrl }: Sent = {}): string | undefined {
  const resolver = new PublicUrlResolver(publicUrl, new ClientAddressResolver(["10.0.0.0/8"]));
  return resolver.resolve({
    url: `http://chosen-by-the-sender.example${TARGET}`,
    headers: new Headers([["Host", "chosen-by-the-sender.example"], ...headers]),
    peerAddress: peer,
  });
}

Deno.test("the public URL is what PUBLIC_URL says, whatever the request says, with the target as sent", () => {
  for (const peer of ["10.0.0.1", "203.0.113.5"]) {
    for (const headers of [[], [PROTO, HOST]]) {
      assertEquals(
        publicUrl({ peer, headers, publicUrl: "https://hooks.example.com:8443/in" }),
        `https://hooks.example.com:8443/in${TARGET}`,
      );
    }
  }
});

Deno.test("the public URL is what a trusted proxy says", () => {
  assertEquals(publicUrl(), `https://hooks.example.com${TARGET}`);
  assertEquals(publicUrl({ peer: "::ffff:10.0.0.1" }), `https://hooks.example.com${TARGET}`);
});

Deno.test("the public URL has scheme and host in lower case, and no port that is the scheme's own", () => {
  const of = (proto: string, host: string) =>
    publicUrl({ headers: [["X-Forwarded-Proto", proto], ["X-Forwarded-Host", host]] });
  assertEquals(of("HTTPS", "Hooks.Example.com:443"), `https://hooks.example.com${TARGET}`);
  assertEquals(of("http", "hooks.example.com:80"), `http://hooks.example.com${TARGET}`);
  assertEquals(of("http", "hooks.example.com:443"), `http://hooks.example.com:443${TARGET}`);
  assertEquals(of("https", "[2001:DB8::1]:8443"), `https://[2001:db8::1]:8443${TARGET}`);
});

Deno.test("the public URL is not known where nobody who is trusted says it", () => {
  assertEquals(publicUrl({ peer: "203.0.113.5" }), undefined);
  assertEquals(publicUrl({ peer: "" }), undefined);
  assertEquals(publicUrl({ headers: [] }), undefined);
  assertEquals(publicUrl({ headers: [PROTO] }), undefined);
  assertEquals(publicUrl({ headers: [HOST] }), undefined);
  assertEquals(publicUrl({ headers: [["Forwarded", "proto=https;host=hooks.example.com"]] }), undefined);
});

Deno.test("the public URL is not known where a proxy left what the sender wrote beside its own word", () => {
  assertEquals(publicUrl({ headers: [PROTO, PROTO, HOST] }), undefined);
  assertEquals(publicUrl({ headers: [PROTO, HOST, ["X-Forwarded-Host", "evil.example"]] }), undefined);
  assertEquals(publicUrl({ headers: [["X-Forwarded-Proto", "https, http"], HOST] }), undefined);
});

Deno.test("the public URL is not known from a scheme or host that is none", () => {
  for (const proto of ["", "ftp", "https:", "https://x", "javascript"]) {
    assertEquals(publicUrl({ headers: [["X-Forwarded-Proto", proto], HOST] }), undefined, proto);
  }
  for (
    const host of ["", "a/b", "a?b", "a#b", "user@a", "a b", "a:", "a:b", "a:123456", "[::1", "a,b", "%61"]
  ) {
    assertEquals(publicUrl({ headers: [PROTO, ["X-Forwarded-Host", host]] }), undefined, host);
  }
});

Deno.test("the public target begins with the path of PUBLIC_URL, which a proxy took away", () => {
  const none = new ClientAddressResolver([]);
  const of = (publicUrl?: string) => new PublicUrlResolver(publicUrl, none).publicTarget(`http://h${TARGET}`);
  assertEquals(of(), TARGET);
  assertEquals(of("https://hooks.example.com"), TARGET);
  assertEquals(of("https://hooks.example.com/in/cwm"), `/in/cwm${TARGET}`);
});
