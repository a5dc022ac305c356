import { assertEquals } from "@std/assert";
import { AddressOrder } from "../../../../src/io/http/address_order.ts";

/** Addresses as resolvers give them. */
function addresses(...list: readonly string[]) {
  return list.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

/** An order by a clock that the test sets, which gives texts. */
function orderAt(clock: { now: number }) {
  const order = new AddressOrder(() => clock.now);
  return {
    sort: (...list: readonly string[]) => order.sort(addresses(...list)).map(({ address }) => address),
    note: (late: readonly string[], answered: string) => {
      order.note(addresses(...late), addresses(answered)[0]!);
    },
  };
}

Deno.test("addresses are tried with the families in turn, each in the resolver's order", () => {
  const { sort } = orderAt({ now: 0 });
  assertEquals(sort(), []);
  assertEquals(sort("192.0.2.1"), ["192.0.2.1"]);
  assertEquals(sort("::1", "::2", "192.0.2.1", "::3", "192.0.2.2"), [
    "::1",
    "192.0.2.1",
    "::2",
    "192.0.2.2",
    "::3",
  ]);
  assertEquals(sort("192.0.2.1", "192.0.2.2", "::1"), ["192.0.2.1", "::1", "192.0.2.2"]);
});

Deno.test("an address that did not answer comes behind the others until it does, or for half a minute", () => {
  const clock = { now: 1_000 };
  const { sort, note } = orderAt(clock);
  note(["::1", "192.0.2.1"], "::2");
  assertEquals(sort("::1", "::2", "192.0.2.1", "192.0.2.2"), ["::2", "192.0.2.2", "::1", "192.0.2.1"]);
  note([], "192.0.2.1");
  assertEquals(sort("::1", "192.0.2.1"), ["192.0.2.1", "::1"]);
  clock.now += 29_999;
  assertEquals(sort("::1", "192.0.2.1"), ["192.0.2.1", "::1"]);
  clock.now += 1;
  assertEquals(sort("::1", "192.0.2.1"), ["::1", "192.0.2.1"]);
});

Deno.test("the addresses that did not answer first are forgotten when there are a thousand others", () => {
  const { sort, note } = orderAt({ now: 0 });
  note(["::1"], "192.0.2.1");
  for (let host = 1; host <= 1_000; host++) note([`2001:db8::${host.toString(16)}`], "192.0.2.1");
  assertEquals(sort("::1", "192.0.2.1"), ["::1", "192.0.2.1"]);
  assertEquals(sort("2001:db8::1", "192.0.2.1"), ["192.0.2.1", "2001:db8::1"]);
});
