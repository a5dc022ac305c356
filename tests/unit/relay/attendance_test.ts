import { assertEquals, assertStringIncludes } from "@std/assert";
import { Health } from "../../../src/health/health.ts";
import { Attendance, type Attended } from "../../../src/relay/attendance.ts";
import { logger } from "../../../src/observability/logging.ts";
import { eventually } from "../../support/eventually.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

/** One channel, and who takes its events. */
class World implements Disposable {
  readonly health = new Health();
  by: Attended = "nobody";
  readonly attendance: Attendance;

  constructor(isShared = false) {
    this.attendance = new Attendance({
      health: isShared ? undefined : this.health,
      logger: logger("relay"),
      attendedBy: () => this.by,
      times: { lostMs: 20, firstMs: 60, lookMs: 5 },
    });
  }

  get causes(): readonly string[] {
    return this.health.troubles().map(({ cause }) => cause);
  }

  /** Resolves when a channel without anybody would be reported by now. */
  async looked(): Promise<void> {
    using other = new World();
    other.attendance.exists("other");
    await eventually(() => assertEquals(other.causes.length, 1));
  }

  [Symbol.dispose](): void {
    this.attendance[Symbol.dispose]();
  }
}

Deno.test("a channel to which no connector comes is reported, until one does", async () => {
  using world = new World();
  world.attendance.exists("inbox");
  assertEquals(world.causes, []);
  const [cause = ""] = await eventually(() => {
    assertEquals(world.causes.length, 1);
    return world.causes;
  });
  assertStringIncludes(cause, "No connector has come yet");
  world.by = "connected";
  world.attendance.attended("inbox");
  assertEquals(world.causes, []);
});

Deno.test("a connector that is lost is reported, and one that comes back at once is not", async () => {
  await using log = RecordedLog.start("warning");
  using world = new World();
  world.by = "connected";
  world.attendance.exists("inbox");
  world.attendance.lost("inbox");
  await world.looked();
  assertEquals(world.causes, []);
  world.by = "nobody";
  world.attendance.lost("inbox");
  await eventually(() => assertStringIncludes(world.causes[0] ?? "", "Its last connector has left"));
  const warnings = (await log.records()).filter(({ channel }) => channel === "inbox");
  assertEquals(warnings.length, 1, JSON.stringify(warnings));
  world.attendance.removed("inbox");
  assertEquals(world.causes, []);
});

Deno.test("consumers that poll and stop are noticed, though nobody says so", async () => {
  using world = new World();
  world.by = "polled";
  world.attendance.attended("inbox");
  await world.looked();
  assertEquals(world.causes, []);
  world.by = "nobody";
  await eventually(() => assertEquals(world.causes.length, 1));
  world.by = "polled";
  world.attendance.attended("inbox");
  assertEquals(world.causes, []);
});

Deno.test("channels that instances share are not reported by one of them", async () => {
  using world = new World(true);
  world.attendance.exists("inbox");
  await world.looked();
  assertEquals(world.causes, []);
});
