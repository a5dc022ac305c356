import { assertEquals } from "@std/assert";
import { LinkedList, Listed } from "../../../src/time/linked_list.ts";

class Item extends Listed<Item> {
  constructor(readonly name: string) {
    super();
  }
}

function listOf(...items: readonly Item[]): LinkedList<Item> {
  const list = new LinkedList<Item>();
  for (const item of items) list.add(item);
  return list;
}

function namesOf(list: LinkedList<Item>): string {
  return list.toArray().map(({ name }) => name).join("");
}

Deno.test("a linked list keeps the order of its items, whichever leave", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => new Item(name)) as [Item, Item, Item, Item];
  const list = listOf(a, b, c, d);
  list.delete(b);
  assertEquals([namesOf(list), list.size], ["acd", 3]);
  list.delete(a);
  list.delete(d);
  assertEquals([namesOf(list), list.size], ["c", 1]);
  list.add(a);
  assertEquals([namesOf(list), list.size], ["ca", 2]);
  list.clear();
  assertEquals([namesOf(list), list.size], ["", 0]);
});

Deno.test("an item that left a linked list refers to no neighbour, and leaves once only", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => new Item(name)) as [Item, Item, Item];
  const list = listOf(a, b, c);
  list.delete(b);
  list.delete(b);
  assertEquals([b.list, b.previous, b.next], [undefined, undefined, undefined]);
  assertEquals([namesOf(list), list.size], ["ac", 2]);
});
