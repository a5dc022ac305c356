import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FiguresPage, WINDOW_NAMES } from "../../../../src/http/statistics/figures.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long each window is, and the slot that it is exact to, in milliseconds. */
const LENGTHS: Readonly<Record<string, readonly [length: number, slot: number]>> = {
  minute: [MINUTE, 10_000],
  "5_minutes": [5 * MINUTE, MINUTE],
  "15_minutes": [15 * MINUTE, 5 * MINUTE],
  "30_minutes": [30 * MINUTE, 5 * MINUTE],
  hour: [HOUR, 5 * MINUTE],
  day: [DAY, HOUR],
  week: [7 * DAY, DAY],
  month: [30 * DAY, DAY],
};

Deno.test("each window has what came within it, and of older requests one slot at most", () => {
  const pause = fc.oneof(
    fc.integer({ min: 0, max: 20_000 }),
    fc.integer({ min: 0, max: 2 * HOUR }),
    fc.integer({ min: 0, max: 20 * DAY }),
    fc.integer({ min: -HOUR, max: 0 }),
  );
  const steps = fc.array(fc.record({ pause, count: fc.integer({ min: 0, max: 9 }), restarts: fc.boolean() }));
  fc.assert(fc.property(steps, (steps) => {
    let now = Date.UTC(2026, 0, 1);
    let latest = now;
    let page = new FiguresPage(now);
    page.names[3] = "team-a/orders";
    const added: { at: number; count: number }[] = [];
    for (const { pause, count, restarts } of steps) {
      now += pause;
      page.advance(now);
      latest = Math.max(latest, now);
      page.add(3, count);
      added.push({ at: latest, count });
      if (restarts) page = FiguresPage.from(JSON.parse(JSON.stringify(page.keep())));
      const figures = page.figuresOf(3);
      const since = (time: number) =>
        added.filter(({ at }) => at > time).reduce((sum, { count }) => sum + count, 0);
      assertEquals(figures.total, since(0));
      for (const name of WINDOW_NAMES) {
        const [length, slot] = LENGTHS[name]!;
        const least = since(latest - length);
        const most = since(latest - length - slot);
        assert(
          figures[name] >= least && figures[name] <= most,
          `${name}: ${figures[name]} of ${least} to ${most}`,
        );
      }
    }
    assertEquals(page.names[3], "team-a/orders");
    assertEquals(page.figuresOf(2).total, 0);
  }));
});
