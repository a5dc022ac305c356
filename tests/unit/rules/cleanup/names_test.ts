import { assertEquals } from "@std/assert";
import { isCredentialName } from "../../../../src/rules/cleanup/names.ts";

const CREDENTIALS =
  "password passwd pwd secret token api_key apikey access_token refresh_token authorization auth credential credentials " +
  "private_key privatekey api_secret client_secret bearer x-api-key x-auth-token x-access-token session_id sessionid " +
  "session_token csrf_token csrf oauth_token oauth_secret consumer_secret token_secret " +
  "apiKey APIKey ApiKey API_KEY Authorization userPassword dbPassword2 x.api.key Cookie keys signing-key sessionId";

const OTHERS =
  "author authority monkey keyboard tokenize passenger secretary secretariat bearing session authentic " +
  "turnkey id name x-hub-signature content-type user-agent sessions hidden";

Deno.test("the names of the Python service are credentials, in every spelling of their words", () => {
  for (const name of CREDENTIALS.split(" ")) assertEquals([name, isCredentialName(name)], [name, true]);
});

Deno.test("names that only contain the letters of such a word are none", () => {
  for (const name of OTHERS.split(" ")) assertEquals([name, isCredentialName(name)], [name, false]);
});

Deno.test("names of any length and number are judged without being kept", () => {
  for (let index = 0; index < 5_000; index++) assertEquals(isCredentialName(`name${index}`), false);
  assertEquals(isCredentialName("a".repeat(100_000)), false);
  assertEquals(isCredentialName(`${"a_".repeat(1_000)}password`), true);
});
