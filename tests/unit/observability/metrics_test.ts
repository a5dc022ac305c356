import { assertEquals, assertMatch, assertNotMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { Metrics, METRICS_CONTENT_TYPE, type Reading } from "../../../src/observability/metrics.ts";

/** The text of one metric. */
function section(metrics: Metrics, name: string): string {
  const sections = metrics.render().split(/(?=^# HELP )/m);
  return sections.find((text) => text.startsWith(`# HELP ${name} `)) ?? "";
}

Deno.test("metrics name the text format that they are rendered in", () => {
  assertEquals(METRICS_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
});

Deno.test("metrics render a counter with labels in the order of their first use", () => {
  const metrics = new Metrics();
  const requests = metrics.counter("cwm_requests_total", "Requests.", ["webhook", "outcome"]);
  requests.with("orders", "accepted").increment();
  requests.with("orders", "invalid").add(2.5);
  requests.with("orders", "accepted").increment();
  assertEquals(
    section(metrics, "cwm_requests_total"),
    "# HELP cwm_requests_total Requests.\n" +
      "# TYPE cwm_requests_total counter\n" +
      'cwm_requests_total{webhook="orders",outcome="accepted"} 2\n' +
      'cwm_requests_total{webhook="orders",outcome="invalid"} 2.5\n',
  );
});

Deno.test("metrics render a gauge without labels and with every kind of number", () => {
  const metrics = new Metrics();
  let value = 1;
  metrics.gaugeFrom("cwm_inflight", "Requests under way.", () => value);
  assertMatch(section(metrics, "cwm_inflight"), /# TYPE cwm_inflight gauge\ncwm_inflight 1\n$/);
  const texts = [[Infinity, "+Inf"], [-Infinity, "-Inf"], [NaN, "NaN"], [1e21, "1e+21"], [
    -0.5,
    "-0.5",
  ]] as const;
  for (const [number, text] of texts) {
    value = number;
    assertEquals(section(metrics, "cwm_inflight").split("\n")[2], `cwm_inflight ${text}`);
  }
});

Deno.test("metrics render a histogram with cumulative buckets, sum and count", () => {
  const metrics = new Metrics();
  const durations = metrics.histogram("cwm_seconds", "Durations.", ["module"], [0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 7]) durations.with("log").observe(seconds);
  assertEquals(
    section(metrics, "cwm_seconds"),
    "# HELP cwm_seconds Durations.\n" +
      "# TYPE cwm_seconds histogram\n" +
      'cwm_seconds_bucket{module="log",le="0.1"} 2\n' +
      'cwm_seconds_bucket{module="log",le="1"} 3\n' +
      'cwm_seconds_bucket{module="log",le="+Inf"} 4\n' +
      'cwm_seconds_sum{module="log"} 7.65\n' +
      'cwm_seconds_count{module="log"} 4\n',
  );
});

Deno.test("metrics render a histogram without labels", () => {
  const metrics = new Metrics();
  metrics.histogram("cwm_seconds", "Durations.", [], [1]).with().observe(2);
  assertMatch(
    section(metrics, "cwm_seconds"),
    /_bucket\{le="1"\} 0\n.*_bucket\{le="\+Inf"\} 1\ncwm_seconds_sum 2\n/,
  );
});

Deno.test("metrics escape label values and help texts", () => {
  const metrics = new Metrics();
  metrics.counter("cwm_a_total", "One\\two\nthree", ["x"]).with('a"b\\c\nd').increment();
  metrics.gaugeFrom("cwm_b", "Read.", () => [[{ x: '"\\\n' }, 1]]);
  assertMatch(section(metrics, "cwm_a_total"), /^# HELP cwm_a_total One\\\\two\\nthree\n/);
  assertMatch(section(metrics, "cwm_a_total"), /\{x="a\\"b\\\\c\\nd"\} 1\n$/);
  assertMatch(section(metrics, "cwm_b"), /\{x="\\"\\\\\\n"\} 1\n$/);
});

Deno.test("metrics give out the same child for the same label values and no others", () => {
  const metrics = new Metrics();
  const family = metrics.counter("cwm_a_total", "A.", ["x", "y"]);
  assertStrictEquals(family.with("1", "2"), family.with("1", "2"));
  family.with('1",y="2', "").increment();
  family.with("1", '",y="2').increment();
  assertEquals(family.with("1", "2").value, 0);
  assertEquals(family.with('1",y="2', "").value, 1);
});

Deno.test("metrics stop showing a child that was removed and start again at zero", () => {
  const metrics = new Metrics();
  const family = metrics.counter("cwm_a_total", "A.", ["webhook"]);
  family.with("kept").increment();
  const held = family.with("deleted");
  held.increment();
  family.remove("deleted");
  held.increment();
  assertNotMatch(metrics.render(), /deleted/);
  assertMatch(metrics.render(), /webhook="kept"\} 1\n/);
  family.with("deleted").increment();
  assertMatch(metrics.render(), /webhook="deleted"\} 1\n/);
});

Deno.test("metrics read callbacks at each scrape", () => {
  const metrics = new Metrics();
  let value = 1;
  metrics.gaugeFrom("cwm_size", "Size.", () => value);
  metrics.counterFrom("cwm_seconds_total", "Seconds.", () => value * 2);
  metrics.gaugeFrom("cwm_keys", "Keys.", function* (): Iterable<Reading> {
    yield [{ state: "ok" }, value];
    yield [{ state: "stale" }, 0];
  });
  assertMatch(section(metrics, "cwm_size"), /gauge\ncwm_size 1\n$/);
  value = 2;
  assertMatch(section(metrics, "cwm_size"), /gauge\ncwm_size 2\n$/);
  assertMatch(section(metrics, "cwm_seconds_total"), /counter\ncwm_seconds_total 4\n$/);
  assertMatch(section(metrics, "cwm_keys"), /cwm_keys\{state="ok"\} 2\ncwm_keys\{state="stale"\} 0\n$/);
});

Deno.test("metrics leave out and count a metric whose callback fails", () => {
  const metrics = new Metrics();
  metrics.gaugeFrom("cwm_broken", "Broken.", () => {
    throw new Error("not now");
  });
  metrics.gaugeFrom("cwm_fine", "Fine.", () => 1);
  assertMatch(metrics.render(), /\ncwm_fine 1\n/);
  assertNotMatch(metrics.render(), /^cwm_broken/m);
  assertMatch(metrics.render(), /cwm_metric_read_errors_total\{metric="cwm_broken"\} 2\n/);
});

Deno.test("metrics refuse names that are taken or not valid", () => {
  const metrics = new Metrics();
  metrics.counter("cwm_a_total", "A.");
  assertThrows(
    () => metrics.gaugeFrom("cwm_a_total", "B.", () => 1),
    Error,
    "'cwm_a_total' as it is registered already",
  );
  assertThrows(() => metrics.gaugeFrom("1st", "B.", () => 1), TypeError, "'1st' as its name is not valid");
  for (const label of ["a-b", "__name__", "le", ""]) {
    assertThrows(() => metrics.counter("cwm_b", "B.", [label]), TypeError, `label '${label}'`);
  }
  for (const buckets of [[1, 1], [2, 1], [1, Infinity], [NaN]]) {
    assertThrows(() => metrics.histogram("cwm_c", "C.", [], buckets), TypeError, "buckets");
  }
});
