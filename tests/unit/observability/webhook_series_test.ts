import { assertEquals } from "@std/assert";
import { Metrics } from "../../../src/observability/metrics.ts";
import { boundReadings, SeriesNames } from "../../../src/observability/webhook_series.ts";

/** Values of the samples of one counter by `webhook outcome`. */
function counts(metrics: Metrics): Record<string, number> {
  const samples = metrics.render().matchAll(
    /^cwm_a_total\{.*webhook="(.*?)"(?:,outcome="(.*?)")?\} (\S+)$/gm,
  );
  return Object.fromEntries(Array.from(samples, ([, webhook, outcome, value]) => {
    return [outcome === undefined ? webhook : `${webhook} ${outcome}`, Number(value)];
  }));
}

function counted(limit: number, ...loaded: readonly string[]) {
  const metrics = new Metrics();
  const names = new SeriesNames(limit);
  const webhooks = loaded.map((id) => ({ namespace: "shop", id }));
  const family = metrics.webhookCounter("cwm_a_total", "A.", names, ["outcome"], {
    webhooks: () => webhooks,
    values: [["ok"]],
  });
  const count = (webhook: string, outcome = "ok", amount = 1) =>
    family.with("shop", webhook, outcome).add(amount);
  const forget = (webhook: string) => {
    family.forget({ namespace: "shop", webhook });
    names.forget({ namespace: "shop", webhook });
  };
  return { metrics, names, family, count, forget };
}

Deno.test("so many webhooks have series of their own, and the others are summed", () => {
  const { metrics, count } = counted(2);
  for (const [index, webhook] of ["a", "b", "c", "d"].entries()) count(webhook, "ok", index + 1);
  count("d", "no");
  assertEquals(counts(metrics), { "a ok": 1, "b ok": 2, "_others ok": 7, "_others no": 1 });
});

Deno.test("webhooks that nothing was sent to give their places to those that are used", () => {
  const { metrics, count } = counted(2, "a", "b", "c");
  assertEquals(counts(metrics), { "a ok": 0, "b ok": 0 });
  count("c");
  assertEquals(counts(metrics), { "b ok": 0, "c ok": 1, "_others ok": 0 });
  count("b");
  assertEquals(counts(metrics), { "b ok": 1, "c ok": 1, "_others ok": 0 });
  count("a");
  assertEquals(counts(metrics), { "b ok": 1, "c ok": 1, "_others ok": 1 });
});

Deno.test("the sum of the others never shrinks, whoever is removed or comes", () => {
  const { metrics, count, forget } = counted(1);
  count("a");
  count("b", "ok", 5);
  assertEquals(counts(metrics)["_others ok"], 5);
  forget("b");
  assertEquals(counts(metrics)["_others ok"], 5);
  count("c", "ok", 2);
  assertEquals(counts(metrics)["_others ok"], 7);
  forget("a");
  assertEquals(counts(metrics), { "_others ok": 7 });
  count("c");
  count("new");
  assertEquals(counts(metrics), { "_others ok": 8, "new ok": 1 });
});

Deno.test("a webhook that comes back begins at 0", () => {
  const { metrics, count, forget } = counted(Infinity);
  count("a", "ok", 3);
  forget("a");
  assertEquals(counts(metrics), {});
  count("a");
  assertEquals(counts(metrics), { "a ok": 1 });
});

Deno.test("without any series of webhooks there is their sum, and what belongs to none", () => {
  const { metrics, count, family } = counted(0, "a");
  count("a");
  family.with("_unknown", "_unknown", "ok").increment();
  assertEquals(counts(metrics), { "_unknown ok": 1, "_others ok": 1 });
});

Deno.test("webhooks whose names say the others are none of them", () => {
  const { metrics, count } = counted(1);
  count("others");
  count("other");
  assertEquals(counts(metrics), { "others ok": 1, "_others ok": 1 });
});

Deno.test("a histogram of the others is the sum of theirs", () => {
  const metrics = new Metrics();
  const family = metrics.webhookHistogram("cwm_seconds", "Durations.", new SeriesNames(1), [1]);
  family.with("shop", "a").observe(0.5);
  family.with("shop", "b").observe(0.5);
  family.with("shop", "c").observe(3);
  const lines = metrics.render().split("\n").filter((line) => line.includes('webhook="_others"'));
  assertEquals(lines.map((line) => line.replace(/namespace="_others",webhook="_others",?/, "")), [
    'cwm_seconds_bucket{le="1"} 1',
    'cwm_seconds_bucket{le="+Inf"} 2',
    "cwm_seconds_sum{} 3.5",
    "cwm_seconds_count{} 2",
  ]);
});

Deno.test("gauges of the others are one reading by their other labels", () => {
  const names = new SeriesNames(1);
  const webhook = (id: string) => ({ namespace: "shop", webhook: id });
  const readings = [[webhook("a"), 1], [webhook("b"), 2], [webhook("c"), 3]] as const;
  const others = { namespace: "_others", webhook: "_others" };
  assertEquals(boundReadings(names, readings), [[webhook("a"), 1], [others, 5]]);
  assertEquals(boundReadings(names, readings, Math.max), [[webhook("a"), 1], [others, 3]]);
  const stopped = [[webhook("b"), 1, { state: "paused" }], [webhook("c"), 1, { state: "off" }]] as const;
  assertEquals(boundReadings(names, stopped), [
    [{ ...others, state: "paused" }, 1],
    [{ ...others, state: "off" }, 1],
  ]);
});
