/** The life of a token: the part of the suite in `vault_contract.ts` about renewal and replacement. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { VaultSource } from "../../../src/secrets/vault/vault_source.ts";
import { eventually } from "../eventually.ts";
import type { TestInWorld } from "./vault_contract.ts";
import { fieldsOf, reasonOf, type VaultWorld } from "./vault_world.ts";

const LOGIN = /^auth\/approle\/login$/;
const RENEWAL = /^auth\/token\/renew-self$/;
const READ = /^kv2\/data\//;

/** Registers the tests. */
export function testVaultTokens(test: TestInWorld): void {
  testRefusedTokens(test);
  testRenewal(test);
  testGivenTokens(test);
}

function testRefusedTokens(test: TestInWorld): void {
  test("a token that was revoked is replaced by one login, and the read is made once more", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({ login: (await world.role()).login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.admin.revokeLogins("approle");
    assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "next login is in");
    await letLoginsBeMade(world);
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(world.front.seen(LOGIN).length, 2);
  });

  test("many reads whose token is refused cause one login", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({ login: (await world.role()).login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await letLoginsBeMade(world);
    await world.admin.revokeLogins("approle");
    const reads = Array.from({ length: 20 }, () => fieldsOf(source, "hook"));
    for (const fields of await Promise.all(reads)) assertEquals(fields, { a: "1" });
    assertEquals(world.front.seen(LOGIN).length, 2);
  });

  test("a refusal of a token that was replaced meanwhile does not cost the new one", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({ login: (await world.role()).login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    world.front.answerNext(READ, { status: 403, body: '{"errors":["permission denied"]}', after: released });
    const late = fieldsOf(source, "hook");
    await eventually(() => world.front.seen(READ).length === 2);
    await letLoginsBeMade(world);
    await world.admin.revokeLogins("approle");
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    release();
    assertEquals(await late, { a: "1" });
    assertEquals(world.front.seen(LOGIN).length, 2);
  });

  test("tokens that are all refused cause one login in ten seconds, and then fewer", async (world) => {
    const source = await world.open({ login: (await world.role()).login });
    const refusal = { status: 403, body: '{"errors":["permission denied"]}' };
    using _rule = world.front.answer(READ, refusal);
    for (let attempt = 0; attempt < 20; attempt++) await reasonOf(source, "hook", "unavailable");
    assertEquals(world.front.seen(LOGIN).length, 1);
    assertEquals(source.status().state, "failing");
  });

  test("a given token that is refused is not sent with every read", async (world) => {
    const token = await world.admin.createToken({ policies: ["reader"] });
    await world.admin.revoke(token);
    const source = await world.open({ login: { method: "token", token: { value: token } } });
    for (let attempt = 0; attempt < 20; attempt++) {
      assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "VAULT_TOKEN");
    }
    assertEquals(world.front.seen(READ).length, 1);
  });
}

/** Ten seconds after the last login another one may be made. */
async function letLoginsBeMade({ backend }: VaultWorld): Promise<void> {
  await backend.pass(11);
}

function testRenewal(test: TestInWorld): void {
  test("a token is renewed at half of its life, again and again", async (world) => {
    const { front, backend } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({
      login: (await world.role({ token_ttl: `${backend.shortLife}s` })).login,
    });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    const ends = source.status().tokenExpiresAt ?? 0;
    for (const count of [1, 2]) {
      await backend.passAwaited(backend.shortLife / 2 + 0.2);
      await eventually(() => front.seen(RENEWAL).length === count);
    }
    await eventually(() => (source.status().tokenExpiresAt ?? 0) > ends);
    assertEquals(front.seen(RENEWAL)[0]?.text, "{}");
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(front.seen(LOGIN).length, 1);
  });

  test("a lease that gets shorter brings a new login before the longest life of the token is over", async (world) => {
    const { front, backend: { shortLife } } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const role = await world.role({ token_ttl: `${shortLife}s`, token_max_ttl: `${shortLife}s` });
    const source = await world.open({ login: role.login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.backend.passAwaited(shortLife / 2 + 0.2);
    await eventually(() => front.seen(RENEWAL).length === 1);
    await replaced(world, source);
  });

  test("a renewal that is refused brings a new login", async (world) => {
    const { front, backend: { shortLife } } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const role = await world.role({ token_ttl: `${shortLife}s`, token_no_default_policy: true });
    const source = await world.open({ login: role.login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.backend.passAwaited(shortLife / 2 + 0.2);
    await eventually(() => front.seen(RENEWAL).length === 1);
    await replaced(world, source);
  });

  test("a renewal that the server fails to make brings a new login", async (world) => {
    const { front, backend: { shortLife } } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({ login: (await world.role({ token_ttl: `${shortLife}s` })).login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    front.answerNext(RENEWAL, { status: 500, body: '{"errors":["internal error"]}' });
    await world.backend.passAwaited(shortLife / 2 + 0.2);
    await replaced(world, source);
    assertEquals(front.seen(RENEWAL).length, 1);
  });

  test("a batch token is never renewed, but replaced at half of its life", async (world) => {
    const { front, backend: { shortLife } } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const role = await world.role({ token_ttl: `${shortLife}s`, token_type: "batch" });
    const source = await world.open({ login: role.login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.backend.passAwaited(shortLife / 2 + 0.2);
    await replaced(world, source);
    assertEquals(front.seen(RENEWAL).length, 0);
  });

  test("a renewal without an answer is repeated, and the token serves on", async (world) => {
    const { front, backend: { shortLife } } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({ login: (await world.role({ token_ttl: `${shortLife}s` })).login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    front.answerNext(RENEWAL, { status: 307, headers: { location: "http://dead-leader.test:8200/" } });
    await world.backend.passAwaited(shortLife / 2 + 0.2);
    await eventually(() => front.seen(RENEWAL).length === 1);
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.backend.passAwaited(2);
    await eventually(() => front.seen(RENEWAL).length === 2);
    assertEquals(front.seen(LOGIN).length, 1);
  });

  test("a token serves on to its end while renewal and login are refused", async (world) => {
    const { front, backend: { shortLife } } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const role = await world.role({ token_ttl: `${shortLife}s` });
    const source = await world.open({ login: role.login });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    front.answerNext(RENEWAL, { status: 500, body: '{"errors":["internal error"]}' });
    using _rule = front.answer(LOGIN, { status: 400, body: '{"errors":["invalid role or secret ID"]}' });
    await world.backend.passAwaited(shortLife / 2 + 0.2);
    await eventually(() => front.seen(RENEWAL).length === 1);
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(source.status().state, "working");
  });
}

/** Waits until reads have another token. */
async function replaced({ front }: VaultWorld, source: VaultSource): Promise<void> {
  await eventually(async () => {
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(new Set(front.seen(READ).map(({ headers }) => headers["x-vault-token"])).size, 2);
  });
  assertEquals(front.seen(LOGIN).length, 2);
}

function testGivenTokens(test: TestInWorld): void {
  test("a token that never ends is not renewed", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const source = await world.open({
      login: { method: "token", token: { value: world.backend.rootToken } },
    });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(source.status().tokenExpiresAt, undefined);
    assertEquals(world.front.seen(RENEWAL).length, 0);
  });

  test("a given token with a period is renewed for ever", async (world) => {
    const { front, backend: { shortLife } } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const token = await world.admin.createToken({ policies: ["reader"], period: `${shortLife}s` });
    const source = await world.open({ login: { method: "token", token: { value: token } } });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    for (const count of [1, 2, 3]) {
      await world.backend.passAwaited(shortLife / 2 + 0.2);
      await eventually(() => front.seen(RENEWAL).length === count);
    }
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(source.status().state, "working");
  });

  test("a given token that cannot be renewed further is a problem with its time, and serves on", async (world) => {
    const { backend: { shortLife, clock } } = world;
    await world.admin.write2("kv2", "hook", { a: "1" });
    const options = { policies: ["reader"], ttl: `${shortLife}s`, explicit_max_ttl: `${shortLife}s` };
    const token = await world.admin.createToken(options);
    const source = await world.open({ login: { method: "token", token: { value: token } } });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    await world.backend.passAwaited(shortLife / 2 + 0.2);
    await eventually(() => source.status().state === "token_ending");
    const { tokenExpiresAt = 0, reason = "" } = source.status();
    assert(tokenExpiresAt > clock.now() && tokenExpiresAt <= clock.now() + shortLife * 1000);
    assertStringIncludes(reason, "cannot be renewed");
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  });

  test("a given token that may not look itself up or renew itself is used as it is", async (world) => {
    await world.admin.write2("kv2", "hook", { a: "1" });
    const token = await world.admin.createToken({ policies: ["reader"], no_default_policy: true });
    const source = await world.open({ login: { method: "token", token: { value: token } } });
    assertEquals(await fieldsOf(source, "hook"), { a: "1" });
    assertEquals(source.status().state, "working");
    assertEquals(world.front.seen(RENEWAL).length, 0);
  });
}
