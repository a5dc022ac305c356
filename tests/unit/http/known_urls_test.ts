import { assert, assertEquals } from "@std/assert";
import { KnownUrls } from "../../../src/http/known_urls.ts";

const url = (index: number) => `http://localhost/webhook/${index}`;

Deno.test("a URL is known once it was remembered, and only as it was written", () => {
  const urls = new KnownUrls();
  assertEquals(urls.find("http://localhost/webhook/a"), undefined);
  urls.remember("http://localhost/webhook/a", "default/a");
  assertEquals(urls.find("http://localhost/webhook/a"), "default/a");
  assertEquals(urls.find("http://localhost/webhook/A"), undefined);
  assertEquals(urls.find("http://localhost/webhook/a?x=1"), undefined);
});

Deno.test("however many URLs are asked for, the newest are known and the memory for them is bounded", () => {
  const urls = new KnownUrls();
  const count = 10_000;
  for (let index = 0; index < count; index++) {
    urls.remember(url(index), `default/${index}`);
    assertEquals(urls.find(url(index)), `default/${index}`);
  }
  const known = Array.from({ length: count }, (_, index) => urls.find(url(index)));
  assert(known.filter((path) => path !== undefined).length <= 4096);
});

Deno.test("a URL that is made long to fill the memory is not remembered", () => {
  const urls = new KnownUrls();
  const long = `${url(1)}?${"x".repeat(10_000)}`;
  urls.remember(long, "default/1");
  assertEquals(urls.find(long), undefined);
});
