import { assertEquals, assertStringIncludes } from "@std/assert";
import { insertSettings, type ServerSetting } from "../../../../src/modules/clickhouse/settings.ts";

function decide(settings: Readonly<Record<string, Partial<ServerSetting>>>) {
  const known = Object.entries(settings).map(([name, setting]): [string, ServerSetting] => [
    name,
    { value: "", isPinned: false, min: undefined, max: undefined, ...setting },
  ]);
  return insertSettings(new Map(known));
}

Deno.test("inserts are sent with no setting that the server does not know", () => {
  assertEquals(decide({}), { sent: {}, takesToken: false, problems: [], remarks: [] });
});

Deno.test("a setting whose limits leave out what is needed is one that cannot be changed", () => {
  const limits = [{ min: "1" }, { max: "-1" }, { isPinned: true }];
  for (const limit of limits) {
    const { sent, problems } = decide({ input_format_tsv_skip_first_lines: { value: "3", ...limit } });
    assertEquals([sent, problems.length], [{}, 1], JSON.stringify(limit));
    assertStringIncludes(problems[0]!, "'input_format_tsv_skip_first_lines' is fixed at 3");
  }
  const { sent, problems } = decide({ input_format_tsv_skip_first_lines: { min: "0", max: "10" } });
  assertEquals([sent, problems], [{ input_format_tsv_skip_first_lines: "0" }, []]);
});

Deno.test("the number of partitions is limited unless it is 0", () => {
  assertEquals(decide({ max_partitions_per_insert_block: { value: "100" } }).maxPartitions, 100);
  assertEquals(decide({ max_partitions_per_insert_block: { value: "0" } }).maxPartitions, undefined);
});
