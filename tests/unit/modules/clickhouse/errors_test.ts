import { assert, assertEquals } from "@std/assert";
import {
  ClickhouseFailure,
  type FailureKind,
  type Refusal,
} from "../../../../src/modules/clickhouse/client.ts";
import { judgeFailure, type Judgement } from "../../../../src/modules/clickhouse/errors.ts";

function judge(kind: FailureKind, refusal?: Refusal): Judgement {
  const failure = new ClickhouseFailure(kind, "ClickHouse at db:8123 failed", refusal);
  return judgeFailure("ClickHouse at db:8123", "the insert into `t`", failure);
}

function judgeAnswer(status: number, code?: number, text = ""): readonly [string, string, boolean] {
  const { scope, error, mayBeStored } = judge("refused", { status, code, text });
  return [scope, error.code, mayBeStored];
}

Deno.test("clickhouse judges an answer by ClickHouse's code, whatever status a version gives it", () => {
  for (const status of [400, 404, 500]) {
    assertEquals(judgeAnswer(status, 60), ["table", "output_rejected", false]);
    assertEquals(judgeAnswer(status, 27), ["row", "output_rejected", false]);
    assertEquals(judgeAnswer(status, 516), ["later", "output_unavailable", false]);
    assertEquals(judgeAnswer(status, 252), ["later", "output_failed", false]);
  }
  assertEquals(judgeAnswer(500, 319), ["later", "output_failed", true]);
});

Deno.test("clickhouse judges a code that it does not know by the status", () => {
  assertEquals(judgeAnswer(400, 2999), ["row", "output_rejected", false]);
  assertEquals(judgeAnswer(500, 2999), ["later", "output_failed", true]);
});

Deno.test("clickhouse judges the answer of something in front of the server by its status", () => {
  assertEquals(judgeAnswer(413), ["row", "output_rejected", false]);
  assertEquals(judgeAnswer(401), ["later", "output_unavailable", false]);
  assertEquals(judgeAnswer(404), ["later", "output_failed", true]);
  assertEquals(judgeAnswer(502), ["later", "output_failed", true]);
});

Deno.test("clickhouse counts rows as possibly stored unless the server cannot have seen them", () => {
  const stored = (kind: FailureKind) => judge(kind).mayBeStored;
  assertEquals([stored("unreachable"), stored("no_answer"), stored("not_clickhouse")], [false, true, true]);
});

Deno.test("clickhouse shows the server's own words where they are about the table or the account", () => {
  const text = "Code: 60, e.displayText() = DB::Exception: Table default.t doesn't exist.\nStack trace";
  const { message } = judge("refused", { status: 404, code: 60, text }).error;
  assertEquals(
    message,
    "ClickHouse at db:8123 refused the insert into `t`: code 60 (UNKNOWN_TABLE): " +
      "e.displayText() = DB::Exception: Table default.t doesn't exist.",
  );
});

Deno.test("clickhouse does not show the server's words where they may quote what an event holds", () => {
  for (const code of [27, 62, 117, 2999]) {
    const { message } =
      judge("refused", { status: 400, code, text: `Code: ${code}. Cannot read s3cret` }).error;
    assert(!message.includes("s3cret"), message);
    assert(message.includes(`code ${code}`), message);
  }
});

Deno.test("clickhouse shows the server's name of an unlisted code, and nothing else of its words", () => {
  const texts = [
    "Code: 241. DB::Exception: Memory limit s3cret (BODY_WORD) exceeded. (MEMORY_LIMIT_EXCEEDED)\n",
    "Code: 241. DB::Exception: s3cret (MEMORY_LIMIT_EXCEEDED) (version 26.9.2.1 (official build))\n",
    "Code: 241. DB::Exception: s3cret. (MEMORY_LIMIT_EXCEEDED) (version 25.8.2.1). (MEMORY_LIMIT_EXCEEDED)",
  ];
  for (const text of texts) {
    const { message } = judge("refused", { status: 500, code: 241, text }).error;
    assertEquals(
      message,
      "ClickHouse at db:8123 refused the insert into `t`: code 241 (MEMORY_LIMIT_EXCEEDED)",
    );
  }
  const old = "Code: 241, e.displayText() = DB::Exception: 's3cret (BODY)', e.what() = DB::Exception";
  const { message } = judge("refused", { status: 500, code: 241, text: old }).error;
  assertEquals(message, "ClickHouse at db:8123 refused the insert into `t`: code 241");
});

Deno.test("clickhouse reads the view that threw from the words of every version", () => {
  const texts = {
    "Code: 6, e.displayText() = DB::Exception: Cannot parse: while pushing to view default.by_n, e.what() = x":
      "default.by_n",
    "Code: 6. DB::Exception: Cannot parse 'x': while pushing to view default.`v w`. (CANNOT_PARSE_TEXT)":
      "default.`v w`",
    "Code: 6. DB::Exception: Cannot: while pushing to view a.b (0b1d): While executing. (CANNOT_PARSE_TEXT)":
      "a.b",
    "Code: 6. DB::Exception: Cannot parse. (CANNOT_PARSE_TEXT)": undefined,
  };
  for (const [text, view] of Object.entries(texts)) {
    assertEquals(judge("refused", { status: 500, code: 6, text }).view, view, text);
  }
});
