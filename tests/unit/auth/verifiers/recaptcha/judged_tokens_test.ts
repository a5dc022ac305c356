import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import type { Refusal } from "../../../../../src/auth/verifier.ts";
import { JudgedTokens, TakenToken } from "../../../../../src/auth/verifiers/recaptcha/judged_tokens.ts";

const good = () => Promise.resolve(undefined);
const BECAUSE: Refusal = { code: "unauthorized", reason: "because" };
const AGAIN: Refusal = { code: "unauthorized", reason: "again" };
const bad = () => Promise.resolve(BECAUSE);
const asked = (): Promise<undefined> => Promise.reject(new Error("It was asked"));

Deno.test("a token is asked about once, whether it is taken or refused", async () => {
  const tokens = new JudgedTokens();
  const taken = await tokens.judge("a", good);
  assertInstanceOf(taken, TakenToken);
  assertEquals(tokens.judge("a", asked), taken);
  assertEquals([await tokens.judge("b", bad), tokens.judge("b", asked)], [BECAUSE, BECAUSE]);
});

Deno.test("requests with one token wait for one answer, and the first request has it", async () => {
  const tokens = new JudgedTokens();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const [one, other] = [tokens.judge("a", () => promise), tokens.judge("a", asked)];
  resolve(undefined);
  const [taken, same] = await Promise.all([one, other]);
  assert(taken === same && taken instanceof TakenToken);
  assertEquals([taken.isFor("this"), taken.isFor("that"), taken.isFor("this")], [true, false, true]);
});

Deno.test("a token that could not be asked about is asked about again", async () => {
  const tokens = new JudgedTokens();
  await assertRejects(async () => await tokens.judge("a", asked), Error, "It was asked");
  assertInstanceOf(await tokens.judge("a", good), TakenToken);
});

Deno.test("a token is asked about again after its time", async () => {
  const tokens = new JudgedTokens(1);
  await tokens.judge("a", good);
  let judgement: unknown;
  do judgement = await tokens.judge("a", bad); while (judgement !== BECAUSE);
});

Deno.test("past their bound the oldest tokens are forgotten, and refused ones forget no others", async () => {
  const tokens = new JudgedTokens();
  await tokens.judge("first", good);
  for (let index = 0; index < 10_000; index++) await tokens.judge(`wrong ${index}`, bad);
  assertEquals(tokens.judge("wrong 0", asked), BECAUSE);
  await tokens.judge("wrong 10000", bad);
  assertEquals(await tokens.judge("wrong 0", () => Promise.resolve(AGAIN)), AGAIN);
  assertInstanceOf(tokens.judge("first", asked), TakenToken);
});
