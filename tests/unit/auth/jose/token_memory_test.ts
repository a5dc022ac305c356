import { assertEquals } from "@std/assert";
import { TokenMemory } from "../../../../src/auth/jose/token_memory.ts";

Deno.test("a token that passed is remembered until it expires", () => {
  const memory = new TokenMemory();
  memory.notePassed("token", 100);
  assertEquals(memory.recall("token", 99.9), "passes");
  assertEquals(memory.recall("token", 100), undefined);
  assertEquals(memory.recall("token", 50), undefined, "it was not forgotten");
});

Deno.test("forged tokens, however many, have no token forgotten that passed", () => {
  const memory = new TokenMemory();
  memory.notePassed("token", 100);
  for (let index = 0; index < 10_000; index++) memory.noteForged(`forged ${index}`);
  assertEquals(memory.recall("token", 0), "passes");
  assertEquals(memory.recall("forged 9999", 0), "is forged");
  assertEquals(memory.recall("forged 0", 0), undefined);
});

Deno.test("of many tokens, and of long ones, the newest are remembered", () => {
  const memory = new TokenMemory();
  for (let index = 0; index < 257; index++) memory.notePassed(`token ${index}`, 100);
  assertEquals(memory.recall("token 0", 0), undefined);
  assertEquals(memory.recall("token 1", 0), "passes");
  for (const letter of ["a", "b"]) memory.notePassed(letter.repeat(150_000), 100);
  assertEquals(memory.recall("token 256", 0), undefined);
  assertEquals(memory.recall("a".repeat(150_000), 0), undefined);
  assertEquals(memory.recall("b".repeat(150_000), 0), "passes");
});
