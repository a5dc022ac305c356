import { assertEquals } from "@std/assert";
import { Position } from "../../../../../src/config/etcd/mirror/position.ts";

const HEADER = { clusterId: "1", revision: 100, term: 5 } as const;

function positionAt(revision: number): Position {
  const position = new Position();
  position.replace({ ...HEADER, revision });
  return position;
}

Deno.test("a position lets a watch start right after what is applied", () => {
  assertEquals(positionAt(100).next, 101);
});

Deno.test("a position takes each revision once, and none from before", () => {
  const position = positionAt(100);
  assertEquals([position.isNew(99), position.isNew(100), position.isNew(101)], [false, false, true]);
  position.advance(101);
  assertEquals([position.revision, position.isNew(101)], [101, false]);
});

Deno.test("a position never goes back by an event or by progress", () => {
  const position = positionAt(100);
  position.advance(99);
  assertEquals(position.revision, 100);
});

Deno.test("a position goes back when a list says so", () => {
  const position = positionAt(100);
  position.replace({ ...HEADER, revision: 7 });
  assertEquals(position.revision, 7);
});

Deno.test("a position finds any answer current before the first list", () => {
  assertEquals(new Position().judge(HEADER), "current");
});

Deno.test("a position tells how the history of etcd has ceased to be its own", () => {
  assertEquals(positionAt(100).judge(HEADER), "current");
  assertEquals(positionAt(100).judge({ ...HEADER, revision: 200, term: 6 }), "current");
  assertEquals(positionAt(100).judge({ ...HEADER, clusterId: "2", revision: 200 }), "cluster_changed");
  assertEquals(positionAt(100).judge({ ...HEADER, revision: 99 }), "revision_regressed");
  assertEquals(positionAt(100).judge({ ...HEADER, revision: 200, term: 4 }), "history_rewound");
});

Deno.test("a position does not mistake events that have overtaken the answer to a read for a restore", () => {
  const position = positionAt(100);
  const before = position.known;
  position.advance(120);
  assertEquals(position.judge({ ...HEADER, revision: 110 }, before), "current");
  assertEquals(position.judge({ ...HEADER, revision: 99 }, before), "revision_regressed");
});

Deno.test("a position remembers the newest term that it has seen", () => {
  const position = positionAt(100);
  position.judge({ ...HEADER, term: 9 });
  assertEquals(position.judge({ ...HEADER, term: 8 }), "history_rewound");
});
