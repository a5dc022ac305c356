import { assertEquals, assertStrictEquals } from "@std/assert";
import { TokenMemory } from "../../../../src/auth/jose/token_memory.ts";

const PASSED = { until: 100, count: undefined };

Deno.test("a token that passed is remembered until it expires", () => {
  const memory = new TokenMemory("slow");
  memory.notePassed("token", PASSED);
  assertStrictEquals(memory.recall("token", 99.9), PASSED);
  assertEquals(memory.recall("token", 100), undefined);
  assertEquals(memory.recall("token", 50), undefined, "it was not forgotten");
});

Deno.test("forged tokens, however many, have no token forgotten that passed", () => {
  const memory = new TokenMemory("slow");
  memory.notePassed("token", PASSED);
  for (let index = 0; index < 10_000; index++) memory.noteForged(`forged ${index}`);
  assertEquals(memory.recall("token", 0), PASSED);
  assertEquals(memory.recall("forged 9999", 0), "forged");
  assertEquals(memory.recall("forged 0", 0), undefined);
});

Deno.test("of many tokens, and of long ones, the newest are remembered", () => {
  const memory = new TokenMemory("slow");
  for (let index = 0; index < 257; index++) memory.notePassed(`token ${index}`, PASSED);
  assertEquals(memory.recall("token 0", 0), undefined);
  assertEquals(memory.recall("token 1", 0), PASSED);
  for (const letter of ["a", "b"]) memory.notePassed(letter.repeat(150_000), PASSED);
  assertEquals(memory.recall("token 256", 0), undefined);
  assertEquals(memory.recall("a".repeat(150_000), 0), undefined);
  assertEquals(memory.recall("b".repeat(150_000), 0), PASSED);
});

Deno.test("where checks are quick, sixteen tokens that passed are remembered, and no forged ones", () => {
  const memory = new TokenMemory("quick");
  for (let index = 0; index < 17; index++) memory.notePassed(`token ${index}`, PASSED);
  memory.noteForged("forged");
  assertEquals(["token 0", "token 1", "forged"].map((token) => memory.recall(token, 0)), [
    undefined,
    PASSED,
    undefined,
  ]);
});
