import { assertEquals } from "@std/assert";
import { ANY_DESTINATION, comparableHost } from "../../../../src/io/destination_policy.ts";
import { parseProxy } from "../../../../src/io/http/proxy.ts";
import { parseDirect, proxyFor } from "../../../../src/io/http/proxy_rules.ts";
import { parseHttpAddress } from "../../../../src/schema/addresses.ts";
import { assertThrows } from "@std/assert";
import { loadSettings } from "../../../../src/settings/load.ts";
import { StartupError } from "../../../../src/errors.ts";

const PROXY = parseProxy("http://proxy.example:3128", ANY_DESTINATION);

/** Whether an address is reached without a proxy by an entry of `NO_PROXY`. */
function isDirect(url: string, entry: string): boolean {
  const address = parseHttpAddress(url);
  const direct = parseDirect(entry);
  if (typeof address === "string" || direct === undefined || typeof PROXY === "string") throw new Error(url);
  const destination = { ...address, hostname: comparableHost(address.hostname) };
  return proxyFor(destination, { http: PROXY, https: PROXY, direct: [direct] }) === undefined;
}

Deno.test("an entry of NO_PROXY is everything, a name with all below it, an address or a range", () => {
  const direct: readonly (readonly [entry: string, ...urls: string[]])[] = [
    ["*", "http://a.example", "https://[2001:db8::1]"],
    ["example.com", "http://example.com", "https://a.b.example.com:8443", "http://EXAMPLE.com."],
    [".example.com", "http://example.com", "http://a.example.com"],
    ["*.example.com", "http://a.example.com"],
    ["example.com:8443", "https://example.com:8443", "http://a.example.com:8443"],
    ["10.1.2.3", "http://10.1.2.3:99"],
    ["10.1.2.3:99", "http://10.1.2.3:99"],
    ["10.0.0.0/8", "http://10.1.2.3", "http://0x0a.1"],
    ["2001:db8::1", "http://[2001:db8::1]"],
    ["[2001:db8::1]:443", "https://[2001:db8:0::1]/"],
    ["other.example", "http://127.0.0.1", "http://localhost", "http://a.localhost:8080", "http://[::1]"],
  ];
  for (const [entry, ...urls] of direct) {
    for (const url of urls) assertEquals(isDirect(url, entry), true, `${url} by ${entry}`);
  }
  const through: readonly (readonly [entry: string, ...urls: string[]])[] = [
    ["example.com", "http://notexample.com", "http://example.com.evil.test", "http://example.org"],
    ["example.com:8443", "https://example.com"],
    ["10.0.0.0/8", "http://11.0.0.1", "http://ten.example"],
    ["0.0.1", "http://10.0.0.1"],
    ["2001:db8::/32", "http://[2001:db9::1]"],
  ];
  for (const [entry, ...urls] of through) {
    for (const url of urls) assertEquals(isDirect(url, entry), false, `${url} by ${entry}`);
  }
  for (const entry of ["", "http://example.com", "a b", "10.0.0.0/99", "example.com:0"]) {
    assertEquals(parseDirect(entry), undefined, entry);
  }
});

Deno.test("proxies of the environment are read by both of their names, and never shown", () => {
  const load = (env: Record<string, string>) =>
    loadSettings(env, { logIsTerminal: false }).outputBounds.proxies;
  const withLogin = load({
    https_proxy: "http://user:p%40ss@proxy.example",
    no_proxy: "a.example,, nonsense!/",
  });
  assertEquals(withLogin?.https?.authorization, `Basic ${btoa("user:p@ss")}`);
  assertEquals([withLogin?.https?.port, withLogin?.http], [80, undefined]);
  assertEquals(withLogin?.direct.length, 1);
  const upper = load({ HTTP_PROXY: "upper.example:1", http_proxy: "lower.example:2" });
  assertEquals(upper?.http?.hostname, "upper.example");
  assertEquals(load({ NO_PROXY: "*" }), undefined);
  const error = assertThrows(() => load({ HTTPS_PROXY: "socks5://user:s3cret@proxy.example" }), StartupError);
  assertEquals(error.problems, [
    "HTTPS_PROXY cannot be used: Must be an http or https proxy; its value is not shown",
  ]);
});
