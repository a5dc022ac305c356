import { assertEquals } from "@std/assert";
import { parseJsonObject } from "../../../../src/config/values/json_file.ts";

Deno.test("a JSON file is parsed into its members, an own key __proto__ included, without its BOM", async () => {
  const parsed = await parseJsonObject(new TextEncoder().encode('\ufeff{"a": 1, "__proto__": 2, "a": 3}'));
  if ("problem" in parsed) throw new Error(parsed.problem.message);
  assertEquals(Object.entries(parsed.members), [["a", 3], ["__proto__", 2]]);
  assertEquals(parsed.text[0], "{");
});

Deno.test("a problem of a JSON file names the position and quotes nothing of it", async () => {
  const problemOf = async (text: string) => {
    const parsed = await parseJsonObject(new TextEncoder().encode(text));
    return "problem" in parsed ? parsed.problem.message : undefined;
  };
  const secret = "hunter2hunter2";
  assertEquals(await problemOf(""), "The file is empty");
  assertEquals(await problemOf(" \r\n"), "The file is empty");
  assertEquals(
    await problemOf(`{"a":\n ${secret}}`),
    "The file is not valid JSON: error at position 7 (line 2 column 2)",
  );
  assertEquals(
    await problemOf(`{"a": "${secret}`),
    "The file is not valid JSON: error at position 21 (line 1 column 22)",
  );
  assertEquals(await problemOf(`"${secret}"`), "The file must hold a JSON object at its top level");
});
