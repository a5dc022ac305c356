import { Buffer } from "node:buffer";
import { assertEquals, assertThrows } from "@std/assert";
import { SaslRefusal, SaslServer } from "../../support/sasl_server.ts";

const LOGIN = { username: "user", password: "pencil" };

/** The example of RFC 7677, section 3. */
function startOfTheRfc(password = LOGIN.password): SaslServer {
  const server = new SaslServer("SCRAM-SHA-256", { ...LOGIN, password }, {
    nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    salt: Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"),
  });
  assertEquals(
    server.answer("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"),
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  );
  return server;
}

const FINAL = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

Deno.test("the SASL server of the tests holds the conversation of RFC 7677", () => {
  const server = startOfTheRfc();
  assertEquals(server.isDone, false);
  assertEquals(server.answer(FINAL), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  assertEquals(server.isDone, true);
});

Deno.test("the SASL server of the tests lets nobody in with another password", () => {
  const server = startOfTheRfc("pencils");
  assertThrows(() => server.answer(FINAL), SaslRefusal);
  assertEquals(server.isDone, false);
});

Deno.test("the SASL server of the tests takes PLAIN as RFC 4616 writes it", () => {
  const server = new SaslServer("PLAIN", LOGIN);
  assertThrows(() => server.answer("\0user\0pen"), SaslRefusal);
  assertEquals(server.isDone, false);
  server.answer("\0user\0pencil");
  assertEquals(server.isDone, true);
});
